"""Notices callers that go away after their request is whole, when the host has nothing more to hand over."""

import asyncio
from typing import Protocol

_SECONDS = 0.03


class Watched(Protocol):
    """What can be asked whether its caller is still there."""

    def ask(self) -> None:
        """Ask; whoever is gone is cancelled by the answer."""


class ResetWatch:
    """Asks for all calls together, and only for those that have lasted for a while: most have ended by then.

    ASGI has `receive` wait for the caller's going once the request has been read; Envoy's module answers at
    once instead, with an empty piece of the request or with the news. So it is asked again and again.
    """

    def __init__(self) -> None:
        self._fresh: set[Watched] = set()
        self._lasting: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, call: Watched) -> None:
        """Watch a call."""
        self._fresh.add(call)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SECONDS, self._tick)

    def discard(self, call: Watched) -> None:
        """Watch it no more."""
        self._fresh.discard(call)
        self._lasting.discard(call)

    def _tick(self) -> None:
        for call in self._lasting:
            call.ask()
        self._lasting |= self._fresh
        self._fresh.clear()
        self._timer = None
        if self._lasting:
            self._timer = asyncio.get_running_loop().call_later(_SECONDS, self._tick)


class NoWatch(ResetWatch):
    """Asks each call once, for a host whose `receive` waits for the caller's going, as ASGI has it."""

    def add(self, call: Watched) -> None:
        """Ask at once."""
        call.ask()
