"""The delays after which refused callers are to come again."""

from random import randrange
from time import monotonic

_FIRST = 0.1
_LAST = 5.0
_DOUBLINGS = 6
_QUIET_SECONDS = 1.0
_STEPS = 16


class RetryDelay:
    """Tells each caller a delay: longer the longer there have been refusals, and never the same to all.

    It doubles every second that refusals go on, from 0.1 s to 5 s, and each caller gets between half and one
    and a half of that: one of a few, so that the statuses of refusals can be kept.
    """

    __slots__ = ("_last", "_since")

    def __init__(self) -> None:
        self._since = 0.0
        self._last = 0.0

    def __call__(self) -> float:
        """Return the delay of one who is refused now."""
        now = monotonic()
        if now - self._last > _QUIET_SECONDS:
            self._since = now
        self._last = now
        longest = min(_LAST, _FIRST * float(1 << min(int(now - self._since), _DOUBLINGS)))
        return longest * (0.5 + randrange(_STEPS) / (_STEPS - 1))  # noqa: S311 - no secret
