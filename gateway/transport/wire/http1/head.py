"""Heads of requests: the request line and the headers (RFC 9112, 3 and 5), read whole and strictly.

llhttp is strict about headers, and lenient about some of what stands around them. So refused here are other
protocols and versions, doubled blanks, transfer codings beside `chunked`, and several hosts or none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from gateway.transport.host_names import HostNames
from gateway.transport.wire.headers import size_of
from gateway.transport.wire.http1.errors import BadRequest
from gateway.transport.wire.request import Header

HEAD_END = b"\r\n\r\n"
LIMIT_FACTOR = 4
"""So many times the limit of metadata is read at most; past the limit itself the protocols refuse."""

_LINE = re.compile(rb"([A-Z]+) ([\x21-\x7e]+) HTTP/1\.([01])\r\n")
_ANY_VERSION = re.compile(rb"[A-Z]+ [\x21-\x7e]+ HTTP/\d\.\d\r\n")
_METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]+)(/[^?]*)?(?:\?(.*))?")
# RFC 3986, 3.2.2: without user information, which a request has no use for.
_AUTHORITY = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?")
_UPGRADE = re.compile(rb"\r\nupgrade:[^\r]*(?=\r\n)", re.IGNORECASE)
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
_SMALLEST_HEADER = 32
"""As HTTP/2 counts one (RFC 9113, 6.5.2)."""


class ParsedMessage:
    """What llhttp finds in one request: its callbacks."""

    def __init__(self) -> None:
        self.headers: list[Header] = []
        self.pieces: list[bytes] = []
        """Of the body."""
        self.chunks = 0
        self.is_whole = False
        self._in_body = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those that come after the body are dropped, which any recipient may do."""
        if not self._in_body:
            self.headers.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        """Expect the body."""
        self._in_body = True

    def on_chunk_header(self) -> None:
        """Count a chunk."""
        self.chunks += 1

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body."""
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        """Note the request's end."""
        self.is_whole = True


@dataclass(slots=True)
class Head:
    """A request without its body.

    Args:
        method: in capitals.
        path: without the query; `*` where the server itself is asked for its OPTIONS.
        query: without the question mark.
        headers: but those that speak of the connection.
        header_bytes: the size of all headers, as HTTP/2 counts them.
        authority: the host that is asked for; empty where HTTP/1.0 names none.
        misdirected: whether the server isn't called by that name.
        is_1_1: whether the version is 1.1, not 1.0.
        keeps_alive: whether the client takes another response on this connection.
        expects_continue: whether it waits for `100 Continue` before it sends the body.
        length: of the body; None where it comes in chunks.
        parser: has read the head, and would read chunks.
        message: what it found.

    """

    method: str
    path: str
    query: str
    headers: Sequence[Header]
    header_bytes: int
    authority: str
    misdirected: bool
    is_1_1: bool
    keeps_alive: bool
    expects_continue: bool
    length: int | None
    parser: HttpRequestParser
    message: ParsedMessage


def check_size(data: bytes, limit: int) -> None:
    """Raise BadRequest for the beginning of a head that is, or will be, too large.

    Args:
        data: what there is of it.
        limit: of metadata, in bytes.

    """
    if len(data) > limit and data.find(b"\r\n", 0, limit) < 0:
        raise BadRequest(414, f"the request line has more than {limit} bytes")
    if len(data) > LIMIT_FACTOR * limit or data.count(b"\n") > limit // _SMALLEST_HEADER:
        raise BadRequest(431, "the headers are too large, or too many")


def read_head(data: bytes, hosts: HostNames | None) -> Head:
    """Return the head of a request; raises BadRequest for what is none.

    Args:
        data: the head, up to and with the empty line that ends it.
        hosts: the names by which the server may be called; None where all are.

    """
    method, target, minor = _read_line(data)
    parser, message = _parse(data)
    once = _headers_that_come_once(message.headers)
    is_1_1 = minor == b"1"
    host = once.get(b"host")
    if (host is None and is_1_1) or (host and not _AUTHORITY.fullmatch(host)):
        raise BadRequest(400, "a request names one host")
    path, query = _read_target(method, target, host)
    connection = _tokens(message.headers, b"connection")
    regular = [header for header in message.headers if header[0] not in _OF_CONNECTION]
    return Head(
        method=method.decode(),
        path=path.decode(),
        query=query.decode(),
        headers=regular,
        header_bytes=size_of([(b":path", target), *regular]),
        authority=(host or b"").decode(),
        misdirected=hosts is not None and not hosts.allow(host or b""),
        is_1_1=is_1_1,
        keeps_alive=b"close" not in connection and (is_1_1 or b"keep-alive" in connection),
        expects_continue=is_1_1 and _expects_continue(regular),
        length=_length(once, is_1_1=is_1_1),
        parser=parser,
        message=message,
    )


def _read_line(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Return method, target and minor version."""
    line = _LINE.match(data)
    if line is None:
        if _ANY_VERSION.match(data):
            raise BadRequest(505, "this server speaks HTTP/1.1 and HTTP/2")
        raise BadRequest(400, "that is no request of HTTP")
    method, target, minor = line.groups()
    if method not in _METHODS:
        raise BadRequest(501, "a method that isn't known here")
    return method, target, minor


def _parse(data: bytes) -> tuple[HttpRequestParser, ParsedMessage]:
    """Have llhttp read a head.

    A parser is one request's own: nothing of one can be taken for another's.
    """
    message = ParsedMessage()
    parser = HttpRequestParser(message)
    try:
        parser.feed_data(data)
    except HttpParserUpgrade:
        # A server may ignore it (RFC 9110, 7.8): who wants HTTP/2 begins with it. llhttp would skip the body.
        return _parse(_UPGRADE.sub(b"", data))
    except HttpParserError as error:
        raise BadRequest(400, f"that is no request of HTTP: {error}") from error
    return parser, message


def _headers_that_come_once(headers: Sequence[Header]) -> dict[bytes, bytes]:
    found = dict[bytes, bytes]()
    for name, value in headers:
        if name in _ONCE:
            if name in found:
                raise BadRequest(400, f"{name.decode()} comes twice")
            found[name] = value
    return found


def _read_target(method: bytes, target: bytes, host: bytes | None) -> tuple[bytes, bytes]:
    """Return path and query (RFC 9112, 3.2)."""
    if b"#" in target:
        raise BadRequest(400, "a fragment isn't sent to servers")
    if target.startswith(b"/"):
        path, _, query = target.partition(b"?")
        return path, query
    if target == b"*" and method == b"OPTIONS":
        return target, b""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise BadRequest(400, "the target is neither a path nor a URL of HTTP")
    if host is not None and absolute[1].lower() != host.lower():
        # RFC 9112, 3.2: clients send the same. Where they differ, others may have seen another request.
        raise BadRequest(400, "target and host name different hosts")
    return absolute[2] or b"/", absolute[3] or b""


def _length(once: dict[bytes, bytes], *, is_1_1: bool) -> int | None:
    coding = once.get(b"transfer-encoding")
    if coding is None:
        return int(once.get(b"content-length", b"0"))
    if not is_1_1:
        raise BadRequest(400, "HTTP/1.0 has no transfer codings")
    if coding.lower() != b"chunked":
        raise BadRequest(501, "bodies are chunked, or have a length")
    return None


def _tokens(headers: Sequence[Header], name: bytes) -> frozenset[bytes]:
    values = b",".join([value for key, value in headers if key == name])
    return frozenset(token.strip(b" \t") for token in values.lower().split(b","))


def _expects_continue(headers: Sequence[Header]) -> bool:
    expected = _tokens(headers, b"expect") - {b""}
    if expected - {b"100-continue"}:
        raise BadRequest(417, "nothing can be expected but 100-continue")
    return bool(expected)
