"""Plain connections of the driver, one at a time: for migrations and the catalog. RPCs never take them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg

from gateway.db.connections.dsn import resolve
from gateway.db.connections.several_hosts import Hosts
from gateway.db.database_settings import DatabaseSettings


def connector(settings: DatabaseSettings) -> Callable[[], Awaitable[Any]]:
    """Return what opens a plain asyncpg connection.

    Long statements are a migration's right: only application_name is set, no timeout.
    Raises gateway.db.connections.dsn.DsnError.
    """
    hosts = Hosts(resolve(settings.dsn))

    async def connect_to(host: Mapping[str, Any]) -> Any:
        return await asyncpg.connect(
            **host,
            timeout=settings.connect_timeout,
            statement_cache_size=settings.statement_cache_size,
            server_settings={"application_name": settings.application_name},
        )

    return lambda: hosts.connect(connect_to)
