"""One migration at a time, however many gateways start at once, and through every pooler."""

import asyncio
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
_POLL_SECONDS = 0.2

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
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; "
            "SET LOCAL idle_in_transaction_session_timeout = 0"
        )
        try:
            async with asyncio.timeout(wait_seconds):
                await _take(connection)
        except TimeoutError as error:
            raise MigrationError(f"another migration has been running for over {wait_seconds} s") from error
        yield


async def _take(connection: Connection) -> None:
    """Ask for the lock until it is given.

    CREATE INDEX CONCURRENTLY waits for every snapshot. A statement that waited for the lock would hold one; a
    prepared one holds it until the next, as its portal stays open. So this one tells by how many rows it has.
    """
    ask = f"SELECT WHERE pg_try_advisory_xact_lock({_LOCK})"
    while await connection.execute(ask) != "SELECT 1":  # noqa: ASYNC110 - another process gives it back
        await asyncio.sleep(_POLL_SECONDS)
