"""Work of a command on the database that the settings name."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias, TypeVar

import asyncpg

from gateway.cli.failures import Failed
from gateway.config.settings import Settings
from gateway.db.connections.database_location import database_settings, embedded_folder
from gateway.db.connections.plain_connections import connector
from gateway.db.database import Database
from gateway.db.embedded import EmbeddedPostgres
from gateway.observe.log import configure_logging

T = TypeVar("T")
Connect: TypeAlias = Callable[[], Awaitable[Any]]
"""How a connection is opened."""


def run_on_database(settings: Settings, work: Callable[[Connect], Awaitable[T]]) -> T:
    """Run something on the database that the settings name, the embedded one where they name none.

    Raises Failed where it can't be used. What is waited for is told on standard error, for eyes unless
    `log.format` says otherwise.
    """
    configure_logging(settings.log.level, "console" if settings.log.format == "auto" else settings.log.format)
    try:
        return asyncio.run(_with_database(settings, work))
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Failed(f"the database can't be used: {error}") from error


async def _with_database(settings: Settings, work: Callable[[Connect], Awaitable[T]]) -> T:
    async with AsyncExitStack() as opened:
        folder, dsn = embedded_folder(settings.database), None
        if folder is not None:
            embedded = EmbeddedPostgres(folder)
            opened.push_async_callback(asyncio.to_thread, embedded.stop)
            dsn = await asyncio.to_thread(embedded.start)
        where = database_settings(settings.database, dsn)
        # Waits for a server that isn't there yet, as `rowgate serve` does.
        await (await Database.open(where)).close()
        return await work(connector(where))
