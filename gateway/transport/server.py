"""The grpc.aio server: listens, mounts the bound methods, health and reflection, and stops gracefully."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

import grpc
import grpc.aio
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_health.v1 import health_pb2

from gateway.config.address import Address
from gateway.config.settings import LimitSettings, ServerSettings
from gateway.observe.facts import Observer
from gateway.transport.calls import BoundMethods
from gateway.transport.dispatch import Dispatcher, Services
from gateway.transport.health import SERVICE_NAME as HEALTH
from gateway.transport.health import Health
from gateway.transport.interceptors import Admission, standard_interceptors
from gateway.transport.options import channel_options, credentials
from gateway.transport.probe import DatabaseWatch, Probe
from gateway.transport.reflection import Reflection

_logger = logging.getLogger(__name__)
_LAST_BYTES_SECONDS = 0.5


async def _always() -> None:
    """Stand for a database that is never away."""


class GrpcServer:
    """Serves bound methods on sockets. `stop` before `start`, and twice, is safe.

    Args:
        services: the bound methods by service.
        descriptors: the files that declare them, for reflection.
        server: addresses, deadlines, shutdown.
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
        self._limits = limits
        self._admission = Admission(limits.max_in_flight)
        interceptors = standard_interceptors(self._admission, server)
        self._dispatcher = Dispatcher(services, limits, interceptors, observers)
        self._health = Health(services)
        self._watch = DatabaseWatch(probe, self._health.set_serving, server.probe_interval)
        self._descriptors = descriptors
        self._server: grpc.aio.Server | None = None
        self._hurried = asyncio.Event()
        self.addresses: Sequence[Address] = ()

    async def start(self) -> int:
        """Listen; return the first address's port (0 for a Unix socket).

        Raises OSError where an address can't be had or a TLS file can't be read.
        """
        handlers = list(self._handlers())
        server = grpc.aio.server(handlers=handlers, options=channel_options(self._settings, self._limits))
        tls = credentials(self._settings)
        self.addresses = [_listen(server, address, tls) for address in self._settings.listen]
        await server.start()
        self._server = server
        self._watch.start()
        return self.addresses[0].port or 0

    def _handlers(self) -> Sequence[grpc.GenericRpcHandler]:
        handlers: list[grpc.GenericRpcHandler] = [BoundMethods(self._dispatcher), self._health.handlers()]
        if self._settings.reflection:
            health = FileDescriptorProto()
            health_pb2.DESCRIPTOR.CopyToProto(health)
            names = [*self._dispatcher.service_names, HEALTH]
            handlers += Reflection(names, [*self._descriptors.file, health]).handlers()
        return handlers

    async def stop(self, grace: float | None = None) -> None:
        """Become NOT_SERVING, wait for the calls under way, then close.

        Args:
            grace: seconds to wait for them; the `drain` setting by default.

        """
        server, self._server = self._server, None
        if server is None:
            return
        self._health.drain()
        await self._wait(asyncio.Event().wait(), self._settings.lame_duck)
        self._admission.close()
        await self._wait(self._admission.idle(), self._settings.drain if grace is None else grace)
        if self._admission.in_flight:
            _logger.warning("calls are cut off", extra={"calls": self._admission.in_flight})
        await self._watch.stop()
        self._health.end()
        await server.stop(_LAST_BYTES_SECONDS)

    def hurry(self) -> None:
        """Let `stop`, under way or to come, wait for nothing."""
        self._hurried.set()

    async def _wait(self, wanted: Coroutine[Any, Any, object], seconds: float) -> None:
        """Wait for `wanted`, for at most so long, unless hurried."""
        tasks = [asyncio.ensure_future(wanted), asyncio.ensure_future(self._hurried.wait())]
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _listen(server: grpc.aio.Server, address: Address, tls: grpc.ServerCredentials | None) -> Address:
    try:
        if tls is None:
            port = server.add_insecure_port(str(address))
        else:
            port = server.add_secure_port(str(address), tls)
    except RuntimeError as error:
        raise OSError(
            f"can't listen on {address}: is the port taken, or the address not this machine's?"
        ) from error
    if tls is None and not address.is_local:
        _logger.warning("listening beyond this machine without TLS", extra={"address": str(address)})
    return address.at(port)
