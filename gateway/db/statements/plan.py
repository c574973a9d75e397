"""The plan of a statement, as PostgreSQL makes it without values. The statement isn't run."""

import json
from typing import TYPE_CHECKING, Any

from gateway.db.driver_errors import translated
from gateway.request.calls.explanation import Plan
from gateway.sql.statement import Statement

if TYPE_CHECKING:
    from gateway.db.connections.connect import Connection

_NAME = "rowgate_plan"
PREPARE = f"PREPARE {_NAME} AS "
"""What stands before a statement that is explained: places in errors count it."""
# GENERIC_PLAN would do without, but PostgreSQL 15 hasn't it.
_GENERIC = "SET LOCAL plan_cache_mode = force_generic_plan"
_BEGIN = f"BEGIN READ ONLY; {_GENERIC}"
_BY_INDEX = "SET LOCAL enable_seqscan = off"
_PARAMETERS = f"SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = '{_NAME}'"  # noqa: S608 - ours


async def plan_of(connection: "Connection", statement: Statement) -> str:
    """Return a statement's plan; raises a RowgateError where PostgreSQL makes none."""
    with translated(connection):
        return await explained(connection, statement.text)


async def plan_by_index(connection: "Connection", statement: Statement) -> Plan:
    """Return the plan that it would have if it could be by indexes alone; raises as `plan_of`."""
    with translated(connection):
        found = await explained(connection, statement.text, "(FORMAT JSON)", _BY_INDEX)
    plan: Plan = json.loads(found)[0]["Plan"]
    return plan


async def explained(connection: Any, text: str, options: str = "", before: str = "") -> str:
    """Return the plan of a single statement; raises the driver's exceptions.

    Args:
        connection: of the driver, in no transaction.
        text: the statement.
        options: what EXPLAIN is asked for, in parentheses.
        before: what is run before, in the same transaction.

    """
    await connection.execute(f"{_BEGIN}; {before}")
    try:
        await connection.execute(f"{PREPARE}{text}")
        try:
            return await _of_prepared(connection, options)
        finally:
            await connection.execute(f"ROLLBACK; DEALLOCATE {_NAME}; BEGIN")
    finally:
        await connection.execute("ROLLBACK")


async def explained_within(connection: Any, text: str, options: str = "") -> str:
    """As `explained`, in an open transaction, which goes on as it was.

    The text has been prepared before, which takes nothing but a single statement.
    """
    await connection.execute(f"SAVEPOINT {_NAME}; {_GENERIC}")
    try:
        await connection.execute(f"{PREPARE}{text}")
        try:
            return await _of_prepared(connection, options)
        finally:
            await connection.execute(f"ROLLBACK TO {_NAME}; DEALLOCATE {_NAME}")
    finally:
        await connection.execute(f"ROLLBACK TO {_NAME}; RELEASE {_NAME}")


async def _of_prepared(connection: Any, options: str) -> str:
    parameters = await connection.fetchval(_PARAMETERS)
    nulls = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
    lines = await connection.fetch(f"EXPLAIN {options} EXECUTE {_NAME}{nulls}")
    return "\n".join(str(line[0]) for line in lines)
