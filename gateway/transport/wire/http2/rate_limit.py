"""Rate limits of what costs us more than the peer."""

from gateway.transport.wire.http2.errors import ErrorCode, Http2Error


class RateLimit:
    """So many a second, as many at once.

    Args:
        rate: of them.
        what: they are, for the peer's eyes.

    """

    __slots__ = ("_left", "_rate", "_since", "_what")

    def __init__(self, rate: int, what: str) -> None:
        self._rate = rate
        self._what = what
        self._left = float(rate)
        self._since = 0.0

    def spend(self, now: float) -> None:
        """Note one more; raises Http2Error where that is too many."""
        self._left = min(self._rate, self._left + (now - self._since) * self._rate) - 1
        self._since = now
        if self._left < 0:
            raise Http2Error(ErrorCode.ENHANCE_YOUR_CALM, f"too many {self._what}")
