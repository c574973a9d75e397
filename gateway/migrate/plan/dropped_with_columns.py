"""Collateral of a dropped column: what PostgreSQL would drop with it unasked."""

from collections.abc import AsyncIterator

from gateway.introspect.tables.ddl import quoted
from gateway.introspect.tables.table_records import Catalog, Name
from gateway.migrate.errors import MigrationError
from gateway.migrate.locks.lock import Connection
from gateway.migrate.plan.dependent_objects import table_changes
from gateway.migrate.plan.scope import Managed

# What PostgreSQL drops unasked with a column: indexes, constraints of several columns, statistics, sequences.
_DEPENDENTS = """
SELECT c.conname::text, i.relname::text, pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_depend d
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
LEFT JOIN pg_constraint c ON d.classid = 'pg_constraint'::regclass AND c.oid = d.objid
LEFT JOIN pg_class i ON d.classid = 'pg_class'::regclass AND i.oid = d.objid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::regclass AND a.attname = $2 AND d.deptype = 'a'
    AND d.classid <> 'pg_attrdef'::regclass AND c.contype IS DISTINCT FROM 'n'
"""


async def refuse_collateral(
    connection: Connection, wanted: Catalog, found: Catalog, managed: Managed
) -> None:
    """Raise MigrationError where a column can't go without something that no migration made."""
    for name, change in sorted(table_changes(wanted, found, managed).items()):
        for column in sorted(change.dropped | change.replaced):
            async for described in _collateral(connection, name, column, managed):
                raise MigrationError(
                    f"refused, nothing was changed: with column {name}.{column} {described} would go, "
                    "which Rowgate didn't make: drop that first, if nobody needs it"
                )


async def _collateral(
    connection: Connection, table: Name, column: str, managed: Managed
) -> AsyncIterator[str]:
    for constraint, index, described in await connection.fetch(_DEPENDENTS, quoted(table), column):
        if not managed.made("constraint", table, constraint) and not managed.made("index", table, index):
            yield described
