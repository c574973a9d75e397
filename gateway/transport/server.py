"""The grpc.aio server: listens, mounts the bound methods, health and reflection, and stops gracefully."""

import asyncio
import logging
from collections.abc import Sequence

import grpc.aio
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.config.settings import LimitSettings, ServerSettings
from gateway.observe.facts import Observer
from gateway.transport.calls import BoundMethods
from gateway.transport.dispatch import Dispatcher, Services
from gateway.transport.interceptors import Admission, standard_interceptors

_logger = logging.getLogger(__name__)


class GrpcServer:
    """Serves bound methods on a socket. `stop` before `start`, and twice, is safe."""

    def __init__(
        self,
        services: Services,
        descriptors: FileDescriptorSet,
        server: ServerSettings,
        limits: LimitSettings,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._settings = server
        self._limits = limits
        self._descriptors = descriptors
        self._admission = Admission(limits.max_in_flight)
        self._dispatcher = Dispatcher(
            services, limits, standard_interceptors(self._admission, server), observers
        )
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Listen; return the port. Raises OSError where the address can't be had."""
        self._server = grpc.aio.server(
            handlers=[BoundMethods(self._dispatcher)], options=_options(self._limits)
        )
        address = f"{self._settings.host}:{self._settings.port}"
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise OSError(f"can't listen on {address}") from error
        await self._server.start()
        return port

    async def stop(self, grace: float) -> None:
        """Refuse new calls, wait for those under way, for at most `grace` seconds, and stop."""
        if self._server is None:
            return
        server, self._server = self._server, None
        self._admission.close()
        try:
            await asyncio.wait_for(self._admission.idle(), grace)
        except TimeoutError:
            _logger.warning("%d calls are cut off after %s s", self._admission.in_flight, grace)
        await server.stop(0.5)


def _options(limits: LimitSettings) -> list[tuple[str, int]]:
    return [
        # Up to twice the limit is taken, so that our error can name the limit; past that grpc refuses.
        ("grpc.max_receive_message_length", min(2 * limits.max_request_bytes, 2**31 - 1)),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", limits.max_metadata_bytes),
        ("grpc.so_reuseport", 0),
    ]
