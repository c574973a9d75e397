"""Header blocks in several frames (RFC 9113, 4.3)."""

from gateway.transport.wire.http2.errors import ErrorCode, Http2Error
from gateway.transport.wire.http2.frames import CONTINUATION, END_HEADERS, HEADER_SIZE


class Block:
    """A header block that isn't whole.

    Nothing but its CONTINUATION frames may come until it is (RFC 9113, 6.10).

    Args:
        number: the stream's.
        flags: of its HEADERS frame.
        fragment: what that held of it.
        limit: the most bytes of it. Each frame's own header counts too, so that there aren't very many.
        since: when it began.

    """

    __slots__ = ("_fragments", "_left", "flags", "number", "since")

    def __init__(self, number: int, flags: int, fragment: bytes, limit: int, since: float) -> None:
        self.number = number
        self.flags = flags
        self.since = since
        self._fragments: list[bytes] = []
        self._left = limit
        self._add(fragment)

    def take(self, kind: int, flags: int, number: int, payload: bytes) -> bytes | None:
        """Take a CONTINUATION; return the block once it is whole. Raises Http2Error for others."""
        if kind != CONTINUATION or number != self.number:
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "another frame in the middle of a header block")
        self._add(payload)
        return b"".join(self._fragments) if flags & END_HEADERS else None

    def _add(self, fragment: bytes) -> None:
        self._left -= len(fragment) + HEADER_SIZE
        if self._left < 0:
            raise Http2Error(ErrorCode.ENHANCE_YOUR_CALM, "a header block that is too long")
        self._fragments.append(fragment)
