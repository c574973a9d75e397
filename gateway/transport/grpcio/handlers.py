"""The served methods as grpc.aio sees them: one generic handler, bytes in and out.

Each is handed over as a method with a stream of requests, also where it takes one: so a call begins when its
headers have come, and its request is waited for as everything else is, with a place and a deadline.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from time import monotonic
from typing import Any

import grpc
import grpc.aio
from google.rpc.status_pb2 import Status

from gateway.errors import RowgateError
from gateway.errors.status import to_status
from gateway.observe.call_record import CallRecord
from gateway.transport.authorization import Authorization
from gateway.transport.exchange import REQUEST_ID, Exchange, Reply, request_id, status_metadata
from gateway.transport.limits.refusals import broken_off, not_one_request, unknown_method
from gateway.transport.parsing.parser import too_large
from gateway.transport.protocols.calls import running_task
from gateway.transport.served_method import ServedMethod
from gateway.transport.wire.headers import write_metadata

_BREAK_OFF_SECONDS = 0.5
_LAST_BYTES_SECONDS = 0.5
_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}

_GONE = grpc.aio.InternalError
"""What a context raises where the caller is gone, if grpc.aio doesn't know of it yet."""


@contextmanager
def _cancelled_when_gone() -> Iterator[None]:
    """Turn what a context raises into what grpc.aio takes for a caller who has left, and doesn't log."""
    try:
        yield
    except _GONE:
        raise asyncio.CancelledError from None


class BoundMethods(grpc.GenericRpcHandler):
    """Every served method.

    Messages are parsed by the dispatcher, not by grpc, which would answer INTERNAL to bytes that don't parse.

    Args:
        methods: by their paths.
        limit: the most bytes of a message.

    """

    def __init__(self, methods: Mapping[str, ServedMethod], limit: int) -> None:
        self._running = _Running()
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            path: _handler(method, limit, self._running) for path, method in methods.items()
        }

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """Return the method's handler; None for another's method."""
        return self._handlers.get(handler_call_details.method)

    async def break_off(self) -> None:
        """Have the calls under way answer why a server of grpc.aio's ends them, which it doesn't tell."""
        await self._running.break_off()


class _Running:
    """The calls that are under way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def answered(self, answering: Awaitable[Reply], context: Any) -> Reply:
        """Return the reply. A call that is cancelled by another than its caller, who waits, is told so.

        grpc.aio doesn't: it sends nothing for a cancelled handler.
        """
        task = running_task()
        self._tasks.add(task)
        try:
            return await answering
        except asyncio.CancelledError as cancelled:
            with suppress(asyncio.CancelledError):
                await abort_with(context, broken_off(cancelled))
            raise
        finally:
            self._tasks.discard(task)

    async def break_off(self) -> None:
        """Cancel them, and wait until they are over."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_BREAK_OFF_SECONDS)


def _handler(method: ServedMethod, limit: int, running: _Running) -> "grpc.RpcMethodHandler[Any, Any]":
    if method.descriptor.server_streaming:
        return grpc.stream_stream_rpc_method_handler(_streaming(method, limit, running))
    return grpc.stream_unary_rpc_method_handler(_unary(method, limit, running))


def _unary(method: ServedMethod, limit: int, running: _Running) -> Callable[[Any, Any], Any]:
    async def handle(_requests: Any, context: Any) -> bytes:
        channel = _channel(method, limit, context)
        exchange = channel.exchange
        reply = await running.answered(method.answer(exchange), context)
        if exchange.call is not None and exchange.call.held:
            _release_when_taken(context, exchange)
        return await _end(context, channel, reply)

    return handle


def _streaming(method: ServedMethod, limit: int, running: _Running) -> Callable[[Any, Any], Any]:
    # A coroutine that writes, no generator: whoever cancels it ends what it holds at once.
    async def handle(_requests: Any, context: Any) -> None:
        channel = _channel(method, limit, context)
        await _end(context, channel, await running.answered(method.answer(channel.exchange), context))

    return handle


def _release_when_taken(context: Any, exchange: Exchange) -> None:
    """Release a large response when its client has taken it, or its deadline has passed.

    grpc core waits for its client for as long as the connection lives, where that has set no deadline.
    """
    context.add_done_callback(lambda _: exchange.release())
    if exchange.deadline is not None:
        late = asyncio.get_running_loop().call_at(exchange.deadline, running_task().cancel)
        context.add_done_callback(lambda _: late.cancel())


async def _end(context: Any, channel: "_ContextChannel", reply: Reply) -> bytes:
    """Return the reply's bytes; a status is sent in their place."""
    exchange = channel.exchange
    trailing: tuple[tuple[str, str | bytes], ...] = ((REQUEST_ID, exchange.record.request_id),)
    if exchange.metadata is not None:
        trailing += tuple(exchange.metadata.trailers)
        if not channel.begun:
            with _cancelled_when_gone():
                await context.send_initial_metadata(tuple(exchange.metadata.headers))
    if reply.status is None:
        context.set_trailing_metadata(trailing)
        return reply.body
    await _abort(context, reply.status, trailing)
    raise AssertionError("abort returned")


async def abort_with(context: Any, error: RowgateError) -> None:
    """End a call with an error, all its details included; raises CancelledError where the caller has left."""
    await _abort(context, to_status(error), ())


async def _abort(context: Any, status: Status, trailing: tuple[tuple[str, str | bytes], ...]) -> None:
    with _cancelled_when_gone():
        await context.abort(_CODES[status.code], status.message, (*trailing, *status_metadata(status)))


class UnknownMethods(grpc.GenericRpcHandler):
    """Every method: stands behind all others, and says that there is none, to callers who may know.

    Args:
        authorization: says who may; None where everybody may call.

    """

    def __init__(self, authorization: Authorization | None) -> None:
        self._authorization = authorization

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any]":
        """Return what refuses the call."""
        return grpc.stream_stream_rpc_method_handler(partial(self._refuse, handler_call_details.method))

    async def _refuse(self, path: str, _requests: Any, context: Any) -> None:
        exchange = _exchange(path, context)
        try:
            if self._authorization is not None:
                caller = await self._authorization.identify(exchange.headers, exchange.certificate)
                self._authorization.require(path, caller, unknown=True)
        except RowgateError as error:
            refusal = error
        else:
            refusal = unknown_method()
        await _abort(context, to_status(refusal), ((REQUEST_ID, exchange.record.request_id),))


class _ContextChannel:
    """A servicer context's messages."""

    def __init__(self, context: Any, exchange: Exchange, limit: int) -> None:
        self._context = context
        self._limit = limit
        self.exchange = exchange
        self.begun = False
        """Whether the headers of the response are sent."""

    async def receive(self) -> bytes | None:
        with _cancelled_when_gone():
            message = await self._context.read()
        if message is grpc.aio.EOF:
            return None
        if len(message) > self._limit:
            raise too_large(len(message), self._limit)
        return bytes(message)

    async def receive_only(self) -> bytes:
        """Return the request where there is to be one; raises RowgateError for none.

        grpc.aio isn't asked for a second one: that would cost a turn through its core for every call.
        """
        message = await self.receive()
        if message is None:
            raise not_one_request()
        return message

    async def send(self, message: bytes) -> None:
        with _cancelled_when_gone():
            if not self.begun:
                await self._begin()
            await self._context.write(message)

    async def _begin(self) -> None:
        """Send the headers, apart from the first message: that may wait for the caller, and be broken off.

        After a write that was broken off, grpc.aio doesn't know that the headers are sent, and sends them
        once more with the status: grpc core refuses both, and the caller waits for ever.
        """
        metadata = self.exchange.metadata
        headers = () if metadata is None else tuple(metadata.headers)
        sending = asyncio.ensure_future(self._context.send_initial_metadata(headers))
        # Where the call is broken off meanwhile, nobody else hears that its caller has gone.
        sending.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            await asyncio.shield(sending)
        finally:
            if not sending.done():
                await asyncio.wait((sending,), timeout=_LAST_BYTES_SECONDS)
        self.begun = True


def _channel(method: ServedMethod, limit: int, context: Any) -> "_ContextChannel":
    exchange = _exchange(method.path, context)
    channel = _ContextChannel(context, exchange, limit)
    if method.streams:
        exchange.channel = channel
    if not method.descriptor.client_streaming:
        exchange.read = channel.receive_only
    return channel


def _exchange(path: str, context: Any) -> Exchange:
    metadata = context.invocation_metadata()
    sent = next((value for key, value in metadata if key == REQUEST_ID), None)
    record = CallRecord(path.removeprefix("/"), request_id(sent), peer=context.peer(), request_bytes=0)
    headers = write_metadata(metadata)
    exchange = Exchange(b"", record, monotonic(), context.time_remaining(), headers=headers)
    exchange.task = running_task()
    if certificates := context.auth_context().get("x509_pem_cert"):
        exchange.certificate = _der(certificates[0])
    return exchange


@lru_cache(1024)
def _der(certificate: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.decode("ascii"))
