"""Streams of Connect: messages in envelopes, of which the last says how the call ended."""

from collections.abc import Iterable
from typing import Any

from gateway.schema.protojson.form import JsonForm
from gateway.transport.exchange import Exchange, Reply
from gateway.transport.protocols.codecs import written
from gateway.transport.protocols.connect.errors import error_object, to_json
from gateway.transport.protocols.connect.metadata import headers_of, trailers_of
from gateway.transport.protocols.encodings import SPOKEN, packed
from gateway.transport.wire.framing import prefix
from gateway.transport.wire.request import Header, HttpRequest

_COMPRESSED = b"\x01"
_END_OF_STREAM = b"\x02"


class StreamResponse:
    """The response of one call.

    Args:
        request: takes it.
        content_type: its own.
        json: how its messages are written; None where that is protobuf's bytes.
        encoding: what they may be compressed with; None for nothing.
        one_response: whether it has a single message, which is the reply's.

    """

    def __init__(
        self,
        request: HttpRequest,
        content_type: bytes,
        json: JsonForm | None = None,
        encoding: str | None = None,
        *,
        one_response: bool = False,
    ) -> None:
        self._request = request
        self._content_type = content_type
        self.json = json
        self._encoding = encoding
        self._one_response = one_response
        self._started = False
        self.exchange: Exchange | None = None

    async def send(self, message: bytes) -> None:
        """Send a message; returns when the client has taken it. Raises Gone."""
        envelope = await self._enveloped(message)
        self.start()
        await self._request.write(envelope)

    def start(self) -> None:
        """Send the headers, unless they are sent."""
        if not self._started:
            self._started = True
            self._request.start(200, self._headers())

    async def end(self, reply: Reply) -> None:
        """Send the end; returns when the client has taken it. Raises Gone."""
        last = b""
        if reply.status is None and self._one_response:
            last = await self._enveloped(reply.body)
        ended = to_json(self._ending(reply))
        last += prefix(len(ended), _END_OF_STREAM) + ended
        if not self._started:
            await self._request.respond(200, self._headers(), last)
            return
        await self._request.write(last)
        await self._request.end()

    async def _enveloped(self, message: bytes) -> bytes:
        message = await written(self.json, message, self.exchange)
        body, encoding = await packed(message, self._encoding)
        return prefix(len(body), _COMPRESSED if encoding else b"\x00") + body

    def _ending(self, reply: Reply) -> dict[str, Any]:
        ending: dict[str, Any] = {}
        if reply.status is not None:
            ending["error"] = error_object(reply.status)
        if self.exchange is not None and (trailers := trailers_of(self.exchange)):
            ending["metadata"] = _by_name(trailers)
        return ending

    def _headers(self) -> list[Header]:
        headers = [(b"content-type", self._content_type), (b"connect-accept-encoding", SPOKEN)]
        if self._encoding is not None:
            headers.append((b"connect-content-encoding", self._encoding.encode()))
        return headers if self.exchange is None else [*headers, *headers_of(self.exchange)]


def _by_name(headers: Iterable[Header]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.decode(), []).append(value.decode("latin-1"))
    return values
