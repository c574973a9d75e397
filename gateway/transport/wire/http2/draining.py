"""Requests that are answered before they are whole: what still comes of them is dropped.

A server may reset such a stream as soon as its answer is out (RFC 9113, 8.1), but curl 7.88, Debian 12's,
loses the answer by that where it has yet to send its body. So the stream stays open for a while, and for as
many bytes as its window has left; the connection's window is given back at once.
"""

from collections.abc import Callable

from gateway.transport.wire.http2.request_body import RequestBody

DRAIN_SECONDS = 5.0


class DrainingCall:
    """The rest of one request, as a call that takes it.

    Args:
        number: the stream's.
        body: the request's, which nobody reads any more.
        since: when the answer was out.
        ended: called when the peer has sent all.
        filled: called when the peer may send no more.

    """

    __slots__ = ("_body", "_ended", "_filled", "_number", "since")

    whole = False

    def __init__(
        self,
        number: int,
        body: RequestBody,
        since: float,
        *,
        ended: Callable[[int], None],
        filled: Callable[[int], None],
    ) -> None:
        self._number = number
        self._body = body
        self._ended = ended
        self._filled = filled
        self.since = since

    def take(self, payload: bytes, size: int) -> None:
        """Drop the payload of a DATA frame that was `size` bytes with its padding; raises StreamError."""
        self._body.take(payload, size)
        if self._body.is_full:
            self._filled(self._number)

    def take_end(self) -> None:
        """Note that the request is whole; raises StreamError."""
        self._body.end()
        self._ended(self._number)

    def widen(self, more: int) -> None:
        """Take a WINDOW_UPDATE, which crossed the end of the answer."""

    def reset(self) -> None:
        """Take the peer's word that it ends the stream."""

    def stop(self) -> None:
        """Go on: its answer is out."""
