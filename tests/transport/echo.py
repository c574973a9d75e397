"""A gRPC service of the four call kinds as an ASGI application, for Envoy to host."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from gateway.transport.asgi import AsgiServer

LIMIT = 1_000_000


async def unary(request: bytes, context: Any) -> bytes:
    """Answer with the request; sends the caller's metadata back, and does what the request says."""
    if request == b"large":
        context.set_compression(grpc.Compression.Gzip)
    sent = [(key, value) for key, value in context.invocation_metadata() if key.startswith("echo-")]
    await context.send_initial_metadata(sent)
    context.set_trailing_metadata(sent)
    if request == b"fail":
        await context.abort(grpc.StatusCode.DATA_LOSS, "gone: ümlaut\n%", sent)
    if request == b"raise":
        raise ValueError("not for callers")
    if request == b"remaining":
        return str(context.time_remaining()).encode()
    if request == b"large":
        return bytes(LIMIT)
    return request


async def streaming_in(requests: AsyncIterator[bytes], _context: Any) -> bytes:
    """Answer with the sum of the requests' sizes."""
    return str(sum([len(request) async for request in requests])).encode()


async def streaming_out(request: bytes, _context: Any) -> AsyncIterator[bytes]:
    """Answer so many times, or for ever."""
    number = 0
    while number != int(request):
        yield b"%d" % number
        number += 1
        await asyncio.sleep(0)


async def streaming_both(requests: AsyncIterator[bytes], _context: Any) -> AsyncIterator[bytes]:
    """Answer each request with itself."""
    async for request in requests:
        yield request


class Watching:
    """Counts the calls that wait, and those that were cancelled."""

    def __init__(self) -> None:
        self.waiting = 0
        self.cancelled = 0

    async def wait(self, _request: bytes, _context: Any) -> bytes:
        """Wait for ever."""
        self.waiting += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.waiting -= 1
        return b""

    async def count(self, _request: bytes, _context: Any) -> bytes:
        """Answer with both numbers."""
        return f"{self.waiting} {self.cancelled}".encode()


def _server() -> AsgiServer:
    watching = Watching()
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "In": grpc.stream_unary_rpc_method_handler(streaming_in),
        "Out": grpc.unary_stream_rpc_method_handler(streaming_out),
        "Both": grpc.stream_stream_rpc_method_handler(streaming_both),
        "Wait": grpc.unary_unary_rpc_method_handler(watching.wait),
        "Count": grpc.unary_unary_rpc_method_handler(watching.count),
    }
    server = AsgiServer(LIMIT, LIMIT)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("echo.Echo", handlers)])
    return server


_calls = _server()


async def application(
    scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Serve; there is nothing to start."""
    if scope["type"] != "lifespan":
        await _calls(scope, receive, send)
        return
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})
