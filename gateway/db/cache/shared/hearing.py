"""What other gateways tell of: a process forgets what it keeps by itself of a row that they change."""

import asyncio
import logging
from collections.abc import Collection

from gateway.background_task import BackgroundTask
from gateway.db.cache.row_cache import RowCache
from gateway.db.cache.shared.access import StoreAccess
from gateway.db.cache.shared.connection import CONNECT_SECONDS, LOST, StoreConnection
from gateway.db.cache.shared.link import Pauses
from gateway.db.cache.shared.sealed_rows import RowSeal
from gateway.db.cache.shared.told_changes import ToldChanges

_logger = logging.getLogger(__name__)
_SILENCE = 5.0
"""Seconds after which the store is asked whether it is there, and has to answer."""


class Hearing:
    """Listens to the store, by a connection of its own.

    Args:
        access: to the store.
        told: reads what is told.
        cache: what this process keeps.
        tables: of which rows are kept.

    """

    def __init__(
        self,
        access: StoreAccess,
        told: ToldChanges,
        cache: RowCache,
        tables: Collection[str],
    ) -> None:
        self.heard = 0
        """Changes that others have told of."""
        self._access = access
        self._told = told
        self._cache = cache
        self._tables = tables
        self._task = BackgroundTask("changes of kept rows")

    def start(self) -> None:
        """Listen from now on."""
        self._task.start(self._keep_listening())

    async def stop(self) -> None:
        """Listen no more. `stop` before `start`, and twice, is safe."""
        await self._task.stop()

    async def _keep_listening(self) -> None:
        pauses = Pauses()
        while True:
            try:
                await self._listen()
            except LOST as error:
                _logger.debug(
                    "the cache tells nothing", extra={"cache": self._access.name, "error": str(error)}
                )
            await pauses.next()

    async def _listen(self) -> None:
        """Connect, and forget what is told of until the connection is lost; raises one of LOST."""
        async with asyncio.timeout(CONNECT_SECONDS):
            connection = await self._access.connect()
        try:
            seal = self._access.make_seal(connection.server)
            connection.send(("SUBSCRIBE", seal.channel))
            async with asyncio.timeout(CONNECT_SECONDS):
                await connection.reply()
            for table in self._tables:
                self._cache.forget(table)  # changes that were told before nobody has heard here
            while True:
                self._hear(seal, await _next(connection))
        finally:
            connection.close()

    def _hear(self, seal: RowSeal, reply: object) -> None:
        match reply:
            case [b"message", _, bytes(message)]:
                change = self._told.read(seal, message)
                if change is None:
                    return
                self.heard += 1
                if change.row is None:
                    self._cache.all_changed(change.table, change.position)
                else:
                    self._cache.changed(change.table, change.row, change.position)


async def _next(connection: StoreConnection) -> object:
    """Return what the store says next; raises one of LOST where it is silent, and doesn't answer."""
    try:
        async with asyncio.timeout(_SILENCE):
            return await connection.reply()
    except TimeoutError:
        connection.send(("PING",))
    async with asyncio.timeout(_SILENCE):
        return await connection.reply()
