"""Heads of responses (RFC 9112, 4)."""

from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus

from gateway.transport.wire.date_header import DateHeader
from gateway.transport.wire.fast_requests import AlikeResponses
from gateway.transport.wire.request import Header

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
CLOSE = b"connection: close\r\n"
KEEP_ALIVE = b"connection: keep-alive\r\n"
WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
_FRAMING = frozenset({b"connection", b"content-length", b"transfer-encoding"})
_KINDS_ALIKE = 16
_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_date_line = DateHeader(lambda value: b"date: %b\r\n" % value)


def response_head(status: int, headers: Sequence[Header], framing: bytes) -> bytes:
    """Return status line and headers; raises ValueError for a header with a line break in it.

    Args:
        status: of HTTP.
        headers: what they say of framing isn't heeded.
        framing: the lines that say where the response ends, and whether the connection does.

    """
    return b"".join((_status_line(status), _date_line(), _lines(headers), framing, b"\r\n"))


def _status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def _lines(headers: Sequence[Header]) -> bytes:
    sent = [b"%b: %b\r\n" % header for header in headers if header[0] not in _FRAMING]
    lines = b"".join(sent)
    if lines.count(b"\n") + lines.count(b"\r") != 2 * len(sent) or b"\0" in lines:
        raise ValueError("a line break, or NUL, in a header")
    return lines


def alike_response(alike: AlikeResponses, value: bytes, body: bytes) -> bytes:
    """Return one of many responses that are alike, with a value that holds no line break."""
    before, after = _around(alike)
    size = b"content-length: %d\r\n\r\n" % len(body)
    return b"".join((_status_line(alike.status), _date_line(), before, value, after, size, body))


@lru_cache(_KINDS_ALIKE)
def _around(alike: AlikeResponses) -> tuple[bytes, bytes]:
    """Return the lines before the value that differs, with its name, and those after it."""
    before = _lines((*alike.before, (alike.name, b""))).removesuffix(b"\r\n")
    return before, b"\r\n" + _lines(alike.after)


def chunk(piece: bytes) -> tuple[bytes, bytes, bytes]:
    """Return a piece of a body as a chunk, in parts."""
    return b"%x\r\n" % len(piece), piece, b"\r\n"


def length(body: bytes) -> bytes:
    """Return the line that tells a body's length."""
    return b"content-length: %d\r\n" % len(body)
