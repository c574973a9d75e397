"""One stream of HTTP/2: a request, and the way of its response (gateway.transport.wire.request)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.transport.wire.caller_headers import CallerHeaders
from gateway.transport.wire.http2.frames import DATA, END_STREAM, frame, header_frames
from gateway.transport.wire.http2.header_blocks.writer import write_block
from gateway.transport.wire.http2.outbox import Outbox
from gateway.transport.wire.http2.outgoing import Outgoing
from gateway.transport.wire.http2.request_body import RequestBody
from gateway.transport.wire.http2.request_head import Head
from gateway.transport.wire.http2.responses import response_block
from gateway.transport.wire.request import Gone, Header

if TYPE_CHECKING:
    from gateway.auth.principal import Principal


class Stream:
    """An HttpRequest.

    Args:
        number: the stream's.
        head: what its headers say.
        told: the caller's headers.
        peer: the client's address.
        certificate: the client's, DER; empty without one.
        body: what arrives of its body.
        outgoing: the connection's.
        ended: called when neither side has anything more to send.

    """

    trailers = duplex = True

    def __init__(
        self,
        number: int,
        head: Head,
        told: CallerHeaders,
        peer: str,
        certificate: bytes,
        *,
        body: RequestBody,
        outgoing: Outgoing,
        ended: Callable[[int], None],
    ) -> None:
        self.number = number
        self.method = head.method
        self.path = head.path
        self.query = head.query
        self.headers = head.headers_of(told)
        self.header_bytes = head.size_of(told)
        self.authority = head.authority
        self.misdirected = head.misdirected
        self.peer = peer
        self.certificate = certificate
        self.principal: Principal | None = None
        self.task: asyncio.Task[None] | None = None
        self.is_finished = False
        """Whether the response is whole; the peer may not have taken it."""
        self.body = body
        self._outbox = Outbox(outgoing, number, 0, self._emptied)
        self._outgoing = outgoing
        self._ended = ended
        self._over = False
        self._gone: Callable[[], object] | None = None
        self._taken: asyncio.Future[None] | None = None

    def take_body(self, most: int) -> bytes | None:
        """Return the body, if all of it has come and it has no more bytes; else, and after, it is read."""
        return self.body.take_all(most)

    async def read(self) -> bytes:
        """Return the next piece of the body, empty at its end; raises Gone."""
        return await self.body.read()

    def when_gone(self, gone: Callable[[], object]) -> None:
        """Have `gone` called once, where the client goes away before the response has ended."""
        self._gone = gone
        if self._over:
            self._tell_gone()

    async def respond(self, status: int, headers: Sequence[Header], body: bytes = b"") -> None:
        """Send a whole response; returns when the peer has taken it. Raises Gone."""
        self._check()
        block = response_block(status, headers)
        if body and self.method != "HEAD":
            self._outgoing.put(header_frames(self.number, block, ends=False))
            self._outbox.put(body)
            await self._finish(frame(DATA, END_STREAM, self.number))
        else:
            await self._finish(header_frames(self.number, block, ends=True))

    def start(self, status: int, headers: Sequence[Header]) -> None:
        """Send the beginning of a response; nothing where the peer has gone."""
        if not self._over:
            self._outgoing.put(header_frames(self.number, response_block(status, headers), ends=False))

    async def write(self, piece: bytes) -> None:
        """Send a piece of its body; returns when the peer has taken it. Raises Gone."""
        self._check()
        self._outbox.put(piece)
        await self._until_taken()

    async def end(self, trailers: Sequence[Header] = ()) -> None:
        """Send its end; returns when the peer has taken all. Raises Gone."""
        self._check()
        if trailers:
            await self._finish(header_frames(self.number, write_block(trailers), ends=True))
        else:
            await self._finish(frame(DATA, END_STREAM, self.number))

    @property
    def whole(self) -> bool:
        """Whether the request is."""
        return self.body.whole

    def take(self, payload: bytes, size: int) -> None:
        """Take the payload of a DATA frame that was `size` bytes with its padding; raises StreamError."""
        self.body.take(payload, size)

    def take_end(self) -> None:
        """Note that the request is whole; raises StreamError."""
        self.body.end()

    def widen(self, more: int) -> None:
        """Take a WINDOW_UPDATE; raises StreamError."""
        self._outbox.widen(more)

    def reset(self) -> None:
        """Take the peer's word that it wants no answer."""
        self._over = self.is_finished = True
        self._outbox.drop()
        self.body.disconnect()
        if self._taken is not None and not self._taken.done():
            self._taken.set_exception(Gone())
        self._tell_gone()

    def stop(self) -> None:
        """Leave it to whoever answers, which stops with all its calls."""

    def _tell_gone(self) -> None:
        gone, self._gone = self._gone, None
        if gone is not None:
            gone()

    def _check(self) -> None:
        if self._over:
            raise Gone

    async def _finish(self, frames: bytes) -> None:
        self.is_finished = True
        self._outbox.end(frames)
        await self._until_taken()

    async def _until_taken(self) -> None:
        if not self._outbox.is_empty:
            self._taken = asyncio.get_running_loop().create_future()
            await self._taken

    def _emptied(self, ends: bool) -> None:  # noqa: FBT001 - Outbox's
        """Note that the peer has taken all there was."""
        if self._taken is not None and not self._taken.done():
            self._taken.set_result(None)
        if ends:
            self._over = True
            self._gone = None
            self.body.disconnect()
            self._ended(self.number)
