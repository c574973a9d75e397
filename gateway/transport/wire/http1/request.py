"""One request over HTTP/1.1, as a protocol sees it, and its response (gateway.transport.wire.request)."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.auth.principal import Principal
from gateway.transport.wire.http1 import response
from gateway.transport.wire.http1.body import Body
from gateway.transport.wire.http1.head import Head
from gateway.transport.wire.http1.output import Output
from gateway.transport.wire.request import Gone, Header

_LARGE = 16 * 1024


class Turn(Protocol):
    """The connection, for as long as it is a request's turn."""

    output: Output
    closes: bool
    """Whether the response is the connection's last."""

    def read_on(self) -> None:
        """Take more of the body, of what has come and what comes."""

    def answered(self) -> None:
        """Note that the response has ended."""


class Http1Request:
    """Implements HttpRequest.

    Args:
        head: its request line and headers.
        body: what comes after them.
        turn: the connection.
        peer: the client's address, as gRPC writes it.
        certificate: the client's, DER; empty without one.
        misdirected: whether it names a host that the server isn't called by.

    """

    trailers = duplex = False
    principal: Principal | None = None
    task: asyncio.Task[None] | None = None
    is_begun = False
    """Whether the response has begun."""
    is_answered = False
    """Whether it has ended."""
    _is_chunked = _is_mute = _is_gone = False
    _gone: Callable[[], object] | None = None
    _arrived: asyncio.Future[None] | None = None

    def __init__(
        self, head: Head, body: Body, turn: Turn, peer: str, certificate: bytes, *, misdirected: bool
    ) -> None:
        self.method, self.path, self.query, self._is_1_1, fields, _ = head
        self.headers = fields.headers
        self.header_bytes = head.size
        self.misdirected = misdirected
        self.peer = peer
        self.certificate = certificate
        self.body = body
        self._turn = turn
        self._host = fields.host
        self._must_continue = fields.expects_continue and self._is_1_1

    @property
    def authority(self) -> str:
        """The host that it names; empty where it names none."""
        return (self._host or b"").decode()

    def take_body(self, most: int) -> bytes | None:
        """Return the body, if all of it has come and it has no more bytes; else, and after, it is read."""
        body = self.body
        if not body.is_whole or body.held > most:
            return None
        return body.take() if body.held else b""

    async def read(self) -> bytes:
        """Return the next piece of the body, empty at its end; raises Gone."""
        while True:
            if self._is_gone:
                raise Gone
            self._turn.read_on()
            if self.body.held or self.body.is_whole:
                if self.body.held >= _LARGE:
                    # Chunks are dear to read: others have a turn before the next.
                    await asyncio.sleep(0)
                return self.body.take()
            self._say_continue()
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for more of the body."""
        return self._arrived is not None and not self._arrived.done()

    def arrived(self) -> None:
        """Note that there is more of the body, or none to come."""
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    def when_gone(self, gone: Callable[[], object]) -> None:
        """Have `gone` called once, where the client goes away before the response has ended."""
        if self._is_gone:
            gone()
        else:
            self._gone = gone

    def lose(self) -> None:
        """Note that the client went away."""
        self._is_gone = True
        self.arrived()
        if not self.is_answered:
            gone, self._gone = self._gone, None
            if gone is not None:
                gone()

    async def respond(self, status: int, headers: Sequence[Header], body: bytes = b"") -> None:
        """Send a whole response; returns when the client has taken it. Raises Gone."""
        turn = self._turn
        if not self.body.is_whole:
            # Nobody will read the rest of the request, so that no other can be told from it.
            turn.closes = True
        head = self._begin(status, headers, response.length(body))
        turn.output.send(head if self._is_mute else head + body)
        if turn.output.is_free:
            self.is_answered, self._gone = True, None
            turn.answered()
        else:
            await self._end()

    def start(self, status: int, headers: Sequence[Header]) -> None:
        """Send the beginning of a response. HTTP/1.0 learns its end from the connection's."""
        if self._is_1_1:
            self._is_chunked = True
            self._turn.output.put(self._begin(status, headers, response.CHUNKED))
        else:
            self._turn.closes = True
            self._turn.output.put(self._begin(status, headers, b""))

    async def write(self, piece: bytes) -> None:
        """Send a piece of its body; returns when the client has taken it. Raises Gone."""
        if piece and not self._is_mute:
            self._turn.output.put(*(response.chunk(piece) if self._is_chunked else (piece,)))
        await self._turn.output.taken()

    async def end(self, trailers: Sequence[Header] = ()) -> None:
        """Send its end, without trailers; returns when the client has taken all. Raises Gone."""
        del trailers
        if self._is_chunked and not self._is_mute:
            self._turn.output.put(response.LAST_CHUNK)
        await self._end()

    def _begin(self, status: int, headers: Sequence[Header], framing: bytes) -> bytes:
        """Return the beginning of the response."""
        if self.is_begun:
            raise RuntimeError("a second response to one request")
        empty = status in response.WITHOUT_BODY
        self._is_mute = empty or self.method == "HEAD"
        if empty:
            framing = b""
        if self._turn.closes:
            framing += response.CLOSE
        elif not self._is_1_1:
            framing += response.KEEP_ALIVE
        head = response.response_head(status, headers, framing)
        self.is_begun = True
        return head

    async def _end(self) -> None:
        self.is_answered, self._gone = True, None
        output = self._turn.output
        output.flush()
        try:
            if not output.is_free:
                await output.taken()
        finally:
            self._turn.answered()

    def _say_continue(self) -> None:
        if self._must_continue:
            self._must_continue = False
            self._turn.output.send(response.CONTINUE)
