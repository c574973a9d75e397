"""Brings the embedded PostgreSQL back that was killed: nobody else would, as its gateway started it."""

import asyncio
import logging

from gateway.background_task import BackgroundTask
from gateway.config.errors import ConfigError
from gateway.db.embedded.server import EmbeddedPostgres
from gateway.db.embedded.user import EmbeddedPostgresError

_logger = logging.getLogger(__name__)
_INTERVAL = 1.0
_MAX_PAUSE = 30.0


class Keeper:
    """Looks once a second whether the server runs, and starts it where it doesn't.

    PostgreSQL recovers from the crash on the same data. Several gateways may keep one server: one of them
    starts it, the others find it running.

    Args:
        server: the server, started.
        interval: seconds between two looks.

    """

    def __init__(self, server: EmbeddedPostgres, interval: float = _INTERVAL) -> None:
        self._server = server
        self._interval = interval
        self._task = BackgroundTask("keeper of the embedded PostgreSQL")

    def start(self) -> None:
        """Begin to look."""
        self._task.start(self._keep())

    async def stop(self) -> None:
        """Start it no more. A start under way goes on, and EmbeddedPostgres.stop waits for it."""
        await self._task.stop()

    async def _keep(self) -> None:
        pause = self._interval
        while True:
            await asyncio.sleep(pause)
            pause = self._interval if await self._runs() else min(2 * pause, _MAX_PAUSE)

    async def _runs(self) -> bool:
        """Return whether the server runs, if need be again."""
        if self._server.postmaster_pid() is not None:
            return True
        _logger.error("the embedded PostgreSQL has ended, and is started again")
        try:
            await asyncio.to_thread(self._server.start)
        except (EmbeddedPostgresError, ConfigError, OSError) as error:
            _logger.error("the embedded PostgreSQL doesn't start", extra={"error": str(error)})  # noqa: TRY400 - it says why
            return False
        _logger.warning("the embedded PostgreSQL runs again")
        return True
