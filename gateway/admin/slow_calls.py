"""Slow calls: a line in the log for each that takes longer than it should, with what it waited for."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from time import monotonic

from gateway.admin.calls_under_way import OF_CLIENT, waits_for
from gateway.background_task import BackgroundTask
from gateway.observe.access_log import facts_of
from gateway.observe.call_record import CallRecord
from gateway.transport.exchange import Exchange
from gateway.transport.limits.admission import Arrival

_logger = logging.getLogger(__name__)
_LOOKS = 8
"""How often a call is looked at until it is slow."""
_SHORTEST, _LONGEST = 0.01, 1.0
"""Seconds between two looks."""
MOST = 200
"""Calls that are looked at, the oldest first."""


class _Seen:
    """What a call was seen to wait for.

    Args:
        record: of the call.

    """

    __slots__ = ("_age", "_words", "record", "seconds")

    def __init__(self, record: CallRecord) -> None:
        self.record = record
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._age = 0.0
        self._words = ""

    def note(self, words: str, age: float) -> None:
        """Count the time since the last look for what it waits for now."""
        self.seconds[words] += age - self._age
        self._words, self._age = words, age

    def end(self, age: float) -> None:
        """Count what is left for what it was last seen to wait for."""
        self.note(self._words, age)


class SlowCalls:
    """An observer that has a line written for each call that took longer than so many seconds.

    What a call waits for is looked at from outside, as /debug/calls does, several times before it is slow;
    the time between two looks is counted for what the second one sees. So a call that isn't slow costs next
    to nothing. What it waits for its client isn't its own time.

    Args:
        seconds: that a call may take; 0 for any time.

    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._pause = min(max(seconds / _LOOKS, _SHORTEST), _LONGEST)
        self._seen: dict[int, _Seen] = {}
        """By the ids of their records, which they keep."""
        self._looking = BackgroundTask("looking at slow calls")

    def start(self, under_way: Callable[[], Iterable[Arrival]]) -> None:
        """Begin to look at the calls under way."""
        if self._seconds:
            self._looking.start(self._look_on(under_way))

    async def stop(self) -> None:
        """Look no more. Twice is safe."""
        await self._looking.stop()

    def __call__(self, record: CallRecord) -> None:
        """Have a line written of a call that has ended, if it was slow."""
        seen = self._seen.pop(id(record), None) if self._seen else None
        if not self._seconds or record.duration < self._seconds:
            return
        spent: dict[str, float] = {}
        if seen is not None:
            seen.end(record.duration)
            spent = dict(seen.seconds)
        if record.duration - sum(spent.get(words, 0.0) for words in OF_CLIENT) >= self._seconds:
            told = {words: round(seconds * 1000, 3) for words, seconds in spent.items()}
            _logger.warning("a call was slow", extra={**facts_of(record), "spent_ms": told})

    async def _look_on(self, under_way: Callable[[], Iterable[Arrival]]) -> None:
        while True:
            await asyncio.sleep(self._pause)
            self._look(under_way(), monotonic())

    def _look(self, arrivals: Iterable[Arrival], now: float) -> None:
        old = [one for one in arrivals if isinstance(one, Exchange) and now - one.arrived >= self._pause]
        seen = {}
        for one in sorted(old, key=lambda one: one.arrived)[:MOST]:
            known = self._seen.get(id(one.record)) or _Seen(one.record)
            known.note(waits_for(one.task), now - one.arrived)
            seen[id(one.record)] = known
        self._seen = seen
