"""A worker: serves what its supervisor assigns, and stops at its word or at its end."""

import asyncio
import contextlib
import logging
import os
import shutil
import socket
import threading
from pathlib import Path

import click
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.app import Gateway
from gateway.cli.failures import reported
from gateway.cli.runtime import loop_factory, spare_what_stays
from gateway.cli.workers.control_messages import (
    CHANNEL_VARIABLE,
    HEALTH_SOCKET,
    Ask,
    Assignment,
    Channel,
    Ended,
    Failed,
    ForceStop,
    Message,
    Ready,
    Retire,
    SendAway,
    Stop,
    Stopped,
    Told,
)
from gateway.cli.workers.handoff import SOCKETS_VARIABLE, Load, Taker
from gateway.config.address import Address
from gateway.config.settings import Settings
from gateway.observe.log import configure_logging
from gateway.observe.metrics.figures import Figures
from gateway.transport.http_server import HttpServer
from gateway.transport.served_api import ServedApi
from gateway.transport.server import ServerFactory, WorkerServer

_logger = logging.getLogger(__name__)
_ORPHAN_SECONDS = 15.0
_LEAVING_SECONDS = 0.05


class Worker:
    """One gateway in this process.

    Args:
        channel: to the supervisor.

    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._retiring = False
        self._drain_seconds = 0.0
        self._forced = asyncio.Event()
        self._starting: asyncio.Task[Gateway] | None = None
        self._gateway: Gateway | None = None
        self._server: WorkerServer | None = None
        self._telling: set[asyncio.Future[None]] = set()
        self._folder = Path.cwd()

    async def start(self, make_server: ServerFactory) -> bool:
        """Serve what is assigned; return False where that failed, which the supervisor is told."""
        assignment = await asyncio.to_thread(self._channel.receive)
        if not isinstance(assignment, Assignment):
            os._exit(1)  # the supervisor is gone
        os.chdir(assignment.folder)
        self._drain_seconds = assignment.settings.server.drain_timeout
        configure_logging(assignment.settings.log.level, assignment.settings.log.format)
        schema = FileDescriptorSet.FromString(assignment.descriptors)
        self._starting = asyncio.ensure_future(Gateway.start(schema, assignment.settings, make_server))
        self._channel.listen(self._heard)
        failed = await self._failure(self._starting)
        if failed is not None:
            await asyncio.to_thread(self._channel.send, failed)
            return False
        self._gateway = self._starting.result()
        spare_what_stays(assignment.settings.server.transport)
        return True

    async def serve(self, server: WorkerServer) -> None:
        """Say that it serves the connections that the supervisor hands over; return when it has stopped."""
        if self._gateway is None:
            raise RuntimeError("not started")
        self._server = server
        services = tuple(sorted(self._gateway.schema.services))
        await asyncio.to_thread(self._channel.send, Ready(services))
        await self._stopping.wait()
        if self._retiring:
            await self._leave(server)
            server.stop_taking()
        await self._gateway.stop()
        await asyncio.to_thread(self._channel.send, Stopped(await self._figures()))

    async def _figures(self) -> Figures:
        source = None if self._gateway is None else self._gateway.source
        return {} if source is None else await source.figures()

    async def _tell(self, asked: Ask) -> None:
        """Answer the supervisor's question."""
        await asyncio.to_thread(self._channel.send, await self._answer(asked))

    async def _answer(self, asked: Ask) -> Told:
        source = None if self._gateway is None else self._gateway.source
        if source is None:
            return Told(asked.number)
        match asked.what:
            case "figures":
                return Told(asked.number, figures=await source.figures())
            case "calls":
                return Told(asked.number, calls=(await source.calls()).calls)
            case "plan":
                return Told(asked.number, plan=await source.plan(asked.statement))

    def close(self) -> None:
        """Have `serve` stop at once, if it hasn't."""
        self._force_stop()
        self._stopping.set()

    async def _leave(self, server: WorkerServer) -> None:
        """Wait until all clients have left, no longer than a drain may take; answer them meanwhile."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain_seconds):
                while server.connections and not self._forced.is_set():
                    server.send_away()  # those too that were on their way here
                    await asyncio.sleep(_LEAVING_SECONDS)
        self._force_stop()

    def _force_stop(self) -> None:
        self._forced.set()
        if self._gateway is not None:
            self._gateway.force_stop()

    async def _failure(self, starting: "asyncio.Task[Gateway]") -> Failed | None:
        try:
            with reported():
                await starting
        except click.ClickException as error:
            return Failed(error.message, error.exit_code)
        except asyncio.CancelledError:
            return Failed("stopped by a signal before it was ready", 1)
        except Exception:
            _logger.exception("the start failed")
            return Failed("the start failed: the log says why", 1)
        return None

    def _heard(self, message: Message) -> None:
        self._loop.call_soon_threadsafe(self._do, message)
        if isinstance(message, Ended):
            # Nobody is left to end a worker that hangs.
            threading.Event().wait(_ORPHAN_SECONDS)
            os._exit(1)

    def _do(self, message: Message) -> None:
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
        match message:
            case SendAway(connections, weight):
                if self._server is not None:
                    self._server.send_away(connections, weight)
            case Ask():
                telling = asyncio.ensure_future(self._tell(message))
                self._telling.add(telling)
                telling.add_done_callback(self._telling.discard)
            case ForceStop():
                self._force_stop()
            case Stop():
                self._stopping.set()
            case Retire():
                self._retiring = True
                self._stopping.set()
            case Ended():
                # The supervisor's to remove, as long as there is one.
                shutil.rmtree(self._folder, ignore_errors=True)
                self.close()


async def _serve() -> None:
    """Serve the connections that the supervisor hands over."""
    made: list[WorkerServer] = []

    def make_server(api: ServedApi, settings: Settings) -> WorkerServer:
        made.append(HttpServer(api, settings, private=Address(str(health), None)))
        return made[0]

    health = Path.cwd() / HEALTH_SOCKET
    channel, sockets = (int(os.environ.pop(name)) for name in (CHANNEL_VARIABLE, SOCKETS_VARIABLE))
    pair = socket.socket(fileno=sockets)
    worker = Worker(Channel(channel))
    if await worker.start(make_server):
        (server,) = made
        taker = Taker(pair, lambda one: server.take(*one), lambda: Load(server.connections, server.calls))
        server.stop_taking = taker.close  # what is on its way goes to another
        await worker.serve(server)


def main() -> None:
    """Run a worker that serves what its supervisor accepts."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve())


if __name__ == "__main__":
    main()
