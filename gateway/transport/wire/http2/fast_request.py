"""A fast call on a stream, whose request has no body."""

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from gateway.transport.wire.caller_headers import CallerHeaders
from gateway.transport.wire.fast_requests import AlikeResponses, FastCall, FastHeaders
from gateway.transport.wire.http2.errors import ErrorCode, StreamError
from gateway.transport.wire.http2.fast_path import FastConnection
from gateway.transport.wire.http2.frames import MAX_FRAME
from gateway.transport.wire.http2.request_head import Head
from gateway.transport.wire.http2.responses import alike_response
from gateway.transport.wire.request import Responder


class Connection(FastConnection, Protocol):
    """The connection by which it came."""

    def respond(
        self, request: "FastRequest", task: asyncio.Task[None], respond: Responder
    ) -> Awaitable[None]:
        """Have the response written as that of a request."""


class FastRequest:
    """The stream of a fast call, and the call's way back.

    It forgets a call that it has answered: they know each other, and would wait for the garbage collector.

    Args:
        connection: by which it came.
        number: the stream's.
        head: what its headers say.
        told: the caller's headers.

    """

    __slots__ = (
        "_call",
        "_connection",
        "certificate",
        "credit",
        "head",
        "loop",
        "number",
        "peer",
        "told",
        "whole",
    )

    def __init__(self, connection: Connection, number: int, head: Head, told: CallerHeaders) -> None:
        self.number = number
        self.head = head
        self.told = told
        self.peer = connection.peer
        self.certificate = connection.certificate
        self.loop = connection.loop
        self.credit = 0
        """What the peer takes beyond a stream's first window."""
        self.whole = True
        self._connection = connection
        self._call: FastCall | None = None

    def begin(self, fast: FastHeaders, now: float) -> bool:
        """Begin the call; return False for one that has to go the general way."""
        head = self.head
        self._call = fast.begin(
            self,
            head.method,
            head.path,
            head.query,
            headers=head.headers,
            told=self.told,
            now=now,
        )
        return self._call is not None

    def finish(self, alike: AlikeResponses, value: bytes, body: bytes) -> bool:
        """Send the whole response; return False where the peer doesn't take it in one frame now."""
        outgoing, size = self._connection.outgoing, len(body)
        if size > min(MAX_FRAME, outgoing.room(), outgoing.stream_window + self.credit):
            return False
        outgoing.window -= size
        self._connection.finish(self.number, alike_response(self.number, alike, value, body))
        self._call = None
        return True

    async def respond(self, respond: Responder) -> None:
        """Have the response written as that of a request; nothing where the client has gone."""
        call, self._call = self._call, None
        if call is not None:
            await self._connection.respond(self, call.task, respond)

    def take_end(self) -> None:
        """Take no end: raises StreamError."""
        raise _whole_already()

    def take(self, _payload: bytes, _size: int) -> None:
        """Take no DATA: raises StreamError."""
        raise _whole_already()

    def widen(self, more: int) -> None:
        """Take a WINDOW_UPDATE."""
        self.credit += more

    def reset(self) -> None:
        """Take the peer's word that it wants no answer."""
        call, self._call = self._call, None
        if call is not None:
            call.lose()

    def stop(self) -> None:
        """Have it answer that the server stops."""
        if self._call is not None:
            self._call.stop()


def _whole_already() -> StreamError:
    return StreamError(ErrorCode.STREAM_CLOSED, "more after the end of the request")
