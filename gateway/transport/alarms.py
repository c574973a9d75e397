"""Deadlines of very many calls, of which nearly none is ever reached."""

import asyncio
from types import TracebackType
from typing import Any, Self

TICK = 0.01
"""Seconds that a deadline may be noticed late."""


class Deadline:
    """Cancels the task that is inside it when its time is up; `expired` tells that it did.

    Like asyncio.timeout_at, at a tenth of its cost: it makes no timer of its own. It raises nothing itself:
    whoever is inside turns the CancelledError into the error it means.

    Args:
        alarms: rings it.
        when: on the event loop's clock.

    """

    __slots__ = ("_alarms", "_cancelling", "_task", "expired", "tick")

    def __init__(self, alarms: "Alarms", when: float) -> None:
        self._alarms = alarms
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = 0
        self.expired = False
        self.tick = int(when / TICK) + 1

    def __enter__(self) -> Self:
        """Set the alarm."""
        self._task = task = asyncio.current_task()
        if task is None:
            raise RuntimeError("not in a task")
        self._cancelling = task.cancelling()
        self._alarms.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Take the alarm back; a cancellation from elsewhere is not the deadline's."""
        self._alarms.discard(self)
        if self.expired and self._task is not None:
            self.expired = self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError
        self._task = None

    def ring(self) -> None:
        """Cancel the task."""
        if self._task is not None:
            self.expired = True
            self._task.cancel()


class Alarms:
    """Rings deadlines, up to a tick late and never early: one timer of the loop serves them all."""

    def __init__(self) -> None:
        self._by_tick: dict[int, set[Deadline]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0

    def add(self, deadline: Deadline) -> None:
        """Ring it when its tick comes."""
        try:
            self._by_tick[deadline.tick].add(deadline)
        except KeyError:
            self._by_tick[deadline.tick] = {deadline}
            if self._timer is None or deadline.tick < self._next:
                self._wait_for(deadline.tick)

    def discard(self, deadline: Deadline) -> None:
        """Don't ring it."""
        there = self._by_tick.get(deadline.tick)
        if there is not None:
            there.discard(deadline)
            if not there:
                del self._by_tick[deadline.tick]

    def _wait_for(self, tick: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = tick
        self._timer = asyncio.get_running_loop().call_at(tick * TICK, self._ring)

    def _ring(self) -> None:
        now = int(asyncio.get_running_loop().time() / TICK)
        for tick in [tick for tick in self._by_tick if tick <= now]:
            for deadline in self._by_tick.pop(tick):
                deadline.ring()
        self._timer = None
        if self._by_tick:
            self._wait_for(min(self._by_tick))
