"""The ASGI application: routes calls to mounted handlers and ends each with a status."""

import asyncio
import logging
import sys
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from math import inf
from typing import Any

import grpc
import grpc.aio

from gateway.errors import Internal, OutcomeUnknown, ResourceExhausted, RowgateError, Unimplemented
from gateway.request.memory import RequestMemory
from gateway.transport.asgi.calls import WrongCount
from gateway.transport.asgi.context import Context
from gateway.transport.asgi.plain import Answer, PlainMethod, Running, running_task
from gateway.transport.asgi.refuse import refuse
from gateway.transport.asgi.routes import Route, Routes
from gateway.transport.asgi.stream import HttpStream, Receive, Reset, Send
from gateway.transport.asgi.watch import ResetWatch
from gateway.transport.host_names import HostNames, misdirected
from gateway.transport.protocols.grpc.headers import read_timeout
from gateway.transport.refusals import (
    broken_off,
    not_one_request,
    out_of_time,
    shutting_down,
    unknown_method,
)
from gateway.transport.wire.framing import ENCODINGS, BadFrame, Unframer
from gateway.transport.wire.headers import BadHeader, find, peer_name, read_metadata, size_of

_logger = logging.getLogger(__name__)
_LAST_WORDS_SECONDS = 0.05
_GRPC_JSON = b"application/grpc+json"
_GRPC = frozenset({b"application/grpc", b"application/grpc+proto", _GRPC_JSON})


class AsgiServer:
    """An ASGI application with what grpc.aio.Server offers to whoever mounts servicers and stops it.

    Args:
        max_message: the most bytes of one request message.
        max_metadata: the most bytes of one call's headers; the host has to let more pass for it to be said.
        watch: notices callers that go away.
        memory: what requests may hold; without end where none is given.
        max_request: what is told as the limit of a request, where `max_message` is more.
        request_seconds: how long an only request is waited for, where its handler has no clock of its own.
        message_seconds: how long a message is waited for once it has begun.
        hosts: the names by which it may be called; None where all are, or its host knows better.

    """

    def __init__(
        self,
        max_message: int,
        max_metadata: int,
        watch: ResetWatch | None = None,
        memory: RequestMemory | None = None,
        *,
        max_request: int | None = None,
        request_seconds: float | None = None,
        message_seconds: float = inf,
        hosts: HostNames | None = None,
    ) -> None:
        self._hosts = hosts
        self.max_request = max_request
        self.memory = memory or RequestMemory(sys.maxsize)
        self.request_seconds = request_seconds
        self.message_seconds = message_seconds
        self._max_message = max_message
        self._max_metadata = max_metadata
        self._routes = Routes()
        self._json = Routes()
        self._plain: dict[str, PlainMethod] = {}
        self._running: Running = {}
        self._closed = False
        self.watch = watch or ResetWatch()

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Mount handlers, as generated `add_XServicer_to_server` functions do."""
        self._routes.add(generic_rpc_handlers)

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        """Mount a service's handlers by method, as newer generated functions do."""
        self._routes.register(service_name, method_handlers)

    def add_json_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Mount handlers for the calls whose messages are JSON."""
        self._json.add(handlers)

    def add_plain_methods(self, answers: Mapping[str, Answer]) -> None:
        """Give mounted unary methods of bytes, by path, a shorter way for their plain calls."""
        for path, answer in answers.items():
            self._plain[path] = PlainMethod(
                path,
                answer,
                self._general,
                running=self._running,
                watch=self.watch,
                limit=self._max_message,
            )

    async def stop(self, grace: float | None) -> None:
        """Refuse new calls, wait for those under way for at most `grace` seconds, then cancel them."""
        self._closed = True
        if self._running:
            await asyncio.wait(list(self._running), timeout=grace or 0)
        for break_off in list(self._running.values()):
            break_off()
        if self._running:
            await asyncio.wait(list(self._running))

    def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Answer one HTTP request."""
        plain = self._plain.get(scope["path"])
        if plain is None or self.header_bytes(scope) > self._max_metadata or self.is_misdirected(scope):
            return self._general(scope, receive, send)
        return plain(scope, receive, send)

    async def _general(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        headers = scope["headers"]
        content_type = (find(headers, b"content-type") or b"").partition(b";")[0].rstrip()
        if scope["method"] != "POST" or content_type not in _GRPC:
            is_grpc = content_type in _GRPC
            await refuse(headers, send, is_grpc=is_grpc, misdirected=self.is_misdirected(scope))
            return
        routes = self._json if content_type == _GRPC_JSON else self._routes
        # What is looked for is remembered, and so must not be long.
        is_short = self.header_bytes(scope) <= self._max_metadata
        route = routes.find(scope["path"]) if is_short else None
        task = running_task()
        self._running[task] = task.cancel
        try:
            await _Call(self, scope, receive, send, task).answer(route, content_type)
        finally:
            del self._running[task]

    def header_bytes(self, scope: Mapping[str, Any]) -> int:
        """Return the size of a request's headers; its host may have counted :path and the like with them."""
        return int(scope.get("header_bytes") or size_of(scope["headers"]))

    def is_misdirected(self, scope: Mapping[str, Any]) -> bool:
        """Whether a request names a host that the server isn't called by."""
        if self._hosts is None:
            return bool(scope.get("misdirected"))  # the host has looked
        return not self._hosts.allow(
            find(scope["headers"], b"host") or find(scope["headers"], b":authority") or b""
        )

    @property
    def closed(self) -> bool:
        """Whether new calls are refused."""
        return self._closed

    @property
    def max_message(self) -> int:
        """The most bytes of one request message."""
        return self._max_message

    @property
    def max_metadata(self) -> int:
        """The most bytes of one call's headers."""
        return self._max_metadata


class _Call:
    """One call, from its headers to its status."""

    def __init__(
        self,
        server: AsgiServer,
        scope: Mapping[str, Any],
        receive: Receive,
        send: Send,
        task: "asyncio.Task[Any]",
    ) -> None:
        self._server = server
        self._headers = scope["headers"]
        self._header_bytes = server.header_bytes(scope)
        self._peer = scope.get("peer") or peer_name(scope.get("client"))
        self._misdirected = server.is_misdirected(scope)
        self._task = task
        encoding = find(self._headers, b"grpc-encoding")
        self._encoding = encoding.decode("latin-1") if encoding not in (None, b"identity") else None
        known = self._encoding if self._encoding in ENCODINGS else None
        self._stream = HttpStream(
            receive,
            send,
            Unframer(known, server.max_message, server.max_request),
            on_reset=self._cancel,
            watch=server.watch,
            held=server.memory.call(self._peer),
            message_seconds=server.message_seconds,
        )
        self._expired = False

    async def answer(self, route: Route | None, content_type: bytes) -> None:
        """Run the handler and send the status. A caller that went away gets none."""
        handler = route[1] if route else None
        context = self._context(handler, content_type)
        timer = None
        try:
            metadata, timeout = read_metadata(self._headers), find(self._headers, b"grpc-timeout")
            context.accept(metadata)
            if timeout is not None:
                loop = asyncio.get_running_loop()
                context.deadline = loop.time() + read_timeout(timeout)
                timer = loop.call_at(context.deadline + _LAST_WORDS_SECONDS, self._expire)
            await self._run(route, context)
        except BadHeader as error:
            context.refuse(Internal(f"the call's headers can't be read: {error}", reason="HEADER_MALFORMED"))
        finally:
            if timer is not None:
                timer.cancel()
        await self._end(context)

    async def _run(self, route: Route | None, context: Context) -> None:
        try:
            if self._may_run(route, context) and route is not None:
                self._stream.listen()
                await route[0](context)
        except grpc.aio.AbortError:
            pass
        except asyncio.CancelledError as cancelled:
            self._task.uncancel()
            self._blame_cancellation(context, cancelled)
        except (Reset, ConnectionError):
            self._stream.reset = True
        except WrongCount:
            context.refuse(not_one_request())
        except BadFrame as error:
            context.refuse(_malformed(error))
        except RowgateError as error:
            context.refuse(error)
        except Exception:
            _logger.exception("a handler failed")
            context.refuse(OutcomeUnknown("the handler failed", reason="HANDLER_FAILED"))

    def _may_run(self, route: Route | None, context: Context) -> bool:
        refusal = self._refusal(route)
        if refusal is not None:
            context.refuse(refusal)
        return refusal is None

    def _refusal(self, route: Route | None) -> RowgateError | None:
        """Return why the call isn't begun; None where it may be."""
        most = self._server.max_metadata
        if self._misdirected:
            return misdirected()
        if self._server.closed:
            return shutting_down()
        if self._header_bytes > most:
            return ResourceExhausted(
                f"the metadata is larger than the limit of {most} bytes",
                reason="METADATA_TOO_LARGE",
                metadata={"limit_bytes": str(most)},
            )
        if route is None:
            return unknown_method()
        if self._encoding is not None and self._encoding not in ENCODINGS:
            return Unimplemented(
                "grpc-encoding is not one of grpc-accept-encoding", reason="UNKNOWN_ENCODING"
            )
        return None

    def _blame_cancellation(self, context: Context, cancelled: asyncio.CancelledError) -> None:
        if self._expired:
            context.refuse(out_of_time())
        elif not self._stream.reset:
            context.refuse(broken_off(cancelled))

    async def _end(self, context: Context) -> None:
        self._stream.close()
        try:
            if not self._stream.reset:
                with suppress(Reset):
                    await context.finish()
        finally:
            context.end()

    def _cancel(self) -> None:
        self._task.cancel()

    def _expire(self) -> None:
        """End a call whose handler has no clock of its own; those that have one have a moment to say so."""
        self._expired = True
        self._task.cancel()

    def _context(self, handler: Any, content_type: bytes) -> Context:
        accepted = (find(self._headers, b"grpc-accept-encoding") or b"").decode("latin-1")
        return Context(
            self._stream,
            peer=self._peer,
            request_seconds=self._server.request_seconds,
            content_type=content_type,
            accepted=frozenset(name.strip() for name in accepted.split(",")),
            deserialize=handler.request_deserializer if handler else None,
            serialize=handler.response_serializer if handler else None,
        )


def _malformed(error: BadFrame) -> RowgateError:
    if error.limit is not None:
        return ResourceExhausted(
            f"the request has more bytes than the limit of {error.limit}",
            reason="REQUEST_TOO_LARGE",
            metadata={"limit_bytes": str(error.limit)},
        )
    return Internal(f"the request can't be read: {error}", reason="REQUEST_MALFORMED")
