"""Who keeps a row that a deletion left where it is: a policy of the database's, or a trigger."""

from collections.abc import Sequence

from gateway.schema.model import Resource
from gateway.sql.statement import Statement

_BEFORE_DELETION = 1 | 2 | 8
"""The bits of pg_trigger.tgtype: for each row, before it is deleted."""

_ASK = Statement(
    # A partition has triggers of its own.
    text=f"""
        SELECT row_security_active(c.oid) AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_trigger AS t
            WHERE t.tgtype & {_BEFORE_DELETION} = {_BEFORE_DELETION} AND t.tgenabled <> 'D'
                AND (t.tgrelid = c.oid
                     OR t.tgrelid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid))))
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2
    """,  # noqa: S608 - a number
    binds=("schema", "table"),
    fields=(),
    writes=False,
    name="who keeps a row",
    constants={},
)


def kept_by_policy(resource: Resource) -> tuple[Statement, Sequence[str]]:
    """Return the statement that says whether a policy alone can keep the table's rows from being deleted.

    Where there is a trigger too it is false: which of both it was can't be told.
    """
    return _ASK, [resource.schema, resource.table]
