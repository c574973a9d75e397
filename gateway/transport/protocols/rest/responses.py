"""Responses of calls: whole, or as a stream, in JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

from google.rpc.status_pb2 import Status

from gateway.schema.protojson.form import JsonForm
from gateway.transport.consistent import consistency_headers
from gateway.transport.exchange import REQUEST_ID, Exchange, Reply
from gateway.transport.explaining import explain_headers
from gateway.transport.protocols.codecs import written
from gateway.transport.protocols.encodings import packed
from gateway.transport.protocols.rest.statuses import http_status, retry_headers, status_json
from gateway.transport.protocols.rest.streams import StreamForm
from gateway.transport.wire.request import Header, HttpRequest

_REQUEST_ID = REQUEST_ID.encode()
JSON: Header = (b"content-type", b"application/json")
_NOT_KEPT: Header = (b"cache-control", b"no-store")
VARY: Header = (b"vary", b"accept-encoding")


@dataclass(slots=True, eq=False)
class WholeResponse:
    """The response of a unary call.

    Args:
        request: which is answered.
        json: how its message is written.
        encoding: what it may be compressed with; None for nothing.

    """

    request: HttpRequest
    json: JsonForm
    encoding: str | None
    exchange: Exchange | None = None
    """The call; set before it runs."""

    async def send(self, _message: bytes) -> None:
        """Refuse to send what only streams have."""
        raise TypeError("a unary call has one response")

    async def end(self, reply: Reply) -> None:
        """Send it."""
        if reply.status is not None:
            await respond_error(self.request, reply.status, _told(self.exchange))
            return
        body, exchange = reply.body, self.exchange
        if exchange is None or not exchange.is_json:
            body = await written(self.json, body, exchange)
        if exchange is not None:
            exchange.recount(len(body))
        headers: Sequence[Header] = (JSON, *_told(exchange))
        if self.encoding is not None:
            body, used = await packed(body, self.encoding)
            headers = (*headers, VARY, *(() if used is None else ((b"content-encoding", used.encode()),)))
        await self.request.respond(200, headers, body)


@dataclass(slots=True, eq=False)
class StreamedResponse:
    """The response of a call that streams.

    Args:
        request: which is answered.
        json: how its messages are written.
        form: how they stand one after the other.
        resumed: whether the client goes on from an event that it had.

    """

    request: HttpRequest
    json: JsonForm
    form: StreamForm
    resumed: bool = False
    began: bool = False
    exchange: Exchange | None = None
    """The call; set before it runs."""

    async def send(self, message: bytes) -> None:
        """Send a message; returns when the client has taken it."""
        token = self.exchange.resume_token if self.exchange is not None else ""
        piece = self.form.message(await written(self.json, message, self.exchange), token)
        before = self.form.between if self.began else self.form.opening
        if not self.began:
            self._begin()
        await self.request.write(before + piece)

    async def end(self, reply: Reply) -> None:
        """Send its end, with the error where there is one."""
        form = self.form
        if not self.began:
            if reply.status is not None:
                await respond_error(self.request, reply.status, _told(self.exchange))
                return
            if self.resumed:  # there is nothing more: an EventSource comes back after anything else
                await self.request.respond(204, _id_header(self.exchange))
                return
            self._begin()
            last = form.opening
        else:
            last = b"" if reply.status is None else form.between + form.error(status_json(reply.status))
        last += form.closing + (form.closed if reply.status is None else b"")
        if last:
            await self.request.write(last)
        await self.request.end()

    def _begin(self) -> None:
        self.began = True
        kind = (b"content-type", self.form.content_type)
        self.request.start(200, (kind, _NOT_KEPT, *_told(self.exchange)))


def _id_header(exchange: Exchange | None) -> Sequence[Header]:
    return () if exchange is None else ((_REQUEST_ID, exchange.record.request_id.encode()),)


def _told(exchange: Exchange | None) -> Sequence[Header]:
    """Return what headers tell of a call: its id, what its write is found by, and plans where it asked."""
    return (*_id_header(exchange), *consistency_headers(exchange), *explain_headers(exchange))


async def respond_error(request: HttpRequest, status: Status, headers: Sequence[Header] = ()) -> None:
    """Answer with an error."""
    headers = (*headers, *retry_headers(status))
    await respond_json(request, http_status(status), status_json(status), headers)


async def respond_json(request: HttpRequest, code: int, body: bytes, headers: Sequence[Header]) -> None:
    """Answer with JSON."""
    await request.respond(code, (JSON, *headers), body)
