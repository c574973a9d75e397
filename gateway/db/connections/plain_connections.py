"""Plain connections of the driver, one at a time: for migrations and the catalog. RPCs never take them."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from gateway.db.connections.dsn import resolve
from gateway.db.database_settings import DatabaseSettings


def connector(settings: DatabaseSettings) -> Callable[[], Awaitable[Any]]:
    """Return what opens a plain asyncpg connection.

    Long statements are a migration's right: only application_name is set, no timeout.
    Raises gateway.db.connections.dsn.DsnError.
    """
    target = resolve(settings.dsn)

    async def connect() -> Any:
        return await asyncpg.connect(
            **target.arguments(),
            timeout=settings.connect_timeout,
            statement_cache_size=settings.statement_cache_size,
            server_settings={"application_name": settings.application_name},
        )

    return connect
