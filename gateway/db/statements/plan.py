"""The plan of a statement, as PostgreSQL makes it without values. The statement isn't run."""

from typing import TYPE_CHECKING

from gateway.db.driver_errors import translated
from gateway.sql.statement import Statement

if TYPE_CHECKING:
    from gateway.db.connections.connect import Connection

_NAME = "rowgate_plan"
# GENERIC_PLAN would do without, but PostgreSQL 15 hasn't it.
_BEGIN = "BEGIN READ ONLY; SET LOCAL plan_cache_mode = force_generic_plan"
_PARAMETERS = f"SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = '{_NAME}'"  # noqa: S608 - ours


async def plan_of(connection: "Connection", statement: Statement) -> str:
    """Return a statement's plan; raises a RowgateError where PostgreSQL makes none."""
    with translated(connection):
        await connection.execute(_BEGIN)
        try:
            await connection.execute(f"PREPARE {_NAME} AS {statement.text}")
            try:
                return await _explained(connection)
            finally:
                await connection.execute(f"ROLLBACK; DEALLOCATE {_NAME}; BEGIN")
        finally:
            await connection.execute("ROLLBACK")


async def _explained(connection: "Connection") -> str:
    parameters = await connection.fetchval(_PARAMETERS)
    nulls = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
    lines = await connection.fetch(f"EXPLAIN EXECUTE {_NAME}{nulls}")
    return "\n".join(str(line[0]) for line in lines)
