"""Handshakes of TLS that aren't finished: they take turns with what else there is to do, and are bounded."""

import asyncio
from collections import deque
from time import monotonic
from typing import Protocol

_TURN_SECONDS = 0.001
"""Of one turn of the loop; a step of a handshake, which signs, takes about as long."""


class Handshake(Protocol):
    """A connection whose handshake goes on."""

    def step(self) -> None:
        """Go on by what came."""

    def abort(self) -> None:
        """Close at once."""


class Handshakes:
    """Those of a server.

    Args:
        most: as many may go on at once; past it the oldest is closed, so that who waits without an end
            keeps nobody out.

    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[Handshake, None] = {}
        self._ready = deque[Handshake]()

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, handshake: Handshake) -> None:
        """Note that one begins."""
        self._open[handshake] = None
        if len(self._open) > self._most:
            oldest = next(iter(self._open))
            self.end(oldest)
            oldest.abort()

    def end(self, handshake: Handshake) -> None:
        """Note that one has ended, or its connection."""
        self._open.pop(handshake, None)

    def ready(self, handshake: Handshake) -> None:
        """Have one go on when it is its turn."""
        if not self._ready:
            asyncio.get_running_loop().call_soon(self._run)
        self._ready.append(handshake)

    def _run(self) -> None:
        """Let some go on, and the loop do something else."""
        until = monotonic() + _TURN_SECONDS
        while self._ready and monotonic() < until:
            self._ready.popleft().step()
        if self._ready:
            asyncio.get_running_loop().call_soon(self._run)
