"""One migration at a time, however many gateways start at once, and through every pooler."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

from gateway.migrate.errors import MigrationError

Connection: TypeAlias = Any
"""An asyncpg connection: its generic parameter and its pool proxy make a narrower alias a burden."""

Connect: TypeAlias = Callable[[], Awaitable[Connection]]
"""How a connection is opened."""

WAIT_SECONDS = 120

# Any number that nobody else uses: "rowgate" in ASCII.
_LOCK = 0x726F7767617465


def connect_to(dsn: str) -> Connect:
    """Return how to connect to a DSN that asyncpg understands."""

    async def connect() -> Connection:
        return await asyncpg.connect(dsn)

    return connect


@asynccontextmanager
async def opened(connect: Connect) -> AsyncIterator[Connection]:
    """Open a connection, and close it within a bound whatever happens."""
    connection = await connect()
    try:
        yield connection
    finally:
        await close(connection)


async def close(connection: Connection) -> None:
    """Close a connection; drop it where the server doesn't answer."""
    try:
        await connection.close(timeout=5)
    except (TimeoutError, OSError, asyncpg.PostgresError):
        connection.terminate()


@asynccontextmanager
async def alone(connect: Connect, *, wait_seconds: int = WAIT_SECONDS) -> AsyncIterator[None]:
    """Let no other migration of the same database run inside.

    The lock is a transaction's, on a connection of its own: so it outlasts every transaction of the
    migration, ends with the process, and works behind a pooler in transaction mode. Raises
    MigrationError when another migration holds it for `wait_seconds`.
    """
    async with opened(connect) as connection:
        await connection.execute(
            f"BEGIN; SET LOCAL lock_timeout = '{wait_seconds}s'; SET LOCAL statement_timeout = 0; "
            "SET LOCAL idle_in_transaction_session_timeout = 0"
        )
        try:
            await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        except asyncpg.LockNotAvailableError as error:
            raise MigrationError(f"another migration has been running for over {wait_seconds} s") from error
        yield
