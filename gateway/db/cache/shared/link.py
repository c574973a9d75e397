"""The link to the store: one connection, used by one task, for all calls of the process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from math import inf
from random import uniform
from typing import Any, NamedTuple

from gateway.background_task import BackgroundTask
from gateway.db.cache.shared.connection import CONNECT_SECONDS, LOST, Command, StoreConnection

_logger = logging.getLogger(__name__)
_FIRST_PAUSE, _LAST_PAUSE = 0.1, 5.0


class _Asked(NamedTuple):
    command: Command
    answer: "asyncio.Future[Any]"


class Pauses:
    """Pauses between attempts to connect: each longer than the last, unless the connection has lasted."""

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE
        self._ended = -inf

    async def next(self) -> None:
        """Wait for the next attempt."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._ended > _LAST_PAUSE:
            self._pause = _FIRST_PAUSE
        await asyncio.sleep(uniform(self._pause / 2, self._pause))  # noqa: S311 - so that not all come together
        self._pause = min(2 * self._pause, _LAST_PAUSE)
        self._ended = loop.time()


class StoreLink:
    """Asks the store. Who asks never uses the connection, so who leaves leaves no answer to the next.

    All that is asked in a turn of the event loop goes out together. What isn't answered in time ends the
    connection: then all that is asked is without an answer at once, until there is another one.

    Args:
        name: of the store, for logs.
        connect: makes a connection; raises one of LOST.
        timeout: the longest wait for an answer, in seconds; half of it for what goes out together.
        settle: is called with each new connection before anything else is asked there.

    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Awaitable[StoreConnection]],
        timeout: float,
        settle: Callable[[StoreConnection], Awaitable[None]],
    ) -> None:
        self.connection: StoreConnection | None = None
        """None while the store doesn't answer."""
        self.failures = 0
        """Connections that couldn't be made, or were lost."""
        self._name = name
        self._connect = connect
        self._seconds = timeout / 2
        self._settle = settle
        self._asked: list[_Asked] = []
        self._why = ""
        self._wanted = asyncio.Event()
        self._task = BackgroundTask("link to the cache")

    def start(self) -> None:
        """Connect, and stay connected."""
        self._task.start(self._keep_connected())

    async def stop(self) -> None:
        """Let go of the store. `stop` before `start`, and twice, is safe."""
        await self._task.stop()

    def ask(self, command: Command) -> "asyncio.Future[Any]":
        """Return what will be the answer; None where there is none.

        To be called where there is a connection.
        """
        asked = _Asked(command, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        self._wanted.set()
        return asked.answer

    async def _keep_connected(self) -> None:
        pauses = Pauses()
        while True:
            try:
                await self._serve()
            except LOST as error:
                self.failures += 1
                self._tell(error)
            await pauses.next()

    def _tell(self, error: BaseException) -> None:
        """Log why the store doesn't answer, unless that was the last that was logged."""
        why = str(error) or type(error).__name__
        if why != self._why:
            _logger.warning("the cache doesn't answer", extra={"cache": self._name, "error": why})
        self._why = why

    async def _serve(self) -> None:
        """Connect, and ask what is to be asked until the connection is lost; raises one of LOST."""
        async with asyncio.timeout(CONNECT_SECONDS):
            connection = await self._connect()
        try:
            await self._settle(connection)
            self.connection, self._why = connection, ""
            _logger.info("the cache answers", extra={"cache": self._name})
            while True:
                await self._wanted.wait()
                await self._exchange(connection)
        finally:
            self.connection = None
            connection.close()
            self._give_up()

    async def _exchange(self, connection: StoreConnection) -> None:
        self._wanted.clear()
        asked, self._asked = self._asked, []
        try:
            replies = await connection.exchange([one.command for one in asked], self._seconds)
            for one, reply in zip(asked, replies, strict=True):
                _answer(one, reply)
        finally:
            for one in asked:
                _answer(one, None)

    def _give_up(self) -> None:
        asked, self._asked = self._asked, []
        for one in asked:
            _answer(one, None)


def _answer(asked: _Asked, reply: Any) -> None:
    if not asked.answer.done():  # its caller may have left
        asked.answer.set_result(reply)
