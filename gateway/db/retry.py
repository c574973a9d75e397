"""Retries: a decorator around anything that can be attempted again as a whole."""

import asyncio
from collections.abc import Awaitable, Callable
from random import random
from typing import Protocol, TypeVar

from gateway.db.database_settings import RetrySettings
from gateway.errors import RowgateError
from gateway.request.calls.bulkheads import Operation
from gateway.request.calls.call import Call

T = TypeVar("T")


class TryAgain(Exception):  # noqa: N818 - a signal: the error is inside
    """An attempt failed in a way that left nothing behind, so the same attempt may succeed now.

    Args:
        error: what the caller gets where nobody tries again.

    """

    def __init__(self, error: RowgateError) -> None:
        super().__init__(error)
        self.error = error


class Clock(Protocol):
    """The time, and a way to let it pass. Tests bring their own."""

    def time(self) -> float:
        """Return the time in seconds, on the clock that deadlines are on."""

    async def sleep(self, seconds: float) -> None:
        """Let the time pass."""


class LoopClock:
    """The event loop's clock."""

    def time(self) -> float:
        """Return the loop's time."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await asyncio.sleep(seconds)


class Budget:
    """How many retries all calls together may still make: a failing server isn't buried under them.

    Args:
        size: the most that can be saved up, which is there from the start.
        earned: what each call adds; 0.1 lets retries be a tenth of the calls in the long run.

    """

    def __init__(self, size: float, earned: float) -> None:
        self._size = size
        self._earned = earned
        self._saved = size

    def earn(self) -> None:
        """Count a call that succeeded."""
        self._saved = min(self._size, self._saved + self._earned)

    def spend(self) -> bool:
        """Take one retry; return whether there was one."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


class Retry:
    """Attempts something until it succeeds, fails for good, or no retry is left.

    Only TryAgain is tried again. Whether nothing was left behind is the attempt's to judge: this knows
    neither transactions nor SQLSTATEs. The pause doubles and is random down to zero ("full jitter"), so
    that calls that failed together don't come back together. Calls that succeed earn the retries, and none is
    spent on an operation of which more comes than is answered: each would take another call's place.

    Args:
        settings: how often, how far apart.
        clock: the time.
        random_fraction: the jitter.
        overloaded: says of which operations there is too much.

    """

    def __init__(
        self,
        settings: RetrySettings,
        clock: Clock | None = None,
        random_fraction: Callable[[], float] = random,
        overloaded: Callable[[Operation], bool] = lambda _: False,
    ) -> None:
        self._settings = settings
        self._budget = Budget(settings.budget, settings.earned)
        self._clock = clock or LoopClock()
        self._random_fraction = random_fraction
        self._overloaded = overloaded
        self.made = 0
        """Retries that were made."""

    async def __call__(self, attempt: Callable[[], Awaitable[T]], call: Call) -> T:
        """Return what `attempt` returns; raises what it raises, and TryAgain's error when it is too late."""
        tried = 1
        while True:
            try:
                answer = await attempt()
            except TryAgain as again:
                pause = self._pause(tried)
                if not self._may_retry(tried, pause, call):
                    raise again.error from again.error.__cause__
            else:
                self._budget.earn()
                return answer
            self.made += 1
            await self._clock.sleep(pause)
            tried += 1

    def _pause(self, tried: int) -> float:
        longest = min(self._settings.max_delay, self._settings.first_delay * 2 ** (tried - 1))
        return float(longest * self._random_fraction())

    def _may_retry(self, tried: int, pause: float, call: Call) -> bool:
        in_time = call.deadline is None or self._clock.time() + pause < call.deadline
        if tried >= self._settings.attempts or not in_time or self._overloaded(call.operation):
            return False
        return self._budget.spend()
