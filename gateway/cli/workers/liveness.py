"""Liveness of a worker: whether it answers calls, which a process that lives may not do.

It is asked by a health check (grpc.health.v1) over a Unix socket of its own, on which the same server listens
as for all: over the shared port the kernel would pick a worker, and mutual TLS would shut the supervisor out.
"""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from gateway.config.settings import ServerSettings

_CHECK = "/grpc.health.v1.Health/Check"
_FIRST_BACKOFF_MS = 100
# Whatever else it answers, also that it isn't SERVING, it answers.
_SILENT = (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


class Liveness:
    """Asks one worker.

    Args:
        socket: where it listens for its supervisor.
        settings: how often it is asked, and what is put up with.

    """

    def __init__(self, socket: Path, settings: ServerSettings) -> None:
        self._target = f"unix:{socket}"
        self._settings = settings

    async def lost(self) -> None:
        """Return when too many answers in a row didn't come; never where nobody is to ask."""
        if not self._settings.liveness_interval:
            await asyncio.Event().wait()
        backoff = max(_FIRST_BACKOFF_MS, int(self._settings.liveness_interval * 1000))
        options = [
            ("grpc.initial_reconnect_backoff_ms", _FIRST_BACKOFF_MS),
            ("grpc.min_reconnect_backoff_ms", _FIRST_BACKOFF_MS),
            ("grpc.max_reconnect_backoff_ms", backoff),
        ]
        async with grpc.aio.insecure_channel(self._target, options) as channel:
            await self._lost(channel.unary_unary(_CHECK))

    async def _lost(self, check: Any) -> None:
        failures = 0
        while failures < self._settings.liveness_failures:
            await asyncio.sleep(self._settings.liveness_interval)
            failures = 0 if await self._answers(check) else failures + 1

    async def _answers(self, check: Any) -> bool:
        try:
            await check(b"", timeout=self._settings.liveness_timeout, wait_for_ready=True)
        except grpc.aio.AioRpcError as error:
            return error.code() not in _SILENT
        return True
