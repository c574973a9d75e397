"""A fast call on a connection, whose request has no body."""

import asyncio
from typing import Protocol

from gateway.transport.wire.fast_requests import AlikeResponses, FastCall, FastHeaders
from gateway.transport.wire.http1.body import NO_BODY
from gateway.transport.wire.http1.head import Head
from gateway.transport.wire.http1.response import alike_response
from gateway.transport.wire.request import Responder


class Connection(Protocol):
    """The connection by which it came."""

    peer: str
    certificate: bytes
    loop: asyncio.AbstractEventLoop

    def finish(self, response: bytes) -> bool:
        """Send the whole response, and go on; return False where it isn't all."""

    async def respond(self, head: Head, task: "asyncio.Task[None]", respond: Responder) -> None:
        """Have the response written as that of a request."""


class FastRequest:
    """The turn of a fast call, and its way back.

    The connection sees in it a request whose body is whole and whose response hasn't begun. It forgets a call
    that it has answered: they know each other, and would wait for the garbage collector.

    Args:
        connection: by which it came.
        head: what stands before its body.

    """

    __slots__ = ("_call", "_connection", "_head", "certificate", "loop", "peer")
    body = NO_BODY
    is_begun = is_awaited = False

    def __init__(self, connection: Connection, head: Head) -> None:
        self.peer = connection.peer
        self.certificate = connection.certificate
        self.loop = connection.loop
        self._connection = connection
        self._head = head
        self._call: FastCall | None = None

    def begin(self, fast: FastHeaders, now: float) -> bool:
        """Begin the call; return False for one that has to go the general way."""
        method, path, query, _, fields, _ = self._head
        self._call = fast.begin(self, method, path, query, headers=fields.headers, told=fields.told, now=now)
        return self._call is not None

    def finish(self, alike: AlikeResponses, value: bytes, body: bytes) -> bool:
        """Send the whole response, and go on; return False where it isn't all."""
        if not self._connection.finish(alike_response(alike, value, body)):
            return False
        self._call = None
        return True

    async def respond(self, respond: Responder) -> None:
        """Have the response written as that of a request; nothing where the client has gone."""
        call, self._call = self._call, None
        if call is not None:
            await self._connection.respond(self._head, call.task, respond)

    def lose(self) -> None:
        """Note that the client went away."""
        call, self._call = self._call, None
        if call is not None:
            call.lose()

    def stop(self) -> None:
        """Have the call answer that the server stops."""
        if self._call is not None:
            self._call.stop()
