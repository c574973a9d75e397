"""The frames of a plain call's answer, of which nearly all bytes are known before."""

from struct import Struct

from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from gateway.transport.exchange import REQUEST_ID
from gateway.transport.protocols.grpc.headers import response_headers, status_trailers
from gateway.transport.wire.http2.frames import DATA, END_HEADERS, END_STREAM, HEADERS, frame, header_frames
from gateway.transport.wire.http2.header_blocks.writer import write_block

CONTENT_TYPES = (b"application/grpc", b"application/grpc+proto")
"""Of plain calls: their answers have the same."""
_OK = (b"grpc-status", b"0")
_ID = REQUEST_ID.encode()
_ENDING = END_HEADERS | END_STREAM
_LONGEST_ID = 126
"""Of those whose length is one byte in a header block (RFC 7541, 5.1)."""
# The trailers as far as they are the same for all: what is before an id, without that id's length.
_TRAILERS = write_block([_OK, (_ID, b"")])[:-1]
_ID_FIELD = write_block([(_ID, b"")])[:-1]
_KEPT = 256
_refusals: dict[tuple[bytes, int], tuple[Status, bytes]] = {}
_TRAILERS_FRAME = Struct(f">HBBBI{len(_TRAILERS)}sB")


class PlainAnswer:
    """Writes the answers of one content type.

    Args:
        content_type: theirs.

    """

    def __init__(self, content_type: bytes) -> None:
        self.block = write_block([(b":status", b"200"), *response_headers(content_type)])
        """The header block that each begins with."""
        self._begin = frame(HEADERS, END_HEADERS, 0, self.block)[:5]
        # HEADERS, then the head of DATA and the message's prefix.
        self._start = Struct(f">5sI{len(self.block)}sHBBBIBI")

    def start(self, number: int, size: int) -> bytes:
        """Return what comes before a message of so many bytes, in a single frame."""
        length = size + 5
        return self._start.pack(
            self._begin, number, self.block, length >> 8, length & 0xFF, DATA, 0, number, 0, size
        )


def ok_trailers(number: int, request_id: str) -> bytes:
    """Return the frame that ends a call that succeeded."""
    sent = request_id.encode()
    size = len(sent)
    if size > _LONGEST_ID:
        return header_frames(number, write_block([_OK, (_ID, sent)]), ends=True)
    length = len(_TRAILERS) + 1 + size
    head = _TRAILERS_FRAME.pack(length >> 8, length & 0xFF, HEADERS, _ENDING, number, _TRAILERS, size)
    return head + sent


def refused(number: int, content_type: bytes, status: Status, request_id: str) -> bytes:
    """Return the answer of a call that ends with an error: headers alone ("Trailers-Only")."""
    sent = request_id.encode()
    size = len(sent)
    last = _ID_FIELD + bytes((size,)) + sent if size <= _LONGEST_ID else write_block([(_ID, sent)])
    return header_frames(number, _refusal(content_type, status) + last, ends=True)


def _refusal(content_type: bytes, status: Status) -> bytes:
    """Return the header block, but for the request id.

    Those of a busy server are kept, as their statuses are (gateway.errors.status.to_status): it makes very
    many, and each would cost more than a row.
    """
    known = _refusals.get((content_type, id(status)))
    if known is not None:
        return known[1]
    block = PLAIN_ANSWERS[content_type].block + write_block(status_trailers(status))
    if status.code == code_pb2.RESOURCE_EXHAUSTED:
        if len(_refusals) == _KEPT:
            _refusals.clear()
        # With the status, so that no other comes to have its id.
        _refusals[content_type, id(status)] = status, block
    return block


PLAIN_ANSWERS = {content_type: PlainAnswer(content_type) for content_type in CONTENT_TYPES}
