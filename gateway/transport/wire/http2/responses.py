"""The frames of responses that are HTTP's own."""

from collections.abc import Sequence
from functools import lru_cache

from gateway.transport.wire.fast_requests import AlikeResponses
from gateway.transport.wire.http2.frames import DATA, END_STREAM, frame, header_frames
from gateway.transport.wire.http2.header_blocks.writer import write_block, write_string
from gateway.transport.wire.request import Header

_KINDS_ALIKE = 16


def response_block(status: int, headers: Sequence[Header]) -> bytes:
    """Return the header block of a response."""
    return write_block([(b":status", b"%d" % status), *headers])


def alike_response(number: int, alike: AlikeResponses, value: bytes, body: bytes) -> bytes:
    """Return a stream's response that is like many others, with a body that fits a frame."""
    before, after = _around(alike)
    block = before + write_string(value) + after
    if not body:
        return header_frames(number, block, ends=True)
    return header_frames(number, block, ends=False) + frame(DATA, END_STREAM, number, body)


@lru_cache(_KINDS_ALIKE)
def _around(alike: AlikeResponses) -> tuple[bytes, bytes]:
    """Return what is written before the value that differs, with its name, and after it."""
    before = response_block(alike.status, (*alike.before, (alike.name, b"")))
    return before.removesuffix(write_string(b"")), write_block(alike.after)
