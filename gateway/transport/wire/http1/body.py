"""Bodies of requests as they come: of a length that is told, or in chunks (RFC 9112, 6 and 7)."""

from httptools import HttpParserError, HttpRequestParser

from gateway.transport.wire.http1.errors import BadRequest
from gateway.transport.wire.http1.parser import HEAD_END, ParsedMessage

_CHUNK_OVERHEAD = 32
"""Bytes around a chunk that need no reason: its size, line breaks, a short extension."""
_SLICE = 16 * 1024
_PARTS_OF_END = (HEAD_END[:3], HEAD_END[:2], HEAD_END[:1])


class Body:
    """What came of a body and wasn't taken yet. Without a length it is one of no bytes."""

    def __init__(self, length: int = 0) -> None:
        self._left = length
        self._pieces: list[bytes] = []
        self.held = 0
        """Bytes that wait for their reader."""
        self.is_whole = length == 0
        """Whether all of it has come."""

    def feed(self, data: bytes, at: int) -> int:
        """Take what is the body's of data from a place on; return the place after it. Raises BadRequest."""
        piece = data[at : at + self._left]
        self._left -= len(piece)
        self.is_whole = self._left == 0
        self._add(piece)
        return at + len(piece)

    def take(self) -> bytes:
        """Return what waits for its reader."""
        pieces, self._pieces, self.held = self._pieces, [], 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self.held += len(piece)


NO_BODY = Body()
"""That of all requests without one: it is never fed."""


class ChunkedBody(Body):
    """A body in chunks.

    Its last bytes are those that end a head, whether or not it has trailers. So llhttp is fed up to such
    bytes, and never sees what comes after the end. Inside the body they mean nothing.

    Args:
        parser: has read the head.
        message: what it finds.
        limit: bytes of trailers, and of extensions of chunks, none of which is of use.

    """

    def __init__(self, parser: HttpRequestParser, message: ParsedMessage, limit: int) -> None:
        super().__init__()
        self._parser = parser
        self._message = message
        self._limit = limit
        self._around = 0
        self.is_whole = False

    def feed(self, data: bytes, at: int) -> int:
        """Take what is the body's of data from a place on; return the place after it. Raises BadRequest."""
        end, message = _end_of_part(data, at), self._message
        try:
            self._parser.feed_data(memoryview(data)[at:end])
        except HttpParserError as error:
            raise BadRequest(400, f"a body in chunks is broken: {error}") from error
        self.is_whole = message.is_whole
        piece = b"".join(message.pieces)
        message.pieces.clear()
        if piece:
            self._add(piece)
        self._around += end - at - len(piece)
        if self._around > self._limit + _CHUNK_OVERHEAD * message.chunks:
            raise BadRequest(431, "the trailers, or the extensions of chunks, are too large")
        return end


def _end_of_part(data: bytes, at: int) -> int:
    """Return up to where data can be fed without passing the body's end."""
    slice_end = at + _SLICE
    found = data.find(HEAD_END, at, slice_end)
    if found >= 0:
        return found + len(HEAD_END)
    if len(data) > slice_end:
        return slice_end - len(HEAD_END) + 1
    return len(data) - next((len(part) for part in _PARTS_OF_END if data.endswith(part, at)), 0)
