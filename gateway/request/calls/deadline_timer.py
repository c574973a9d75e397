"""Deadlines of very many calls, of which nearly none is ever reached."""

import asyncio
from math import inf
from time import monotonic
from types import TracebackType
from typing import Any, Self

from gateway.errors import DeadlineExceeded

TICK = 0.01
"""Seconds that a deadline may be noticed late."""


class Deadline:
    """Cancels the task that is inside it when its time is up, and raises DeadlineExceeded.

    Like asyncio.timeout_at, at a fifth of its cost: it makes no timer of its own. And what comes when its
    time is up already isn't begun.

    Args:
        timer: rings it.
        when: on the event loop's clock.
        task: the one that will be inside, where it is known: asking for it costs.

    """

    __slots__ = ("_cancelling", "_expired", "_task", "_timer", "when")

    def __init__(self, timer: "DeadlineTimer", when: float, task: "asyncio.Task[Any] | None" = None) -> None:
        self._timer = timer
        self._task = task
        self._cancelling = 0
        self._expired = False
        self.when = when

    def __enter__(self) -> Self:
        """Start the timer; raises DeadlineExceeded where the deadline has passed."""
        if self.when <= monotonic():
            raise _exceeded()
        task = self._task
        if task is None:
            task = self._task = self._timer.current_task()
        self._cancelling = task.cancelling()
        self._timer.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the timer; a cancellation from elsewhere is not the deadline's."""
        self._timer.discard(self)
        if not self._expired or self._task is None:
            return
        if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise _exceeded() from error

    def end_by(self, when: float) -> None:
        """Ring sooner, if that is sooner; it has been entered."""
        if when < self.when:
            self.when = when
            self._timer.add(self)

    def ring(self) -> None:
        """Cancel the task."""
        if self._task is not None:
            self._expired = True
            self._task.cancel()


def _exceeded() -> DeadlineExceeded:
    return DeadlineExceeded("the call's time is up", reason="DEADLINE_EXCEEDED")


class DeadlineTimer:
    """Rings deadlines on the event loop that it is made on, up to a tick late and never early.

    One timer of the loop serves them all. It is set for the earliest of those that were there when it was
    set, most of which are met long before, and then looks through all: so a deadline costs a place in a set.
    """

    def __init__(self) -> None:
        # Kept, as to ask for it costs a system call.
        self._loop = asyncio.get_running_loop()
        self._set: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._next = inf
        self.discard = self._set.discard
        """Don't ring a deadline."""

    def current_task(self) -> "asyncio.Task[Any]":
        """Return the task that runs now."""
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("not in a task")
        return task

    def add(self, deadline: Deadline) -> None:
        """Ring it when its time comes."""
        self._set.add(deadline)
        if deadline.when < self._next:
            self._wait_until(deadline.when)

    def _wait_until(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = when
        self._timer = self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        now = monotonic()
        for deadline in [deadline for deadline in self._set if deadline.when <= now]:
            self._set.discard(deadline)
            deadline.ring()
        self._timer, self._next = None, inf
        if self._set:
            # However many there are, and however close to each other: looked through once a tick.
            self._wait_until(max(now + TICK, min(deadline.when for deadline in self._set)))
