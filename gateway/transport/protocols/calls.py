"""Calls of all protocols, from the headers of a request to a response that its client has taken."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from gateway.config.settings import Settings
from gateway.errors import ResourceExhausted, RowgateError
from gateway.errors.status import to_status
from gateway.observe.call_record import CallRecord
from gateway.request.calls.memory import HeldBytes, RequestMemory
from gateway.schema.protojson.form import JsonForm
from gateway.transport.exchange import REQUEST_ID, Exchange, Reply, request_id
from gateway.transport.host_names import misdirected
from gateway.transport.limits.refusals import (
    broken_off,
    one_way_at_once,
    shutting_down,
    unknown_method,
)
from gateway.transport.protocols.messages import Convert, Envelopes, RequestMessages, WholeBody
from gateway.transport.served_method import ServedMethod
from gateway.transport.wire.framing import Unframer
from gateway.transport.wire.headers import find
from gateway.transport.wire.ndjson import Lines
from gateway.transport.wire.request import Gone, HttpRequest

_REQUEST_ID = REQUEST_ID.encode()
_LAST_BYTES_SECONDS = 0.5


class Response(Protocol):
    """Writes the response of a call."""

    exchange: Exchange | None
    """The call; None where it is refused before it is one."""

    @property
    def json(self) -> JsonForm | None:
        """How its messages are written; None where that is protobuf's bytes."""

    async def send(self, message: bytes) -> None:
        """Send a message of a stream; returns when the client has taken it. Raises Gone, and RowgateError."""

    async def end(self, reply: Reply) -> None:
        """Write the response, or where it has begun its end; returns when the client has taken it.

        Raises Gone, and RowgateError for a message that can't be written: it is called again then, with the
        refusal.
        """


@dataclass(slots=True, eq=False)
class ProtocolCall:
    """One call of a protocol.

    Args:
        method: which is called.
        exchange: the call, as its method's answer sees it.
        messages: its request.
        response: writes what answers it.
        is_left: whether its client has gone.

    """

    method: ServedMethod
    exchange: Exchange
    messages: RequestMessages
    response: Response
    is_left: bool = False

    def leave(self) -> None:
        """Cancel it: its client has gone."""
        self.is_left = True
        if self.exchange.task is not None:
            self.exchange.task.cancel()


class Calls:
    """Runs the calls of one server. A protocol reads headers and writes responses; all else is here.

    Args:
        methods: those that are served, by path.
        settings: limits of requests, and how long they are waited for.

    """

    def __init__(self, methods: Mapping[str, ServedMethod], settings: Settings) -> None:
        self.memory = RequestMemory(settings.limits.request_memory)
        """What requests may hold."""
        self.methods = methods
        self._limits = settings.limits
        self._most_taken, self._most_told = settings.limits.max_taken_bytes, settings.limits.max_request_bytes
        self._message_seconds = settings.server.max_deadline
        self._running: set[asyncio.Task[object]] = set()
        self._closed = False

    def method(self, request: HttpRequest, path: str) -> ServedMethod:
        """Return the method that a request calls; raises RowgateError where it isn't begun."""
        if request.misdirected:
            raise misdirected()
        if self._closed:
            raise shutting_down()
        most = self._limits.max_metadata_bytes
        if request.header_bytes > most:
            raise ResourceExhausted(
                f"the metadata is larger than the limit of {most} bytes",
                reason="METADATA_TOO_LARGE",
                metadata={"limit_bytes": str(most)},
            )
        method = self.methods.get(path)
        if method is None:
            raise unknown_method()
        if method.converses and not request.duplex:
            raise one_way_at_once()
        return method

    def envelopes(
        self, request: HttpRequest, encoding: str | None, decode: Convert | None = None
    ) -> Envelopes:
        """Return the messages of a body in which each has its length before it.

        Args:
            request: the request.
            encoding: what messages are compressed with whose flags say so; None where none may be.
            decode: makes protobuf's bytes of a message; None where it has them.

        """
        limits = self._limits
        unframer = Unframer(encoding, limits.max_taken_bytes, limits.max_request_bytes)
        return Envelopes(request, unframer, self._held(request), self._message_seconds, decode)

    def lines(self, request: HttpRequest, decode: Convert) -> Envelopes:
        """Return the messages of a body in which each is a line; `decode` makes protobuf's bytes of it."""
        limits = self._limits
        lines = Lines(limits.max_taken_bytes, limits.max_request_bytes)
        return Envelopes(request, lines, self._held(request), self._message_seconds, decode)

    def whole_body(
        self, request: HttpRequest, encoding: str | None = None, decode: Convert | None = None
    ) -> WholeBody:
        """Return the message of a request whose body it is; the arguments are those of `envelopes`."""
        most, told = self._most_taken, self._most_told
        return WholeBody(request, self.memory, most, told=told, encoding=encoding, decode=decode)

    def begin(
        self,
        request: HttpRequest,
        method: ServedMethod,
        messages: RequestMessages,
        response: Response,
        *,
        remaining: float | None,
    ) -> ProtocolCall:
        """Return a call that `run` runs.

        Args:
            request: carries it.
            method: which is called.
            messages: what it is called with.
            response: writes what answers it.
            remaining: seconds until the caller's deadline; None where it set none.

        """
        record = record_of(request, method.name)
        exchange = Exchange(b"", record, monotonic(), remaining, headers=request.headers, json=response.json)
        exchange.certificate, exchange.principal = request.certificate, request.principal
        response.exchange = exchange
        if not method.takes_stream:
            exchange.read, exchange.take = messages.receive_only, messages.take
        if method.streams:
            exchange.channel = _Channel(messages, response)
        return ProtocolCall(method, exchange, messages, response)

    async def run(self, request: HttpRequest, call: ProtocolCall) -> None:
        """Have a call answered and its response written; returns when the client has taken it, or gone."""
        exchange = call.exchange
        exchange.task = task = request.task or running_task()
        self._running.add(task)
        request.when_gone(call.leave)
        try:
            try:
                reply = await call.method.answer(exchange)
            except asyncio.CancelledError as cancelled:
                if call.is_left:
                    raise
                # By another than its client, who waits, and is told so.
                task.uncancel()
                reply = refusal(broken_off(cancelled))
            call.messages.release()
            await end(call.response, reply)
        except Gone:
            pass
        except asyncio.CancelledError:
            if not call.is_left:
                raise
            task.uncancel()
        finally:
            call.messages.release()
            exchange.release()
            self._running.discard(task)

    async def stop(self, grace: float) -> None:
        """Refuse new calls, wait for those under way for at most `grace` seconds, then break them off."""
        self._closed = True
        if self._running:
            await asyncio.wait(list(self._running), timeout=grace)
        for task in list(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(list(self._running), timeout=_LAST_BYTES_SECONDS)

    def _held(self, request: HttpRequest) -> HeldBytes:
        return self.memory.call(request.peer)


class _Channel:
    """The messages of a streaming call."""

    __slots__ = ("_send", "receive")

    def __init__(self, messages: RequestMessages, response: Response) -> None:
        self.receive = messages.receive
        self._send = response.send

    async def send(self, message: bytes) -> None:
        """Send a response; returns when the client has taken it."""
        try:
            await self._send(message)
        except Gone:
            raise asyncio.CancelledError from None


def record_of(request: HttpRequest, method: str) -> CallRecord:
    """Return the record of a request's call; `method` is `package.Service/Method`."""
    sent_id = find(request.headers, _REQUEST_ID) or b""
    return CallRecord(method, request_id(sent_id.decode("latin-1")), request.peer)


async def end(response: Response, reply: Reply) -> None:
    """Write a response whose client waits; raises Gone."""
    try:
        await response.end(reply)
    except RowgateError as error:  # a message that its codec can't write
        await response.end(refusal(error))


def refusal(error: RowgateError) -> Reply:
    """Return the reply of a call that ends with an error."""
    return Reply(status=to_status(error))


def running_task() -> "asyncio.Task[object]":
    """Return the task that this is called in."""
    task = asyncio.current_task()
    if task is None:  # pragma: no cover - a coroutine that awaits always runs in a task
        raise RuntimeError("not in a task")
    return task
