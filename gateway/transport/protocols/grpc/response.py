"""The response of a call of gRPC: headers, messages with their lengths, and trailers with the status."""

from gateway.request.calls.memory import SMALL
from gateway.schema.protojson.form import JsonForm
from gateway.transport.exchange import Exchange, Reply
from gateway.transport.protocols.codecs import written
from gateway.transport.protocols.grpc.headers import response_headers, trailers_of
from gateway.transport.wire.framing import prefix
from gateway.transport.wire.headers import write_metadata
from gateway.transport.wire.request import Header, HttpRequest

_OK = 200


class GrpcResponse:
    """Writes one.

    Args:
        request: the request that it answers.
        content_type: its own, which is the request's.
        json: how its messages are written; None where that is protobuf's bytes.
        streams: whether its messages come by `send`; else its only one is the reply's body.

    """

    def __init__(
        self,
        request: HttpRequest,
        content_type: bytes,
        json: JsonForm | None = None,
        *,
        streams: bool = False,
    ) -> None:
        self._request = request
        self._content_type = content_type
        self.json = json
        self._streams = streams
        self._started = False
        self.exchange: Exchange | None = None
        """The call; None where it is refused before it is one."""

    async def send(self, message: bytes) -> None:
        """Send a message; returns when the client has taken it. Raises Gone, and what encoding raises."""
        message = await written(self.json, message, self.exchange)
        self.begin()
        start = prefix(len(message))
        if len(message) <= SMALL:
            await self._request.write(start + message)
        else:
            # Not joined: that would hold a large message twice.
            await self._request.write(start)
            await self._request.write(message)

    def begin(self) -> None:
        """Send the headers, unless they are sent."""
        if not self._started:
            self._started = True
            self._request.start(_OK, self._headers())

    async def end(self, reply: Reply) -> None:
        """Send the reply: an only message, if that is it, and the status. Raises Gone."""
        if reply.status is None and not self._streams:
            await self.send(reply.body)
        trailers = trailers_of(reply, self.exchange)
        if reply.status is not None and not self._started and not self._has_headers:
            await self._request.respond(_OK, [*self._headers(), *trailers])
            return
        self.begin()
        await self._request.end(trailers)

    @property
    def _has_headers(self) -> bool:
        return self.exchange is not None and self.exchange.metadata is not None

    def _headers(self) -> list[Header]:
        headers = response_headers(self._content_type)
        if self.exchange is not None and self.exchange.metadata is not None:
            headers += write_metadata(self.exchange.metadata.headers)
        return headers
