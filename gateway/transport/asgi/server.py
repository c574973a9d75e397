"""The ASGI application: routes calls to mounted handlers and ends each with a status."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio

from gateway.errors import RowgateError
from gateway.errors.status import to_status
from gateway.transport.asgi.calls import WrongCount
from gateway.transport.asgi.context import Context
from gateway.transport.asgi.framing import ENCODINGS, BadFrame, Unframer
from gateway.transport.asgi.headers import (
    BadHeader,
    Header,
    find,
    peer_name,
    read_metadata,
    read_timeout,
    size_of,
)
from gateway.transport.asgi.plain import Answer, PlainMethod, Running, running_task
from gateway.transport.asgi.refuse import refuse
from gateway.transport.asgi.routes import Route, Routes
from gateway.transport.asgi.stream import HttpStream, Receive, Reset, Send
from gateway.transport.asgi.watch import ResetWatch

_logger = logging.getLogger(__name__)
_GRPC_JSON = b"application/grpc+json"
_GRPC = frozenset({b"application/grpc", b"application/grpc+proto", _GRPC_JSON})


class AsgiServer:
    """An ASGI application with what grpc.aio.Server offers to whoever mounts servicers and stops it.

    Args:
        max_message: the most bytes of one request message.
        max_metadata: the most bytes of one call's headers; the host has to let more pass for it to be said.
        watch: notices callers that go away.

    """

    def __init__(self, max_message: int, max_metadata: int, watch: ResetWatch | None = None) -> None:
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
        if plain is None or size_of(scope["headers"]) > self._max_metadata:
            return self._general(scope, receive, send)
        return plain(scope, receive, send)

    async def _general(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        headers: Sequence[Header] = scope["headers"]
        content_type = (find(headers, b"content-type") or b"").partition(b";")[0].rstrip()
        if scope["method"] != "POST" or content_type not in _GRPC:
            await refuse(headers, send)
            return
        routes = self._json if content_type == _GRPC_JSON else self._routes
        route = routes.find(scope["path"])
        task = running_task()
        self._running[task] = task.cancel
        try:
            await _Call(self, scope, receive, send, task).answer(route, content_type)
        finally:
            del self._running[task]

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
        self._headers: Sequence[Header] = scope["headers"]
        self._client = scope.get("client")
        self._task = task
        encoding = find(self._headers, b"grpc-encoding")
        self._encoding = encoding.decode("latin-1") if encoding not in (None, b"identity") else None
        known = self._encoding if self._encoding in ENCODINGS else None
        self._stream = HttpStream(
            receive, send, Unframer(known, server.max_message), on_reset=self._cancel, watch=server.watch
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
                timer = loop.call_at(context.deadline, self._expire)
            await self._run(route, context)
        except BadHeader as error:
            context.fail(grpc.StatusCode.INTERNAL, str(error))
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
        except asyncio.CancelledError:
            self._task.uncancel()
            self._blame_cancellation(context)
        except (Reset, ConnectionError):
            self._stream.reset = True
        except WrongCount:
            context.fail(grpc.StatusCode.UNIMPLEMENTED, "exactly one request message is expected")
        except BadFrame as error:
            code = grpc.StatusCode.RESOURCE_EXHAUSTED if error.too_large else grpc.StatusCode.INTERNAL
            context.fail(code, str(error))
        except RowgateError as error:
            context.refuse(to_status(error))
        except Exception:
            _logger.exception("a handler failed")
            context.fail(grpc.StatusCode.UNKNOWN, "the handler failed")

    def _may_run(self, route: Route | None, context: Context) -> bool:
        if self._server.closed:
            context.fail(grpc.StatusCode.UNAVAILABLE, "the server is shutting down")
        elif size_of(self._headers) > self._server.max_metadata:
            limit = f"the metadata is larger than the limit of {self._server.max_metadata} bytes"
            context.fail(grpc.StatusCode.RESOURCE_EXHAUSTED, limit)
        elif route is None:
            context.fail(grpc.StatusCode.UNIMPLEMENTED, "unknown method")
        elif self._encoding is not None and self._encoding not in ENCODINGS:
            context.fail(grpc.StatusCode.UNIMPLEMENTED, "grpc-encoding is not one of grpc-accept-encoding")
        else:
            return True
        return False

    def _blame_cancellation(self, context: Context) -> None:
        if self._expired:
            context.fail(grpc.StatusCode.DEADLINE_EXCEEDED, "the call's time is up")
        elif not self._stream.reset:
            context.fail(grpc.StatusCode.UNAVAILABLE, "the server is shutting down")

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
        self._expired = True
        self._task.cancel()

    def _context(self, handler: Any, content_type: bytes) -> Context:
        accepted = (find(self._headers, b"grpc-accept-encoding") or b"").decode("latin-1")
        return Context(
            self._stream,
            peer=peer_name(self._client),
            content_type=content_type,
            accepted=frozenset(name.strip() for name in accepted.split(",")),
            deserialize=handler.request_deserializer if handler else None,
            serialize=handler.response_serializer if handler else None,
        )
