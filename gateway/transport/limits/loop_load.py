"""The event loop's load, as beats of a timer tell it: whether it has rests, and how many calls it answers."""

import os
import weakref
from contextlib import suppress
from time import thread_time
from typing import NamedTuple

_LATE = 0.005
"""Seconds that the timer is late on the average, above which the loop has no rest."""
_LARGEST_LATE = 0.02
"""One piece of work that held the loop for long says less than several."""
_BUSY = 0.2
"""The part of the time that the loop's own thread has to run, below which others make its timers late."""
_AWAKE = 0.7
"""The part of the time that it has to run, or to wait for a processor, below which the loop sleeps."""
_SLEEPLESS = 0.96
"""The same, above which the loop has no rest although its timers are in time: its turns are short."""
_RESTED = 0.85
"""The same, below which a loop without a rest has some again: held back, it waits for the database."""
_SMOOTHING = 1 / 4
_KEPT = 7 / 8
"""What is kept, at each beat, of the calls and seconds counted before."""
_ENOUGH = 5
"""Beats that have to be counted until they are a rate: the first calls of many end late."""
_LONGEST = 0.1
"""Seconds of one beat that count: a longer one is a stall, and counts as part of itself."""
_LOWEST_RATE = 50.0
"""Calls that need more than 20 ms of the loop each are so few that their number tells nothing of others."""
_SCHEDSTAT = "/proc/thread-self/schedstat"
_LINE = 128
"""Bytes, of which three numbers take fewer."""
_NANOSECOND = 1e-9


class ThreadTimes(NamedTuple):
    """Seconds of a thread's life.

    Args:
        ran: on a processor.
        waited: for one that others had.

    """

    ran: float
    waited: float


class ThreadClock:
    """Tells the times of the thread that asks first, in which it is asked from then on.

    The file stays open: to open it costs ten times as much as to read it. Where the system doesn't tell how
    long a thread waited, it has slept instead.
    """

    def __init__(self) -> None:
        self._schedstat: int | None = None
        self._is_asked = False

    def __call__(self) -> ThreadTimes:
        """Return them as they are now."""
        if not self._is_asked:
            self._open()
        ran = thread_time()
        if self._schedstat is None:
            return ThreadTimes(ran, 0.0)
        return ThreadTimes(ran, int(os.pread(self._schedstat, _LINE, 0).split()[1]) * _NANOSECOND)

    def _open(self) -> None:
        self._is_asked = True
        with suppress(OSError):
            self._schedstat = os.open(_SCHEDSTAT, os.O_RDONLY | os.O_CLOEXEC)
            weakref.finalize(self, os.close, self._schedstat)


class LoopLoad:
    """Measures it.

    That the loop has no rest is told by a timer that comes late while the loop's thread runs, or by a thread
    that hardly ever sleeps: on a machine that others keep busy timers are late too, and to hold calls back
    would help nobody. Calls are counted then, over several beats, and so is the time that the loop was awake:
    a stall in which one call ends is no rate, nor is what comes while all wait for the database.
    """

    def __init__(self) -> None:
        self.has_rest = True
        """Whether the loop has rests."""
        self._late = 0.0
        self._busy = 0.0
        self._awake = 0.0
        self._ended = 0.0
        self._seconds = 0.0
        self._counted = 0

    def begin(self) -> None:
        """Forget how late the timer came: it hasn't run since. How many calls are answered is kept."""
        self._late = self._busy = self._awake = 0.0
        self.has_rest = True

    def note(self, *, late: float, elapsed: float, ran: float, waited: float, ended: int) -> None:
        """Note a beat.

        Args:
            late: seconds after it was due.
            elapsed: seconds since the one before.
            ran: of those, the seconds that the loop's thread ran.
            waited: of those, the seconds that it waited for a processor.
            ended: calls that ended meanwhile.

        """
        awake = min(elapsed, ran + waited)
        self._late += _SMOOTHING * (min(late, _LARGEST_LATE) - self._late)
        self._busy += _SMOOTHING * (ran / elapsed - self._busy)
        self._awake += _SMOOTHING * (awake / elapsed - self._awake)
        self.has_rest = self._busy <= _BUSY or self._awake <= self._least_awake()
        if awake and not self.has_rest:
            self._count(awake, ended)

    def _least_awake(self) -> float:
        """Return the part of the time that a loop without a rest is awake."""
        if self._late > _LATE:
            return _AWAKE
        return _SLEEPLESS if self.has_rest else _RESTED

    def _count(self, seconds: float, ended: int) -> None:
        part = _LONGEST / max(_LONGEST, seconds)
        self._ended = _KEPT * self._ended + part * ended
        self._seconds = _KEPT * self._seconds + part * seconds
        self._counted += 1

    @property
    def rate(self) -> float:
        """Calls that are answered in a second, where the loop has no rest; 0 where that isn't known."""
        return max(self._ended / self._seconds, _LOWEST_RATE) if self._counted >= _ENOUGH else 0.0
