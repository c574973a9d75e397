"""Delivery of a stream's responses, which others may end where the client doesn't take them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic


class Delivery:
    """What is known of the response that a stream's client is to take."""

    __slots__ = ("_given_up", "_since", "_timeout")

    def __init__(self) -> None:
        self._since = 0.0
        self._timeout: asyncio.Timeout | None = None
        self._given_up = False

    @property
    def stalled(self) -> float:
        """For how many seconds the client has taken nothing; 0 while it isn't waited for."""
        return monotonic() - self._since if self._timeout is not None else 0.0

    def give_up(self) -> None:
        """Wait for the client no more, also where it takes the response in this very moment."""
        self._given_up = True
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def within(self, seconds: float) -> AsyncIterator[None]:
        """Wait for the client inside of it; raises TimeoutError after so long, or once given up."""
        self._since = monotonic()
        try:
            async with asyncio.timeout(seconds) as self._timeout:
                yield
        finally:
            self._timeout = None
        if self._given_up:
            raise TimeoutError
