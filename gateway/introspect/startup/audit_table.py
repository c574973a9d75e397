"""At start: changes that are to be kept as rows can be kept, or nothing is served."""

from collections.abc import Iterator

from sqlalchemy import MetaData

from gateway.db.database import Database
from gateway.introspect.tables.model_tables import is_audited
from gateway.request.calls.call import Call
from gateway.schema.tables.internal import AUDIT
from gateway.sql.statement import Statement

_MADE_BY = "`rowgate migrate` makes it; where others manage all tables, `rowgate migrate --gateway-tables`"
_FOUND = Statement(
    """
    SELECT quote_ident(current_user), has_schema_privilege(n.oid, 'USAGE'),
        ARRAY(SELECT attname::text FROM pg_catalog.pg_attribute
              WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
        ARRAY(SELECT what FROM unnest($3::text[]) AS what WHERE NOT has_table_privilege(c.oid, what))
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2
    """,
    binds=("schema", "table", "privileges"),
    fields=(),
    writes=False,
    name="audit table",
    constants={},
)


class AuditUnavailableError(Exception):
    """Tables are audited, and the table that keeps it isn't there, or may not be written."""


async def require_audit(database: Database, metadata: MetaData, call: Call, *, removes: bool) -> None:
    """Raise AuditUnavailableError unless the changes of audited tables can be kept.

    Args:
        database: by the role that keeps them.
        metadata: the schema's tables.
        call: the start.
        removes: whether old rows are removed.

    """
    if not is_audited(metadata):
        return
    needed = ["INSERT", *(("SELECT", "DELETE") if removes else ())]
    rows = await database.fetch(_FOUND, [AUDIT.schema, AUDIT.name, needed], call)
    columns = set() if not rows else set(rows[0][2])
    missing = sorted({column.name for column in AUDIT.columns} - columns)
    if missing:
        why = "is not there" if not rows else f"has no {', '.join(missing)}"
        raise AuditUnavailableError(f"tables are audited, and {AUDIT.fullname} {why}: {_MADE_BY}")
    ((role, may_use, _, lacking),) = rows
    grants = list(_grants(role, lacking, may_use=may_use))
    if grants:
        listed = "".join(f"\n  {grant}" for grant in grants)
        raise AuditUnavailableError(
            f"tables are audited, and the database role may not write {AUDIT.fullname}. "
            f"These give what it lacks:{listed}"
        )


def _grants(role: str, lacking: list[str], *, may_use: bool) -> Iterator[str]:
    if not may_use:
        yield f"GRANT USAGE ON SCHEMA {AUDIT.schema} TO {role};"
    if lacking:
        yield f"GRANT {', '.join(lacking)} ON TABLE {AUDIT.fullname} TO {role};"
