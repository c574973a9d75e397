"""What a servicer is handed beside the request: grpc.aio.ServicerContext over an HTTP stream."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import grpc
import grpc.aio

from gateway.errors import RowgateError
from gateway.errors.status import to_status
from gateway.transport.asgi.stream import HttpStream
from gateway.transport.exchange import STATUS_DETAILS
from gateway.transport.protocols.grpc.headers import response_headers, status_headers
from gateway.transport.wire.headers import Metadata, write_metadata
from gateway.transport.wire.request import Header

_QUICK = 16_384
"""Bytes of a message that are read at once."""
_ENCODINGS = {grpc.Compression.Gzip: "gzip", grpc.Compression.Deflate: "deflate"}
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


class Context(grpc.aio.ServicerContext[Any, Any]):
    """The state of one call.

    Args:
        stream: where messages come from and go to.
        peer: the caller's address as gRPC writes it, such as `ipv4:127.0.0.1:5000`.
        content_type: what the answer is declared as: the request's own.
        accepted: the compressions the caller can read.
        deserialize: bytes → request; None leaves bytes.
        serialize: response → bytes; None takes bytes.
        request_seconds: how long the only request of a call is waited for; None is without end.

    """

    def __init__(
        self,
        stream: HttpStream,
        *,
        peer: str,
        content_type: bytes,
        accepted: frozenset[str],
        deserialize: Callable[[bytes], Any] | None,
        serialize: Callable[[Any], bytes] | None,
        request_seconds: float | None = None,
    ) -> None:
        self.request_seconds = request_seconds
        self._stream = stream
        self._metadata: Metadata = ()
        self._peer = peer
        self.deadline: float | None = None
        self._content_type = content_type
        self._accepted = accepted
        self._deserialize = deserialize
        self._serialize = serialize
        self._encoding: str | None = None
        self._plain_next = False
        self._initial: tuple[tuple[str, str | bytes], ...] = ()
        self._trailing: tuple[tuple[str, str | bytes], ...] = ()
        self._code: int = 0
        self._details = ""
        self._callbacks: list[Callable[[Any], None]] = []
        self._done = False

    def accept(self, metadata: Metadata) -> None:
        """Take the caller's metadata."""
        self._metadata = metadata

    async def read(self) -> Any:
        """Return the next request, grpc.aio.EOF after the last."""
        message = await self._stream.message()
        if message is None:
            return grpc.aio.EOF
        if self._deserialize is None:
            return message
        if len(message) <= _QUICK:
            return self._deserialize(message)
        # JSON is read by Python, which lets the loop run beside it.
        return await asyncio.to_thread(self._deserialize, message)

    async def write(self, message: Any) -> None:
        """Send a response."""
        body = message if self._serialize is None else self._serialize(message)
        if not self._stream.started:
            await self._stream.start(self._headers())
        encoding = None if self._plain_next else self._encoding
        self._plain_next = False
        await self._stream.write(body, encoding)

    async def send_initial_metadata(self, initial_metadata: Any) -> None:
        """Send the response's headers now."""
        self._initial = tuple(initial_metadata)
        if not self._stream.started:
            await self._stream.start(self._headers())

    async def abort(self, code: Any, details: str = "", trailing_metadata: Any = ()) -> NoReturn:
        """End the call with an error."""
        self._code = code.value[0]
        self._details = details
        self._trailing = tuple(trailing_metadata)
        raise grpc.aio.AbortError

    async def abort_with_status(self, status: grpc.Status) -> NoReturn:
        """End the call with an error."""
        await self.abort(status.code, status.details or "", status.trailing_metadata or ())

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        """Set what is sent at the end."""
        self._trailing = tuple(trailing_metadata)

    def invocation_metadata(self) -> Any:
        """Return the caller's metadata."""
        return self._metadata

    def set_code(self, code: Any) -> None:
        """Set the status the call ends with."""
        self._code = code.value[0] if isinstance(code, grpc.StatusCode) else int(code)

    def set_details(self, details: str) -> None:
        """Set the status' message."""
        self._details = details

    def set_compression(self, compression: grpc.Compression) -> None:
        """Compress the answer, where the caller can read it and no headers have been sent, which say so."""
        encoding = _ENCODINGS.get(compression)
        if not self._stream.started:
            self._encoding = encoding if encoding in self._accepted else None

    def disable_next_message_compression(self) -> None:
        """Send the next message as it is."""
        self._plain_next = True

    def peer(self) -> str:
        """Return the caller's address."""
        return self._peer

    def peer_identities(self) -> Iterable[bytes] | None:
        """Return None: TLS ends at the host."""
        return None

    def peer_identity_key(self) -> str | None:
        """Return None: TLS ends at the host."""
        return None

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        """Return nothing: TLS ends at the host."""
        return {}

    def time_remaining(self) -> Any:
        """Return the seconds until the deadline; None without one."""
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - asyncio.get_running_loop().time())

    def trailing_metadata(self) -> Any:
        """Return what is sent at the end."""
        return self._trailing

    def code(self) -> Any:
        """Return the status the call ends with."""
        return _CODES[self._code]

    def details(self) -> str:
        """Return the status' message."""
        return self._details

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Call `callback` with this context when the call is over."""
        self._callbacks.append(callback)

    def cancelled(self) -> bool:
        """Return whether the caller went away."""
        return self._stream.reset

    def done(self) -> bool:
        """Return whether the call is over."""
        return self._done

    def refuse(self, error: RowgateError) -> None:
        """Replace the status by an error's."""
        status = to_status(error)
        self._code, self._details = status.code, status.message
        self._trailing = ((STATUS_DETAILS, status.SerializeToString()),)

    async def finish(self) -> None:
        """Send the status, after the headers where the call succeeded without an answer."""
        if not self._stream.started and self._code:
            trailers = status_headers(self._code, self._details, self._trailing)
            await self._stream.refuse([*self._headers(), *trailers])
            return
        if not self._stream.started:
            await self._stream.start(self._headers())
        await self._stream.finish(self._code, self._details, self._trailing)

    def end(self) -> None:
        """Call who wanted to know that the call is over."""
        self._done = True
        for callback in self._callbacks:
            callback(self)

    def _headers(self) -> list[Header]:
        headers = response_headers(self._content_type)
        if self._encoding is not None:
            headers.append((b"grpc-encoding", self._encoding.encode()))
        return headers + write_metadata(self._initial) if self._initial else headers
