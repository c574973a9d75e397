"""Mounts a peer's methods, and runs its server until SIGTERM."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc

from bench.datasets import Dataset

_LIMIT = 64 * 1024 * 1024
Behaviour = Callable[[Any, Any], Awaitable[Any]]


def handler(dataset: Dataset, behaviours: Mapping[str, Behaviour]) -> grpc.GenericRpcHandler:
    """Return methods of a table's service, by their verbs, as generated code would mount them."""
    methods = {}
    for verb, behaviour in behaviours.items():
        name = dataset.rpc(verb)
        answer = dataset.resource if verb in ("Get", "Update") else f"{name}Response"
        methods[name] = grpc.unary_unary_rpc_method_handler(
            behaviour,
            request_deserializer=dataset.message(f"{name}Request").FromString,
            response_serializer=dataset.message(answer).SerializeToString,
        )
    return grpc.method_handlers_generic_handler(dataset.service, methods)


async def serve(handlers: Sequence[grpc.GenericRpcHandler], address: str) -> None:
    """Serve on `address`."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", _LIMIT)])
    server.add_generic_rpc_handlers(handlers)
    server.add_insecure_port(address)
    await server.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await server.stop(1)
