"""Deadlines of very many calls, of which nearly none is ever reached."""

import asyncio
from time import monotonic
from types import TracebackType
from typing import Any, Self

from gateway.errors import DeadlineExceeded

TICK = 0.01
"""Seconds that a deadline may be noticed late."""


class Deadline:
    """Cancels the task that is inside it when its time is up, and raises DeadlineExceeded.

    Like asyncio.timeout_at, at a quarter of its cost: it makes no timer of its own. And what comes when its
    time is up already isn't begun.

    Args:
        alarms: rings it.
        when: on the event loop's clock.
        task: the one that will be inside, where it is known: asking for it costs.

    """

    __slots__ = ("_alarms", "_cancelling", "_expired", "_task", "_when", "tick")

    def __init__(self, alarms: "Alarms", when: float, task: "asyncio.Task[Any] | None" = None) -> None:
        self._alarms = alarms
        self._task = task
        self._cancelling = 0
        self._expired = False
        self._when = when
        self.tick = int(when / TICK) + 1

    def __enter__(self) -> Self:
        """Set the alarm; raises DeadlineExceeded where it would ring at once."""
        if self._when <= monotonic():
            raise _exceeded()
        self._task = task = self._task or asyncio.current_task()
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
        task, self._task = self._task, None
        if not self._expired or task is None:
            return
        if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise _exceeded() from error

    def ring(self) -> None:
        """Cancel the task."""
        if self._task is not None:
            self._expired = True
            self._task.cancel()


def _exceeded() -> DeadlineExceeded:
    return DeadlineExceeded(
        "the call's time is up; what it wrote is rolled back unless it had been committed",
        reason="DEADLINE_EXCEEDED",
    )


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
