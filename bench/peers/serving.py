"""Runs a peer's server until SIGTERM."""

import asyncio
import signal
from collections.abc import Callable

import grpc

_LIMIT = 64 * 1024 * 1024


async def serve(add: Callable[[grpc.aio.Server], None], address: str) -> None:
    """Serve on `address`; `add` registers the servicer."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", _LIMIT)])
    add(server)
    server.add_insecure_port(address)
    await server.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await server.stop(1)
