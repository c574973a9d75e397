"""Liveness of a worker: whether it answers calls, which a process that lives may not do.

The supervisor asks for its health over a Unix socket of its own, on which the same server listens as for all:
what comes to the shared addresses may go to any worker, and mutual TLS would shut the supervisor out. It asks
by HTTP/1.1 and JSON, and so loads nothing of gRPC.
"""

import asyncio
from pathlib import Path

from gateway.config.settings import ServerSettings

_CHECK = (
    b"POST /grpc.health.v1.Health/Check HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
    b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
)


class Liveness:
    """Asks one worker.

    Args:
        socket: where it listens for its supervisor.
        settings: how often it is asked, and what is put up with.

    """

    def __init__(self, socket: Path, settings: ServerSettings) -> None:
        self._socket = socket
        self._settings = settings

    async def lost(self) -> None:
        """Return when too many answers in a row didn't come; never where nobody is to ask."""
        if not self._settings.liveness_interval:
            await asyncio.Event().wait()
        failures = 0
        while failures < self._settings.liveness_failures:
            await asyncio.sleep(self._settings.liveness_interval)
            failures = 0 if await self._answers() else failures + 1

    async def _answers(self) -> bool:
        """Return whether an answer comes in time: whatever it says, also that it isn't SERVING."""
        try:
            async with asyncio.timeout(self._settings.liveness_timeout):
                return await self._ask()
        except OSError:  # TimeoutError is one
            return False

    async def _ask(self) -> bool:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            writer.write(_CHECK)
            return bool(await reader.read(1))
        finally:
            writer.close()
