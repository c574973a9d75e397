"""What a gateway shows on any transport: its methods, health and reflection, and how they end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_health.v1 import health_pb2

from gateway.config.address import Address
from gateway.config.settings import LimitSettings, ServerSettings, Settings
from gateway.observe.facts import Observer
from gateway.request.bulkheads import Operation
from gateway.schema.shapes import Streams
from gateway.transport.calls import BoundMethods, UnknownMethods
from gateway.transport.dispatch import Dispatcher, Services
from gateway.transport.exchange import Exchange, Reply
from gateway.transport.health import SERVICE_NAME as HEALTH
from gateway.transport.health import Health
from gateway.transport.interceptors import Interceptors
from gateway.transport.json_methods import JsonMethods
from gateway.transport.open_streams import OpenStreams
from gateway.transport.probe import DatabaseWatch, Probe
from gateway.transport.processor import Processor
from gateway.transport.reflection import Reflection

_logger = logging.getLogger(__name__)


async def _always() -> None:
    """Stand for a database that is never away."""


class Face:
    """The handlers that a transport mounts, and their life.

    Args:
        services: the bound methods by service.
        descriptors: the files that declare them, for reflection.
        server: deadlines, shutdown.
        limits: what is taken at once.
        observers: told of each call when it has ended.
        probe: asks the database whether it answers, for health.

    """

    def __init__(
        self,
        services: Services,
        descriptors: FileDescriptorSet,
        server: ServerSettings,
        limits: LimitSettings,
        *,
        observers: Sequence[Observer] = (),
        probe: Probe = _always,
    ) -> None:
        self._settings = server
        operations = {m.path: Operation.of(m) for methods in services.values() for m, _ in methods}
        interceptors = Interceptors.of(server, limits, operations)
        self._admission = interceptors.admission
        self._processor = interceptors.processor
        self._dispatcher = Dispatcher(services, limits, server.stream_patience, interceptors, observers)
        self._bound = BoundMethods(self._dispatcher)
        self._methods = {
            method.path: method.descriptor for methods in services.values() for method, _ in methods
        }
        self._streams = OpenStreams(limits.max_in_flight)
        self._health = Health(services, self._streams)
        self._watch = DatabaseWatch(probe, self._health.set_serving, server.probe_interval)
        self._descriptors = descriptors
        self._hurried = asyncio.Event()

    def handlers(self) -> Sequence[grpc.GenericRpcHandler]:
        """Return what a server mounts."""
        handlers: list[grpc.GenericRpcHandler] = [self._bound, self._health.handlers()]
        if self._settings.reflection:
            health = FileDescriptorProto()
            health_pb2.DESCRIPTOR.CopyToProto(health)
            names = [*self._dispatcher.service_names, HEALTH]
            handlers += Reflection(names, [*self._descriptors.file, health], self._streams).handlers()
        return [*handlers, UnknownMethods()]

    def json_handlers(self) -> Sequence[grpc.GenericRpcHandler]:
        """Return what a server mounts for callers whose messages are JSON."""
        return [JsonMethods(self.handlers(), {**self._methods, **_health_methods()})]

    def answers(self) -> Mapping[str, Callable[[Exchange], Awaitable[Reply]]]:
        """Return what answers each unary method, by path, for a server that knows exchanges."""
        streams = self._dispatcher.streams.items()
        return {path: partial(self._dispatcher, path) for path, side in streams if side is Streams.NEITHER}

    @property
    def dispatcher(self) -> Dispatcher:
        """What answers the methods."""
        return self._dispatcher

    @property
    def processor(self) -> Processor:
        """What the calls share the event loop by."""
        return self._processor

    def open(self) -> None:
        """Become SERVING, as long as the database answers."""
        self._watch.start()

    async def drain(self, grace: float | None = None, refusing: Callable[[], None] = lambda: None) -> None:
        """Become NOT_SERVING, and wait for the calls under way.

        Args:
            grace: seconds to wait for them; the `drain` setting by default.
            refusing: called when further calls are refused.

        """
        self._health.drain()
        await self._wait(asyncio.Event().wait(), self._settings.lame_duck)
        self._admission.close()
        refusing()
        await self._wait(self._admission.idle(), self._settings.drain if grace is None else grace)
        if self._admission.in_flight:
            _logger.warning("calls are cut off", extra={"calls": self._admission.in_flight})
        await self._watch.stop()
        self._health.end()

    async def break_off(self) -> None:
        """Have the calls that a server of grpc.aio still has answer why it ends them."""
        await self._bound.break_off()

    def hurry(self) -> None:
        """Let `drain`, under way or to come, wait for nothing."""
        self._hurried.set()

    async def _wait(self, wanted: Coroutine[Any, Any, object], seconds: float) -> None:
        """Wait for `wanted`, for at most so long, unless hurried."""
        tasks = [asyncio.ensure_future(wanted), asyncio.ensure_future(self._hurried.wait())]
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _health_methods() -> Mapping[str, MethodDescriptor]:
    service = health_pb2.DESCRIPTOR.services_by_name["Health"]
    return {f"/{service.full_name}/{method.name}": method for method in service.methods}


class Host(Protocol):
    """What listens, and carries calls to a face. `stop` before `start`, and twice, is safe."""

    @property
    def addresses(self) -> Sequence[Address]:
        """Where it listens, with the ports it was given."""

    async def start(self) -> int:
        """Listen; return the first address's port (0 for a Unix socket). Raises OSError."""

    async def stop(self, grace: float | None = None) -> None:
        """Drain the face for at most `grace` seconds, then close."""

    def hurry(self) -> None:
        """Let `stop`, under way or to come, wait for nothing."""


Hosting = Callable[[Face, Settings], Host]
"""Makes the host of a face."""


class PrivateHosting(Protocol):
    """Makes the host of a face, which may listen at one more address than the settings name."""

    def __call__(self, face: Face, settings: Settings, private: Address | None = None) -> Host:
        """Return the host; at `private`, a Unix socket of whoever runs this process, it needs no TLS."""
