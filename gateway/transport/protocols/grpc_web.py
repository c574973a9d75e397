"""gRPC-Web: gRPC whose trailers are in the body, as pages can't read those of HTTP (PROTOCOL-WEB)."""

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence

from gateway.errors import InvalidArgument
from gateway.transport.protocols.decorated_request import DecoratedRequest
from gateway.transport.wire.framing import prefix
from gateway.transport.wire.request import Header, HttpRequest

_TEXT = b"application/grpc-web-text"
_BINARY = b"application/grpc-web"
_TRAILERS = b"\x80"
_QUANTUM = 4
"""Characters of base64 that stand for whole bytes."""
_PART = 3 * 64 * 1024
"""Bytes that are written as text at once, in less than a millisecond."""
_END_OF_SEGMENT = re.compile(rb"(?<==)(?!=)")


class GrpcWebRequest(DecoratedRequest):
    """A request of gRPC-Web as the gRPC that it stands for.

    Args:
        request: the request; its content type begins with `application/grpc-web`.
        content_type: that, without parameters.

    """

    def __init__(self, request: HttpRequest, content_type: bytes) -> None:
        super().__init__(request)
        is_text = content_type.startswith(_TEXT)
        self._web = (b"content-type", content_type)
        self._grpc = (
            b"content-type",
            content_type.replace(_TEXT if is_text else _BINARY, b"application/grpc"),
        )
        self.headers = [self._grpc if one[0] == b"content-type" else one for one in request.headers]
        self.trailers = True
        self._reader = _TextReader() if is_text else None

    def take_body(self, most: int) -> bytes | None:
        """Return nothing at once of what may be text."""
        return super().take_body(most) if self._reader is None else None

    async def read(self) -> bytes:
        """Return the next piece of the body; raises InvalidArgument for text that is no base64."""
        piece = await super().read()
        if self._reader is None:
            return piece
        while piece:
            if read := self._reader.feed(piece):
                return read
            piece = await super().read()
        self._reader.end()
        return b""

    async def respond(self, status: int, headers: Sequence[Header], body: bytes = b"") -> None:
        """Send a whole response: one without messages has its trailers among its headers."""
        await super().respond(status, self._as_web(headers), body)

    def start(self, status: int, headers: Sequence[Header]) -> None:
        """Send the beginning of a response."""
        super().start(status, self._as_web(headers))

    async def write(self, piece: bytes) -> None:
        """Send a piece of its body; of text, each part is base64 of its own."""
        if self._reader is None:
            await super().write(piece)
            return
        for start in range(0, len(piece), _PART):
            await super().write(b64encode(piece[start : start + _PART]))

    async def end(self, trailers: Sequence[Header] = ()) -> None:
        """Send its end: the trailers are the last frame."""
        lines = b"".join(b"%b:%b\r\n" % trailer for trailer in trailers)
        await self.write(prefix(len(lines), _TRAILERS) + lines)
        await super().end()

    def _as_web(self, headers: Sequence[Header]) -> Sequence[Header]:
        return [self._web if header == self._grpc else header for header in headers]


class _TextReader:
    """Reads base64 that comes in pieces, and in segments that may each end with padding."""

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, text: bytes) -> bytes:
        """Return the bytes that are whole."""
        text = self._begun + text
        whole = len(text) - len(text) % _QUANTUM
        self._begun = text[whole:]
        try:
            return b"".join(b64decode(one, validate=True) for one in _END_OF_SEGMENT.split(text[:whole]))
        except ValueError as error:
            raise _no_base64() from error

    def end(self) -> None:
        """Raise InvalidArgument where the text ends early."""
        if self._begun:
            raise _no_base64()


def _no_base64() -> InvalidArgument:
    return InvalidArgument("the body is no base64", reason="REQUEST_MALFORMED")
