"""The gateway's own tables: which methods use them, and whether they are there."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from sqlalchemy import MetaData

from gateway.introspect.tables.catalog import Connection, read_catalog
from gateway.introspect.tables.distribution import distributions_of, tables_in_two_phases
from gateway.introspect.tables.model_tables import managed_tables_of, table_name
from gateway.introspect.tables.table_records import Name
from gateway.schema.model import Audit, Method, MethodKind, StandardMethod
from gateway.schema.privileges import WRITES
from gateway.schema.tables.internal import (
    AUDIT,
    IDEMPOTENCY,
    INGEST,
    INTERNAL_SCHEMA,
    own_tables,
)

_logger = logging.getLogger(__name__)
_CLOSE_SECONDS = 5
_MAY_WRITE = f"""
SELECT coalesce(bool_and(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, what)), false)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = '{INTERNAL_SCHEMA}'
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS what
WHERE c.relname = ANY($1::text[]) AND NOT pg_is_in_recovery()
"""  # noqa: S608 - a constant
_MAY_STAGE = "SELECT has_database_privilege(current_database(), 'TEMPORARY') AND NOT pg_is_in_recovery()"


def own_tables_of(method: Method) -> Iterator[Name]:
    """Yield the gateway's own tables that a method reads and writes."""
    if "request_id" in method.request:
        yield table_name(IDEMPOTENCY)
    if not isinstance(method, StandardMethod):
        return
    if method.kind is MethodKind.INGEST:
        yield table_name(INGEST)
    changed = (method.resource, *method.related.values()) if method.kind in WRITES else ()
    if any(one.audit is Audit.ROWS for one in changed):
        yield table_name(AUDIT)


async def has_own_tables(connect: Callable[[], Awaitable[Any]], metadata: MetaData) -> bool:
    """Return whether the gateway's own tables are there to be written; log what does not work.

    With managed tables they are: migrations made them, and serve compared them with its own idea of them.

    Args:
        connect: opens an asyncpg connection, which is closed again.
        metadata: the schema's tables.

    """
    if not metadata.tables or managed_tables_of(metadata):
        return True
    connection = await connect()
    try:
        are_there = await _are_there(connection, in_shards=bool(distributions_of(metadata)))
        has_tables = are_there and await _may_write(connection)
        may_stage = bool((await connection.fetch(_MAY_STAGE))[0][0])
    finally:
        await connection.close(timeout=_CLOSE_SECONDS)
    if not are_there:
        _logger.warning(
            "request_id and Ingest are off: the database has no tables for them",
            extra={"made_by": "rowgate migrate --gateway-tables"},
        )
    elif not has_tables:
        needs = (
            f"SELECT, INSERT, UPDATE, DELETE on the tables of the schema {INTERNAL_SCHEMA}, and USAGE of it"
        )
        _logger.warning(
            "request_id and Ingest are off: the role may not write their tables, or may only read",
            extra={"needs": needs},
        )
    if not may_stage:
        _logger.warning("bulk loads are off: the role has not the TEMPORARY privilege, or may only read")
    return has_tables


async def _are_there(connection: Connection, *, in_shards: bool) -> bool:
    """Return whether the tables are there, beside shards with what has them committed with these."""
    tables = own_tables(audited=False)
    names = {table_name(table) for table in tables}
    if in_shards and not names <= await tables_in_two_phases(connection):
        return False
    found = (await read_catalog(connection, names)).tables
    for table in tables:
        there = found.get(table_name(table))
        if there is None or not {column.name for column in table.columns} <= set(there.columns):
            return False
    return True


async def _may_write(connection: Connection) -> bool:
    names = [table.name for table in own_tables(audited=False)]
    return bool((await connection.fetch(_MAY_WRITE, names))[0][0])
