"""Heads of requests: the request line and the headers (RFC 9112, 3 and 5), read whole and strictly.

llhttp is strict about headers, and lenient about some of what stands around them. So refused here are other
protocols and versions, doubled blanks, transfer codings beside `chunked`, and several hosts or none.
"""

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import NamedTuple

from gateway.transport.wire.caller_headers import CallerHeaders, without_caller
from gateway.transport.wire.fast_requests import FastHeaders, ReadFast, never_fast
from gateway.transport.wire.headers import size_of
from gateway.transport.wire.http1.errors import BadRequest
from gateway.transport.wire.http1.parser import parse
from gateway.transport.wire.request import Header
from gateway.transport.wire.targets import PATH_BYTE, QUERY_BYTE

LIMIT_FACTOR = 4
"""So many times the limit of metadata is read at most; past the limit itself the protocols refuse."""

# Method, path, query and minor version.
_LINE = re.compile(rb"([A-Z]+) (%b*)(?:\?(%b*))? HTTP/1\.([01])\r\n" % (PATH_BYTE, QUERY_BYTE))
_ANY_VERSION = re.compile(rb"[A-Z]+ %b+ HTTP/\d\.\d\r\n" % QUERY_BYTE)
_PLAIN_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# What routes of google.api.http may ask for beside them. CONNECT and TRACE mean something to who is between.
_CUSTOM_METHODS = (
    "COPY",
    "LINK",
    "LOCK",
    "MERGE",
    "MOVE",
    "PURGE",
    "QUERY",
    "REPORT",
    "SEARCH",
    "UNLINK",
    "UNLOCK",
)
_METHODS = {one.encode(): one for one in (*_PLAIN_METHODS, *_CUSTOM_METHODS)}
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]+)(/[^?]*)?(?:\?(.*))?")
# RFC 3986, 3.2.2: without user information, which a request has no use for.
_AUTHORITY = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?")
_ONCE = frozenset({b"host", b"content-length", b"transfer-encoding"})
# They speak of the connection, not of the request: HTTP/2 has none of them (RFC 9113, 8.2.2).
_OF_CONNECTION = frozenset(
    {
        b"connection",
        b"host",
        b"http2-settings",
        b"keep-alive",
        b"proxy-connection",
        b"transfer-encoding",
        b"upgrade",
    }
)
_SPECIAL = _ONCE | _OF_CONNECTION | {b"expect"}
_NONE: AbstractSet[bytes] = frozenset()
_REMEMBERED = 128
_REMEMBERED_BYTES = 2048
_PATH_OVERHEAD = len(b":path") + 32
_SMALLEST_HEADER = 32
"""As HTTP/2 counts one (RFC 9113, 6.5.2)."""


class Fields(NamedTuple):
    """What the headers of a request say.

    Args:
        headers: but those that speak of the connection.
        size: of all of them, as HTTP/2 counts it.
        lines: of all of them.
        host: that is asked for; None where none is named.
        length: of the body; None where it comes in chunks.
        closes: whether the client says that this is the last request.
        keeps_alive: whether it says that it isn't.
        expects_continue: whether it waits for `100 Continue` before it sends the body.
        told: the caller's headers, which are among the others, too.
        fast: what they say to the fast path; None where the general way is to answer them.

    """

    headers: Sequence[Header]
    size: int
    lines: int
    host: bytes | None
    length: int | None
    closes: bool
    keeps_alive: bool
    expects_continue: bool
    told: CallerHeaders
    fast: FastHeaders | None = None


class Head(NamedTuple):
    """A request without its body.

    Args:
        method: in capitals.
        path: without the query; `*` where the server itself is asked for its OPTIONS.
        query: without the question mark.
        is_1_1: whether the version is 1.1, not 1.0.
        fields: what the headers say.
        block: their lines.

    """

    method: str
    path: str
    query: str
    is_1_1: bool
    fields: Fields
    block: bytes

    @property
    def size(self) -> int:
        """Bytes of path, query and headers, as HTTP/2 counts them."""
        return self.fields.size + _PATH_OVERHEAD + len(self.path) + len(self.query)


def check_size(data: bytes, limit: int) -> None:
    """Raise BadRequest for the beginning of a head that is, or will be, too large.

    Args:
        data: what there is of it.
        limit: of metadata, in bytes.

    """
    if len(data) > limit and data.find(b"\r\n", 0, limit) < 0:
        raise BadRequest(414, f"the request line has more than {limit} bytes")
    if len(data) > LIMIT_FACTOR * limit:
        raise BadRequest(431, "the headers are too large")


def check_count(lines: int, limit: int) -> None:
    """Raise BadRequest for more headers than could have the size that is allowed, counted as HTTP/2 does."""
    if lines > limit // _SMALLEST_HEADER:
        raise BadRequest(431, "there are too many headers")


class HeadReader:
    """Reads heads. Clients repeat their headers: what was read once needn't be read again.

    Args:
        limit: of metadata, in bytes.
        read_fast: reads what headers say to the fast path.

    """

    def __init__(self, limit: int, read_fast: ReadFast = never_fast) -> None:
        self._limit = limit
        self._read_fast = read_fast
        self._remembered = lru_cache(_REMEMBERED)(self._fields)

    def read(self, data: bytes, start: int, end: int) -> Head:
        """Return the head of a request; raises BadRequest for what is none.

        Args:
            data: has it.
            start: where it begins.
            end: where it ends, with the empty line.

        """
        line = _LINE.match(data, start)
        if line is None:
            raise _no_request(data[start:end])
        name, path, query, minor = line.groups()
        method = _METHODS.get(name)
        if method is None:
            raise BadRequest(501, "a method that isn't known here")
        block, is_1_1 = data[line.end() : end], minor == b"1"
        fields = self._remembered(block) if len(block) <= _REMEMBERED_BYTES else self._counted(block)
        if is_1_1:
            if fields.host is None:
                raise BadRequest(400, "a request names its host")
        elif fields.length is None:
            raise BadRequest(400, "HTTP/1.0 has no transfer codings")
        if not path.startswith(b"/"):
            path, query = _read_other_target(method, line[0].split(b" ")[1], fields.host)
        return Head(method, path.decode(), query.decode() if query else "", is_1_1, fields, block)

    def _counted(self, block: bytes) -> Fields:
        fields = read_fields(block)
        check_count(fields.lines, self._limit)
        return fields

    def _fields(self, block: bytes) -> Fields:
        fields = self._counted(block)
        if fields.length or fields.length is None or fields.closes or fields.expects_continue:
            return fields
        return fields._replace(fast=self._read_fast(fields.headers))


def read_fields(block: bytes) -> Fields:
    """Return what headers say; raises BadRequest.

    Args:
        block: their lines, with the empty one.

    """
    _, message = parse(block)
    regular, special = _sort_out(message.headers)
    host, connection = special.get(b"host"), _tokens(special, b"connection")
    if host and not _AUTHORITY.fullmatch(host):
        raise BadRequest(400, "host is no name with a port")
    return Fields(
        regular,
        size_of(regular),
        len(message.headers),
        host,
        _length(special),
        closes=b"close" in connection,
        keeps_alive=b"keep-alive" in connection,
        expects_continue=_expects_continue(special),
        told=without_caller(regular)[1],
    )


def _no_request(data: bytes) -> BadRequest:
    if _ANY_VERSION.match(data):
        return BadRequest(505, "this server speaks HTTP/1.1 and HTTP/2")
    is_meant_so = b"HTTP/" in data.partition(b"\n")[0]
    return BadRequest(400 if is_meant_so else None, "that is no request of HTTP")


def _sort_out(headers: Sequence[Header]) -> tuple[Sequence[Header], dict[bytes, bytes]]:
    """Return the request's own headers, and the values of those that matter here."""
    regular, special = list[Header](), dict[bytes, bytes]()
    for header in headers:
        name, value = header
        if name not in _SPECIAL:
            regular.append(header)
            continue
        if name in special:
            if name in _ONCE:
                raise BadRequest(400, f"{name.decode()} comes twice")
            special[name] += b"," + value
        else:
            special[name] = value
        if name not in _OF_CONNECTION:
            regular.append(header)
    return tuple(regular), special


def _read_other_target(method: str, target: bytes, host: bytes | None) -> tuple[bytes, bytes]:
    """Return path and query of a target that isn't those alone (RFC 9112, 3.2)."""
    if target == b"*" and method == "OPTIONS":
        return target, b""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise BadRequest(400, "the target is neither a path nor a URL of HTTP")
    if host is not None and absolute[1].lower() != host.lower():
        # RFC 9112, 3.2: clients send the same. Where they differ, others may have seen another request.
        raise BadRequest(400, "target and host name different hosts")
    return absolute[2] or b"/", absolute[3] or b""


def _length(special: dict[bytes, bytes]) -> int | None:
    coding = special.get(b"transfer-encoding")
    if coding is None:
        return int(special.get(b"content-length", b"0"))
    if coding.lower() != b"chunked":
        raise BadRequest(501, "bodies are chunked, or have a length")
    return None


def _tokens(special: dict[bytes, bytes], name: bytes) -> AbstractSet[bytes]:
    value = special.get(name)
    return {token.strip(b" \t") for token in value.lower().split(b",")} if value else _NONE


def _expects_continue(special: dict[bytes, bytes]) -> bool:
    expected = _tokens(special, b"expect")
    if expected - {b"100-continue", b""}:
        raise BadRequest(417, "nothing can be expected but 100-continue")
    return b"100-continue" in expected
