"""Reads that wait for a replica to replay the log: one question after the other asks for all of them."""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.errors import RowgateError
from gateway.request.calls.log_position import LogPosition

_PAUSE = 0.005


class ReplayWaiters:
    """Those who wait for one replica.

    Args:
        look: returns how far it is.

    """

    def __init__(self, look: Callable[[], Awaitable[LogPosition]]) -> None:
        self._look = look
        self._waiting: dict[asyncio.Future[None], LogPosition] = {}
        self._task: asyncio.Task[None] | None = None

    async def wait(self, needed: LogPosition, seconds: float) -> bool:
        """Wait until the replica has come to a position; return whether it has, in time."""
        reached = asyncio.get_running_loop().create_future()
        self._waiting[reached] = needed
        if self._task is None:
            self._task = asyncio.create_task(self._ask())
        try:
            async with asyncio.timeout(seconds):
                await reached
        except TimeoutError:
            return False
        finally:
            self._waiting.pop(reached, None)
        return True

    async def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _ask(self) -> None:
        try:
            while self._waiting:
                self._answer(await self._look())
                await asyncio.sleep(_PAUSE)
        except RowgateError:
            pass  # who waits goes elsewhere when its time is over
        finally:
            self._task = None

    def _answer(self, position: LogPosition) -> None:
        for reached, needed in self._waiting.items():
            if position.holds(needed) and not reached.done():
                reached.set_result(None)
