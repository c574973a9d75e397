"""Rate limits of what costs us more than the peer."""

from collections.abc import Callable

from gateway.transport.wire.http2.errors import ErrorCode, Http2Error


def _nothing() -> int:
    return 0


class RateLimit:
    """So many a second, as many at once, and those that belong to honest work besides.

    Args:
        rate: of them.
        what: they are, for the peer's eyes.
        earned: returns how many may have come so far beyond the rate; asked only where that is spent.

    """

    __slots__ = ("_beyond", "_earned", "_left", "_rate", "_since", "_what")

    def __init__(self, rate: int, what: str, earned: Callable[[], int] = _nothing) -> None:
        self._rate = rate
        self._what = what
        self._earned = earned
        self._beyond = 0
        self._left = float(rate)
        self._since = 0.0

    def spend(self, now: float) -> None:
        """Note one more; raises Http2Error where that is too many."""
        left = min(self._rate, self._left + (now - self._since) * self._rate)
        self._since = now
        if left >= 1:
            self._left = left - 1
            return
        self._left = left
        self._beyond += 1
        if self._beyond > self._earned():
            raise Http2Error(ErrorCode.ENHANCE_YOUR_CALM, f"too many {self._what}")
