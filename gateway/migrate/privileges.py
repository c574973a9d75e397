"""Privileges that comparing takes and the role lacks, told with the GRANTs that give them, as at a start."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
from sqlalchemy import MetaData

from gateway.db.driver_errors import causes
from gateway.introspect import LackedPrivilegeError
from gateway.introspect.tables.model_tables import needs_of, tables_of
from gateway.migrate.errors import MigrationError
from gateway.migrate.locks.lock import Connect, opened
from gateway.migrate.plan.record import VERSION_TABLE
from gateway.schema.tables.internal import INTERNAL_SCHEMA

T = TypeVar("T")

_RECORDS = ("managed_object", VERSION_TABLE)
_GRANTS = """
SELECT format('GRANT %s ON %s TO %I;', privilege, object, current_user)
FROM (
    SELECT 1 AS step, 'TEMPORARY' AS privilege, format('DATABASE %I', current_database()) AS object
    WHERE cardinality($1::text[]) > 0 AND NOT has_database_privilege(current_database(), 'TEMPORARY')
    UNION ALL SELECT 2, 'USAGE', format('SCHEMA %I', nspname) FROM pg_catalog.pg_namespace
    WHERE nspname = ANY($1::text[]) AND NOT has_schema_privilege(oid, 'USAGE')
    UNION ALL SELECT 3, 'SELECT', format('TABLE %I.%I', n.nspname, c.relname)
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $2 AND c.relname = ANY($3::text[]) AND NOT has_table_privilege(c.oid, 'SELECT')
) AS lacking ORDER BY step, object
"""


async def naming_grants(connect: Connect, metadata: MetaData, work: Callable[[Connect], Awaitable[T]]) -> T:
    """Do something with a database.

    Args:
        connect: how a connection is opened.
        metadata: the schema's tables.
        work: what is done.

    Raises LackedPrivilegeError where that fails and the role may not even compare.

    """
    try:
        return await work(connect)
    except (MigrationError, asyncpg.PostgresError) as error:
        if any(isinstance(one, asyncpg.InsufficientPrivilegeError) for one in causes(error)):
            grants = await _grants(connect, metadata)
            if grants:
                raise LackedPrivilegeError(grants) from error
        raise


async def _grants(connect: Connect, metadata: MetaData) -> str:
    # Tables that others manage are compared without temporary ones.
    schemas = sorted(needs_of(tables_of(metadata)).schemas)
    async with opened(connect) as connection:
        rows = await connection.fetch(_GRANTS, schemas, INTERNAL_SCHEMA, _RECORDS)
    return " ".join(grant for (grant,) in rows)
