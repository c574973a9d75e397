"""Servicers of a test's own on either transport, with around each call what a gateway has around its own.

Envoy loads this module; what it is to mount is in its environment.
"""

import asyncio
import importlib
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.config.load import settings_of
from gateway.config.settings import LimitSettings, ServerSettings, Settings
from gateway.errors import RowgateError
from gateway.errors.status import to_status
from gateway.observe.facts import CallFacts
from gateway.transport.asgi.host import AsgiHost
from gateway.transport.envoy.admin import is_accepting
from gateway.transport.envoy.bootstrap import Hosting
from gateway.transport.envoy.command import command, files
from gateway.transport.envoy.installed import find_installed
from gateway.transport.envoy.sockets import HeldAddresses
from gateway.transport.exchange import Exchange
from gateway.transport.face import Face
from gateway.transport.interceptors import Interceptors
from gateway.transport.server import GrpcServer

_VARIABLE = "ROWGATE_TEST_MOUNTED"
_ADMIN = "admin.sock"
_SECONDS = 30
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class Guarded(grpc.GenericRpcHandler):
    """Handlers with a gateway's interceptors around each call, whatever its kind."""

    def __init__(self, handlers: grpc.GenericRpcHandler, interceptors: Interceptors) -> None:
        self._handlers = handlers
        self._interceptors = interceptors

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Return the guarded handler; None for another's method."""
        handler: Any = self._handlers.service(handler_call_details)
        return handler and self._guard(handler_call_details.method, handler)

    def _guard(self, path: str, handler: Any) -> Any:
        kind = f"{_stream(handler.request_streaming)}_{_stream(handler.response_streaming)}"
        make = getattr(grpc, f"{kind}_rpc_method_handler")
        behaviour = self._guarded(path, getattr(handler, kind))
        return make(behaviour, handler.request_deserializer, handler.response_serializer)

    def _guarded(self, path: str, behaviour: Any) -> Any:
        async def guarded(request: Any, context: Any) -> Any:
            facts = CallFacts(path.removeprefix("/"), "", peer=context.peer(), request_bytes=0)
            exchange = Exchange(b"", facts, monotonic(), context.time_remaining())
            around = self._interceptors
            try:
                with around.admission, around.deadlines.around(exchange):
                    return await behaviour(request, context)
            except RowgateError as error:
                status = to_status(error)
                await context.abort(_CODES[status.code], status.message)

        return guarded


def _stream(streaming: bool) -> str:  # noqa: FBT001 - grpc's own flag
    return "stream" if streaming else "unary"


class MountedFace(Face):
    """A face that shows servicers beside health and reflection.

    Args:
        handlers: the servicers' own.
        server: deadlines, shutdown.
        limits: what is taken at once.

    """

    def __init__(
        self, handlers: grpc.GenericRpcHandler, server: ServerSettings, limits: LimitSettings
    ) -> None:
        super().__init__({}, FileDescriptorSet(), server, limits)
        self._guarded = Guarded(handlers, Interceptors.of(server, limits))

    def handlers(self) -> Sequence[grpc.GenericRpcHandler]:
        """Return what a server mounts."""
        return [self._guarded, *super().handlers()]


def face_of(name: str, settings: Settings) -> MountedFace:
    """Return a face with the handlers that `module:function` returns."""
    module, _, function = name.partition(":")
    handlers = getattr(importlib.import_module(module), function)()
    return MountedFace(handlers, settings.server, settings.limits)


@asynccontextmanager
async def mounted(name: str, transport: str, **values: Any) -> AsyncIterator[int]:
    """Serve what `module:function` returns; give the port.

    Args:
        name: a function of no arguments that returns a grpc.GenericRpcHandler.
        transport: grpcio, which serves in this process, or envoy.
        values: settings by their flat names.

    """
    values = {"listen": "127.0.0.1:0", "log_format": "json", **values}
    serve = _in_envoy if transport == "envoy" else _here
    async with serve(name, values) as port:
        yield port


@asynccontextmanager
async def _here(name: str, values: Mapping[str, Any]) -> AsyncIterator[int]:
    settings = settings_of(**values)
    server = GrpcServer(face_of(name, settings), settings)
    yield await server.start()
    await server.stop(1)


@asynccontextmanager
async def _in_envoy(name: str, values: Mapping[str, Any]) -> AsyncIterator[int]:
    installed, settings = find_installed(), settings_of(**values)
    variables = {**installed.environment, _VARIABLE: json.dumps([name, values], default=str)}
    with closing(HeldAddresses(settings.server.listen)) as held, TemporaryDirectory() as folder:
        hosting = Hosting(f"{__name__}:application", installed.module, _ADMIN, held.numeric)
        lay_files(Path(folder), hosting, settings)
        process = await asyncio.create_subprocess_exec(
            *command(installed, settings.log), cwd=folder, env={**os.environ, **variables}
        )
        async with asyncio.timeout(_SECONDS):
            while not await is_accepting(Path(folder, _ADMIN)):  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(0.01)
        yield held.numeric[0].port or 0
        process.terminate()
        await process.wait()


def lay_files(folder: Path, hosting: Hosting, settings: Settings) -> None:
    """Write what Envoy finds in its working folder."""
    for name, text in files(hosting, settings).items():
        (folder / name).write_text(text)


class _Application:
    """What Envoy hosts: the face's life as the ASGI lifespan, its calls as ASGI requests."""

    def __init__(self) -> None:
        self._host: AsgiHost | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or live."""
        if scope["type"] != "lifespan":
            assert self._host is not None
            await self._host.application(scope, receive, send)
            return
        await receive()
        name, values = json.loads(os.environ[_VARIABLE])
        settings = settings_of(**values)
        self._host = AsgiHost(face_of(name, settings), settings)
        await self._host.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._host.stop(1)
        await send({"type": "lifespan.shutdown.complete"})


application = _Application()
