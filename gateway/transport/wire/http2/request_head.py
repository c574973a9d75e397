"""Request heads: method, path and header fields, checked once for each block (RFC 9113, 8.2 and 8.3)."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from gateway.transport.host_names import HostNames
from gateway.transport.wire import fast_requests
from gateway.transport.wire.caller_headers import (
    CONSISTENCY,
    CREDENTIAL,
    CallerHeaders,
    without_caller,
)
from gateway.transport.wire.headers import BadHeader, size_of
from gateway.transport.wire.http2.errors import ErrorCode, StreamError
from gateway.transport.wire.http2.fast_path import FastHeaders, FastMethod
from gateway.transport.wire.http2.header_blocks.varying import (
    MAX_GROWTH,
    READ_LATER,
    VariedHeaders,
    read_value,
)
from gateway.transport.wire.request import Header
from gateway.transport.wire.targets import are_target

_PSEUDO = frozenset({b":method", b":scheme", b":path", b":authority"})
_NEEDED = frozenset({b":method", b":scheme", b":path"})
_ONCE = (b"host", b"content-length")
"""Two may differ, and then others may have heeded the other one."""
# Of HTTP/1.1, and no part of HTTP/2 (RFC 9113, 8.2.2).
_OF_CONNECTIONS = frozenset(
    {b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"}
)
_LENGTH_DIGITS = 19
_OF_CALLER = size_of([(CREDENTIAL, b""), (CONSISTENCY, b"")])
_REMEMBERED_FIELDS = 256
_NAME = re.compile(rb"[\x21-\x39\x3b-\x40\x5b-\x7e]+")
_VALUE = re.compile(rb"[^\x00\r\n]*")


class Head(NamedTuple):
    """A request without its body, the same whoever calls.

    Args:
        method: such as POST.
        path: without the query.
        query: what stands behind its question mark.
        authority: the host that is named; empty where none is.
        headers: without the pseudo-headers, and the caller's.
        length: what content-length says; None without one.
        fast: what they say to the path's fast method; None where the general way is to answer them.
        fast_method: the path's; None where it has none.
        size: bytes of the headers, as a client counts them that heeds our limit (RFC 9113, 6.5.2), or of
            others that are like them; without the caller's.
        misdirected: whether it names a host that the server isn't called by.
        bodiless: what the headers say to the fast path of requests without a body; None where the general way
            is to answer them.

    """

    method: str
    path: str
    query: str
    authority: str
    headers: Sequence[Header]
    length: int | None
    fast: FastHeaders | None
    fast_method: FastMethod | None
    size: int
    misdirected: bool = False
    bodiless: fast_requests.FastHeaders | None = None

    def headers_of(self, told: CallerHeaders) -> Sequence[Header]:
        """Return the headers with those of a caller."""
        of_caller = told.headers()
        return [*self.headers, *of_caller] if of_caller else self.headers

    def size_of(self, told: CallerHeaders) -> int:
        """Return the bytes of all headers."""
        return self.size + size_of(told.headers())


class HeadReader:
    """Makes heads of headers.

    Args:
        fast_methods: answer some calls themselves, by path.
        limit: the most bytes of the headers of such a call.
        hosts: the names by which the server may be called; None where all are.
        read_fast: reads which requests without a body are answered fast.

    """

    def __init__(
        self,
        fast_methods: Mapping[str, FastMethod],
        limit: int,
        hosts: HostNames | None = None,
        read_fast: fast_requests.ReadFast = fast_requests.never_fast,
    ) -> None:
        self._read_fast = read_fast
        self._hosts = hosts
        self._fast_methods = fast_methods
        self._limit = limit
        self._usual = limit - _OF_CALLER - MAX_GROWTH
        """Bytes of headers that others like them, with a caller's, are within the limit with, too."""

    def __call__(self, headers: Sequence[Header]) -> tuple[Head, CallerHeaders]:
        """Return the head, and the caller's headers; raises StreamError for headers that are no request."""
        pseudo, regular = _split(headers)
        if not pseudo.keys() >= _NEEDED or not pseudo[b":path"]:
            raise _malformed("a pseudo-header is missing")
        _check_regular(regular)
        regular, told = without_caller(regular)
        path, _, query = pseudo[b":path"].decode("latin-1").partition("?")
        method = pseudo[b":method"].decode("latin-1")
        fast_method = self._fast_methods.get(path)
        named = dict(regular)
        twice = (len(named) < len(regular) and _check_once(regular)) or CONSISTENCY in named
        authority, host = pseudo.get(b":authority", b""), named.get(b"host", b"")
        misdirected = not self._may_be_called(authority, host)
        # What is refused for its name or its size goes the general way, which has the words.
        size = size_of(headers)
        may_be_fast = fast_method is not None and not (misdirected or twice) and size <= self._limit
        fast = fast_method.read(method, named) if fast_method is not None and may_be_fast else None
        named_host = (authority or host).decode("latin-1")
        length = _length(named)
        own = size - size_of(told.headers())
        may_be_bodiless = fast_method is None and not (misdirected or twice) and size <= self._limit
        bodiless = self._read_fast(regular) if may_be_bodiless and are_target(path, query) else None
        head = Head(
            method, path, query, named_host, regular, length, fast, fast_method, own, misdirected, bodiless
        )
        return head, told

    def vary(self, head: Head, at: Sequence[int], written: Sequence[bytes]) -> Head | None:
        """Return a head whose headers have other values at some places; None for what has to be read."""
        (method, path, query, authority, headers, length, fast, fast_method, size, misdirected, bodiless) = (
            head
        )
        if fast is None and fast_method is not None:
            return None
        for place, text in zip(at, written, strict=True):
            name = headers[place][0]
            if name == READ_LATER:
                continue
            value = read_value(text)
            if value is None:
                return None
            try:
                fast = fast and fast.with_header(name, value)
                bodiless = bodiless and bodiless.with_header(name, value)
            except BadHeader:
                return None
        varied = VariedHeaders(headers, at, written)
        # Spelled out, as each call passes here: _replace takes three times as long.
        return Head(
            method, path, query, authority, varied, length, fast, fast_method, size, misdirected, bodiless
        )

    def with_path(self, head: Head, told: CallerHeaders, path: bytes) -> Head | None:
        """Return a head of `/` with another path; None for what has to be read."""
        method, _, _, authority, headers, length, _, _, size, misdirected, bodiless = head
        size += len(path) - 1
        name, _, query = path.decode("latin-1").partition("?")
        of_caller = len(told.credential) + len(told.consistency)
        if size + of_caller > self._usual or name in self._fast_methods:
            return None
        return Head(method, name, query, authority, headers, length, None, None, size, misdirected, bodiless)

    def _may_be_called(self, authority: bytes, host: bytes) -> bool:
        return self._hosts is None or (self._hosts.allow(authority) and self._hosts.allow(host))


def check_trailers(headers: Sequence[Header]) -> None:
    """Raise StreamError for headers that may not end a request."""
    pseudo, regular = _split(headers)
    if pseudo:
        raise _malformed("a pseudo-header in trailers")
    _check_regular(regular)


def _split(headers: Sequence[Header]) -> tuple[dict[bytes, bytes], Sequence[Header]]:
    pseudo: dict[bytes, bytes] = {}
    for at, (name, value) in enumerate(headers):
        if not name.startswith(b":"):
            return pseudo, headers[at:]
        if name not in _PSEUDO or name in pseudo:
            raise _malformed("a pseudo-header that is unknown, or there twice")
        pseudo[name] = value
    return pseudo, ()


def _check_regular(headers: Sequence[Header]) -> None:
    for name, value in headers:
        _check_field(name, value)


def _check_once(headers: Sequence[Header]) -> bool:
    """Refuse headers that may not come twice; return whether the one does that says who calls."""
    names = [name for name, _ in headers]
    if any(names.count(name) > 1 for name in _ONCE):
        raise _malformed("a host or a content-length that comes twice")
    return names.count(CREDENTIAL) > 1


@lru_cache(_REMEMBERED_FIELDS)
def _check_field(name: bytes, value: bytes) -> None:
    if not _NAME.fullmatch(name) or name in _OF_CONNECTIONS:
        raise _malformed("a header that HTTP/2 doesn't have")
    if not _VALUE.fullmatch(value):
        raise _malformed("a line break in a header")
    if name == b"te" and value != b"trailers":
        raise _malformed("a te that is not trailers")


def _length(named: Mapping[bytes, bytes]) -> int | None:
    length = named.get(b"content-length")
    if length is None:
        return None
    if not length.isdigit() or len(length) > _LENGTH_DIGITS:
        raise _malformed("a content-length that is no number of bytes")
    return int(length)


def _malformed(message: str) -> StreamError:
    return StreamError(ErrorCode.PROTOCOL_ERROR, message)
