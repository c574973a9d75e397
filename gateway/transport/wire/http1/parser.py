"""llhttp, which reads the headers of requests and bodies in chunks: a parser of its own for each request."""

import re
from typing import TYPE_CHECKING

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from gateway.transport.wire.http1.errors import BadRequest

if TYPE_CHECKING:
    from gateway.transport.wire.request import Header

HEAD_END = b"\r\n\r\n"
_SOME_LINE = b"POST / HTTP/1.1\r\n"
_UPGRADE = re.compile(rb"\r\nupgrade:[^\r]*(?=\r\n)", re.IGNORECASE)


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


def parse(block: bytes) -> tuple[HttpRequestParser, ParsedMessage]:
    """Have llhttp read headers; return the parser, which would go on with chunks. Raises BadRequest.

    A parser is one request's own: nothing of one can be taken for another's.
    """
    message = ParsedMessage()
    parser = HttpRequestParser(message)
    try:
        parser.feed_data(_SOME_LINE + block)
    except HttpParserUpgrade:
        # A server may ignore it (RFC 9110, 7.8): who wants HTTP/2 begins with it. llhttp would skip the body.
        return parse(_UPGRADE.sub(b"", b"\r\n" + block)[2:])
    except HttpParserError as error:
        raise BadRequest(400, f"that is no request of HTTP: {error}") from error
    return parser, message
