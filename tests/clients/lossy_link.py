"""A link between a client and a gateway that restarts once and loses the first call of some methods."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import grpc
import grpc.aio

from tests.harness.sample import free_port

LOST = {"GetAirline": 0, "StreamFlights": 1, "IngestFlights": 2}
"""After how many messages of its response the first call of a method is lost."""


class LossyLink(grpc.GenericRpcHandler):
    """Passes calls of gRPC on as they are, but for the lost ones.

    Args:
        gateway: where to.

    """

    def __init__(self, gateway: grpc.aio.Channel) -> None:
        self._gateway = gateway
        self.calls = Counter[str]()
        self.whole = Counter[str]()
        self.without_deadline = Counter[str]()

    def service(self, handler_call_details: Any) -> Any:
        """Handle any method: on the wire a unary call is a stream of one message."""
        return grpc.stream_stream_rpc_method_handler(partial(self._pass_on, handler_call_details.method))

    async def _pass_on(self, method: str, requests: Any, context: Any) -> AsyncIterator[bytes]:
        name = method.rpartition("/")[2]
        self.calls[name] += 1
        self.without_deadline[name] += context.time_remaining() is None
        left = LOST.get(name) if self.calls[name] == 1 else None
        if left == 0:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        call = self._gateway.stream_stream(method)(requests, timeout=context.time_remaining())
        try:
            async for message in call:
                yield message
                if left is not None and (left := left - 1) == 0:
                    call.cancel()
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
            self.whole[name] += 1
        except grpc.aio.AioRpcError as error:
            context.set_trailing_metadata(error.trailing_metadata())
            await context.abort(error.code(), error.details())


@asynccontextmanager
async def lossy_link(target: str) -> AsyncIterator[tuple[LossyLink, str]]:
    """Serve a link to a gateway; give it, and where it listens once a first connection has failed."""
    async with grpc.aio.insecure_channel(target) as gateway:
        link, server = LossyLink(gateway), grpc.aio.server()
        server.add_generic_rpc_handlers((link,))
        address = f"127.0.0.1:{free_port()}"
        starting = asyncio.create_task(_start_late(server, address))
        try:
            yield link, address
        finally:
            starting.cancel()
            await server.stop(grace=None)


async def _start_late(server: grpc.aio.Server, address: str) -> None:
    """Start the server when a connection was closed, as a gateway's that restarts."""
    tried = asyncio.Event()

    def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        tried.set()

    host, _, port = address.partition(":")
    async with await asyncio.start_server(close, host, int(port)):
        await tried.wait()
    server.add_insecure_port(address)
    await server.start()
