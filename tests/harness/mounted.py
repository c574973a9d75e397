"""What tests serve on any transport themselves: methods as a gateway bounds its own, or beside one.

A module says what, by its coroutine `start(settings, make_server)`, which returns what can be stopped. The
server is this process, or one of its own that loads this module and finds in its environment what to start.
"""

import asyncio
import importlib
import json
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import IO, Any, Protocol

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_health.v1 import health_pb2

from gateway.cli.runtime import loop_factory, spare_what_stays
from gateway.cli.servers import SERVERS
from gateway.config.load import settings_of
from gateway.config.settings import Settings
from gateway.errors import RowgateError
from gateway.errors.status import to_status
from gateway.transport.exchange import Exchange, Reply
from gateway.transport.limits.admission import Admission
from gateway.transport.limits.deadlines import Deadlines
from gateway.transport.served_api import ServedApi
from gateway.transport.served_method import ServedMethod
from gateway.transport.server import Server, ServerFactory

_VARIABLE = "ROWGATE_TEST_MOUNTED"
_SECONDS = 120


def guarded(method: ServedMethod, admission: Admission, deadlines: Deadlines) -> ServedMethod:
    """Return a method each of whose calls has a place and a deadline, as a gateway's own."""

    async def answer(exchange: Exchange) -> Reply:
        try:
            with admission.admitted(exchange), deadlines.around(exchange):
                if exchange.read is not None:
                    await exchange.receive()
                return await method.answer(exchange)
        except RowgateError as error:
            return Reply(status=to_status(error))

    return replace(method, answer=answer)


class Extended:
    """An API with further methods.

    Args:
        api: does all else.
        methods: answered beside its own; those that aren't guarded read their requests themselves.

    """

    def __init__(self, api: ServedApi, methods: Iterable[ServedMethod]) -> None:
        self._api = api
        self._methods = {**api.served_methods(), **{method.path: method for method in methods}}

    def served_methods(self) -> Mapping[str, ServedMethod]:
        """Return the methods, by path."""
        return self._methods

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)


def unary(path: str, answer: Callable[[], bytes]) -> ServedMethod:
    """Return a method of the tests' own, which answers bytes that no message declares."""

    async def reply(_exchange: Exchange) -> Reply:
        return Reply(answer())

    check = health_pb2.DESCRIPTOR.services_by_name["Health"].methods_by_name["Check"]
    return ServedMethod(path, check, reply)


class Stoppable(Protocol):
    """What was started."""

    async def stop(self, grace: float | None = None) -> None:
        """Drain for so many seconds, then close."""


async def start_methods(
    methods: Iterable[ServedMethod], settings: Settings, make_server: ServerFactory
) -> Server:
    """Serve methods with places and deadlines, beside health and reflection."""
    admission, deadlines = Admission(settings.limits.max_in_flight), Deadlines.of(settings.server)
    own = ServedApi({}, FileDescriptorSet(), settings.server, settings.limits, authorization=None)
    api: Any = Extended(own, [guarded(method, admission, deadlines) for method in methods])
    server = make_server(api, settings)
    await server.start()
    return server


@dataclass(frozen=True, slots=True)
class Mounted:
    """A server that answers.

    Args:
        port: where it listens, on 127.0.0.1.
        pid: its process.

    """

    port: int
    pid: int


@asynccontextmanager
async def mounted(
    module: str, transport: str, *, apart: bool = False, log: IO[bytes] | None = None, **values: Any
) -> AsyncIterator[Mounted]:
    """Serve what a module starts.

    Args:
        module: its name.
        transport: one of TRANSPORTS.
        apart: whether it serves in a process of its own.
        log: where the server's own process logs; with this one by default.
        values: settings by their flat names.

    """
    values = {"listen": "127.0.0.1:0", "log_format": "json", **values}
    serving = _apart(module, transport, values, log) if apart else _here(module, transport, values)
    async with serving as server:
        yield server


@asynccontextmanager
async def _here(module: str, transport: str, values: Mapping[str, Any]) -> AsyncIterator[Mounted]:
    async with _started(module, transport, values) as port:
        yield Mounted(port, os.getpid())


@asynccontextmanager
async def _started(module: str, transport: str, values: Mapping[str, Any]) -> AsyncIterator[int]:
    servers: list[Server] = []

    def make_server(api: ServedApi, settings: Settings) -> Server:
        servers.append(SERVERS[transport](api, settings))
        return servers[-1]

    running = await _start(module, values, make_server)
    yield servers[0].addresses[0].port or 0
    await running.stop(1)


async def _start(module: str, values: Mapping[str, Any], make_server: ServerFactory) -> Stoppable:
    running: Stoppable = await importlib.import_module(module).start(settings_of(**values), make_server)
    return running


@asynccontextmanager
async def _apart(
    module: str, transport: str, values: Mapping[str, Any], log: IO[bytes] | None
) -> AsyncIterator[Mounted]:
    command_line = (sys.executable, "-m", __name__, transport)
    async with _process(command_line, {_VARIABLE: _told(module, values)}, stdout=PIPE, stderr=log) as process:
        assert process.stdout is not None
        async with asyncio.timeout(_SECONDS):
            port = int(await process.stdout.readline())
        yield Mounted(port, process.pid)


@asynccontextmanager
async def _process(
    command_line: Sequence[str], variables: Mapping[str, str], **options: Any
) -> AsyncIterator[Process]:
    # Whoever kills this process ends its server too.
    tied = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
    process = await create_subprocess_exec(*tied, *command_line, env={**os.environ, **variables}, **options)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _told(module: str, values: Mapping[str, Any]) -> str:
    return json.dumps([module, values], default=str)


async def _serve(transport: str) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    module, values = json.loads(os.environ[_VARIABLE])
    async with _started(module, transport, values) as port:
        spare_what_stays(transport)  # as `serve` does: a collection of all that it has loaded takes 70 ms
        print(port, flush=True)  # noqa: T201 - what whoever started it waits for
        await stopped.wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(*sys.argv[1:]))
