"""The frames of responses that are HTTP's own."""

import re
from collections.abc import Sequence
from functools import lru_cache

from gateway.transport.wire.date_header import DateHeader
from gateway.transport.wire.fast_requests import AlikeResponses
from gateway.transport.wire.headers import find
from gateway.transport.wire.http2.frames import DATA, END_STREAM, frame, header_frames
from gateway.transport.wire.http2.header_blocks.writer import write_block, write_string
from gateway.transport.wire.request import Header

_KINDS_ALIKE = 16
# Those of gRPC have no date, as its servers send none: it would cost each of many small responses a field.
_UNDATED = re.compile(rb"application/grpc(?![-\w])")
_date_field = DateHeader(lambda value: write_block([(b"date", value)]))


def response_block(status: int, headers: Sequence[Header]) -> bytes:
    """Return the header block of a response."""
    block = _block(status, headers)
    return block if _UNDATED.match(find(headers, b"content-type") or b"") else block + _date_field()


def _block(status: int, headers: Sequence[Header]) -> bytes:
    return write_block([(b":status", b"%d" % status), *headers])


def alike_response(number: int, alike: AlikeResponses, value: bytes, body: bytes) -> bytes:
    """Return a stream's response that is like many others, with a body that fits a frame."""
    before, after = _around(alike)
    block = before + write_string(value) + after + _date_field()
    if not body:
        return header_frames(number, block, ends=True)
    return header_frames(number, block, ends=False) + frame(DATA, END_STREAM, number, body)


@lru_cache(_KINDS_ALIKE)
def _around(alike: AlikeResponses) -> tuple[bytes, bytes]:
    """Return what is written before the value that differs, with its name, and after it."""
    before = _block(alike.status, (*alike.before, (alike.name, b"")))
    return before.removesuffix(write_string(b"")), write_block(alike.after)
