"""Unary calls of Connect: a request that is its message, and a response that is one, or an error."""

from gateway.schema.protojson.form import JsonForm
from gateway.transport.exchange import Exchange, Reply
from gateway.transport.protocols.codecs import written
from gateway.transport.protocols.connect.errors import error_object, http_status, to_json
from gateway.transport.protocols.connect.get import Query
from gateway.transport.protocols.connect.metadata import headers_of, trailers_of
from gateway.transport.protocols.decorated_request import DecoratedRequest
from gateway.transport.protocols.encodings import SPOKEN, packed
from gateway.transport.wire.request import Header, HttpRequest

_JSON = (b"content-type", b"application/json")
_VARY = (b"vary", b"accept-encoding")


class GetRequest(DecoratedRequest):
    """A GET as the POST that it stands for: its body is the message in its query."""

    def __init__(self, request: HttpRequest, query: Query) -> None:
        super().__init__(request)
        self._message = query.message

    def take_body(self, most: int) -> bytes | None:
        """Return the message, unless it is longer."""
        if len(self._message) > most:
            return None
        message, self._message = self._message, b""
        return message

    async def read(self) -> bytes:
        """Return the message, once."""
        message, self._message = self._message, b""
        return message


class UnaryResponse:
    """The response of one call.

    Args:
        request: takes it.
        content_type: that of its message.
        encode: makes what is sent of protobuf's bytes; None where those are.
        encoding: what it may be compressed with; None for nothing.

    """

    def __init__(
        self,
        request: HttpRequest,
        content_type: bytes,
        json: JsonForm | None = None,
        encoding: str | None = None,
    ) -> None:
        self._request = request
        self._content_type = content_type
        self.json = json
        self._encoding = encoding
        self.exchange: Exchange | None = None

    async def send(self, _message: bytes) -> None:
        """Send nothing: no unary method has a stream."""
        raise TypeError("a unary method sends no stream")

    async def end(self, reply: Reply) -> None:
        """Send the response; returns when the client has taken it. Raises Gone."""
        if reply.status is not None:
            body = to_json(error_object(reply.status))
            await self._request.respond(http_status(reply.status.code), [_JSON, *self._said()], body)
            return
        body, exchange = reply.body, self.exchange
        if self.json is not None and (exchange is None or not exchange.is_json):
            body = await written(self.json, body, exchange)
        if exchange is not None:
            exchange.recount(len(body))
        told = [(b"content-type", self._content_type), (b"accept-encoding", SPOKEN)]
        if self._encoding is not None:
            body, encoding = await packed(body, self._encoding)
            if encoding is not None:
                told.append((b"content-encoding", encoding.encode()))
            told.append(_VARY)
        await self._request.respond(200, [*told, *self._said()], body)

    def _said(self) -> list[Header]:
        """Return what is said beside the message: trailers have a prefix to their names."""
        if self.exchange is None:
            return []
        headers = headers_of(self.exchange)
        headers += [(b"trailer-" + name, value) for name, value in trailers_of(self.exchange)]
        return headers
