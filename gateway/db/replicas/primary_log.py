"""The primary's log over time: where it stood, and when that was asked."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from math import inf
from time import monotonic

from gateway.request.calls.log_position import LogPosition

_KEPT = 16_384
"""Positions that are kept at least, once there are so many: an hour and more of them."""

_CURRENT_SECONDS = 1.0


class PrimaryLog:
    """Positions of the primary in the order in which they were asked, all of one timeline.

    Args:
        clock: seconds.

    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._times: list[float] = []
        self._lsns: list[int] = []
        self.current_until = -inf
        """When it won't be current any more, unless it is heard of."""
        self.latest: LogPosition | None = None
        """The last position; None before there was one."""
        self._told: list[Callable[[], None]] = []

    def add(self, asked_at: float, position: LogPosition) -> None:
        """Note a position. All that was committed before it was asked for comes before it."""
        if self.latest is None or self.latest[:2] != position[:2]:
            self._forget(len(self._times))  # of a timeline that ends somewhere, nobody here knows where
            for tell in self._told:
                tell()
        elif len(self._times) >= 2 * _KEPT:
            self._forget(_KEPT)
        self.latest = position
        self.current_until = asked_at + _CURRENT_SECONDS
        self._times.append(asked_at)
        self._lsns.append(position.lsn)

    def when_another_begins(self, tell: Callable[[], None]) -> None:
        """Have `tell` called whenever positions are of another timeline than before."""
        self._told.append(tell)

    def lost(self) -> None:
        """Note that the primary doesn't answer, or has ended a connection."""
        self.current_until = -inf

    def now(self) -> float:
        """Return the time, by the clock of all that is asked here."""
        return self._clock()

    @property
    def heard_at(self) -> float:
        """When the last position was asked for; -inf before there was one."""
        return self._times[-1] if self._times else -inf

    def since(self, seconds: float) -> LogPosition | None:
        """Return a position that holds all that was committed until so many seconds ago.

        None where it hasn't been asked for since. It is the earliest such position: more replicas have it.
        """
        first = bisect_left(self._times, self._clock() - seconds)
        if self.latest is None or first == len(self._lsns):
            return None
        return self.latest._replace(lsn=self._lsns[first])

    @property
    def is_current(self) -> bool:
        """Whether the primary has been heard of within the last second, and not failed to answer since."""
        return self._clock() <= self.current_until

    def seconds_behind(self, position: LogPosition) -> float:
        """Return for how long the primary has been past a position, as far as it was asked."""
        if self.latest is None:
            return 0.0
        same = position[:2] == self.latest[:2]
        first = bisect_right(self._lsns, position.lsn) if same else 0
        return self._clock() - self._times[first] if first < len(self._times) else 0.0

    def _forget(self, number: int) -> None:
        del self._times[:number], self._lsns[:number]
