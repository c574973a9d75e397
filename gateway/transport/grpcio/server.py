"""The grpc.aio server: listens, mounts an API, and stops gracefully."""

import asyncio
import logging
from collections.abc import Sequence

import grpc
import grpc.aio

from gateway.config.address import Address
from gateway.config.settings import Settings
from gateway.transport.grpcio.handlers import BoundMethods, UnknownMethods
from gateway.transport.grpcio.options import channel_options, credentials
from gateway.transport.limits.grpcio_limits import bounded
from gateway.transport.listen_address import cannot_listen, warn_if_open
from gateway.transport.served_api import ServedApi

_logger = logging.getLogger(__name__)
_LAST_BYTES_SECONDS = 0.5
_FIRST_DELAY = 0.01
_MAX_DELAY = 1.0
_MAIN_LOOP = "_server_main_loop"


class GrpcServer:
    """Serves an API on sockets. `stop` before `start`, and twice, is safe.

    grpc.aio takes calls in a loop of its own, which ends with the first call whose path isn't UTF-8, while
    the process lives and calls under way go on. So that loop is watched: where it ends, another server takes
    its addresses.

    Args:
        api: what is served.
        settings: addresses, TLS, limits.

    """

    def __init__(self, api: ServedApi, settings: Settings) -> None:
        self._api = api
        self._settings = settings
        self._limits = bounded(settings.limits)
        self._methods = BoundMethods(api.served_methods(), self._limits.max_request_bytes)
        self._server: grpc.aio.Server | None = None
        self._broken: list[grpc.aio.Server] = []
        self._renewing: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._addresses: tuple[Address, ...] = ()

    @property
    def addresses(self) -> Sequence[Address]:
        """Where it listens, with the ports it was given."""
        return self._addresses

    @property
    def connections(self) -> None:
        """How many are open: grpc core doesn't tell."""
        return

    @property
    def certificate_expires_at(self) -> None:
        """When the server's certificate expires: its files are grpc core's."""
        return

    async def start(self) -> int:
        """Listen; return the first address's port (0 for a Unix socket).

        Raises OSError where an address can't be had or a TLS file can't be read.
        """
        self._server, self._addresses = await self._listen(self._settings.server.listen)
        if self._settings.server.tls_cert is None:
            for address in self._addresses:
                warn_if_open(address)
        self._api.open()
        return self.addresses[0].port or 0

    async def stop(self, grace: float | None = None) -> None:
        """Become NOT_SERVING, wait for the calls under way, then close.

        Args:
            grace: seconds to wait for them; the `drain_timeout` setting by default.

        """
        if self._server is None or self._stopping:
            return
        self._stopping = True
        await self._api.drain(grace)
        # Before grpc core does: it tells callers UNAVAILABLE, whatever they have written.
        await self._methods.break_off()
        server, self._server = self._server, None
        for task in self._renewing:
            task.cancel()
        await asyncio.gather(*(one.stop(_LAST_BYTES_SECONDS) for one in (*self._broken, server)))

    def force_stop(self) -> None:
        """Let `stop`, under way or to come, wait for nothing."""
        self._api.force_stop()

    async def _listen(self, listen: Sequence[Address]) -> tuple[grpc.aio.Server, tuple[Address, ...]]:
        """Return a server that has begun, and its addresses; raises OSError."""
        options = channel_options(self._settings.server, self._limits)
        server = grpc.aio.server(
            handlers=(self._methods, UnknownMethods(self._api.authorization)), options=options
        )
        tls = credentials(self._settings.server)
        addresses = tuple(_bind(server, one, tls) for one in listen)
        before = asyncio.all_tasks()
        await server.start()
        for task in asyncio.all_tasks() - before:
            if getattr(task.get_coro(), "__name__", "") == _MAIN_LOOP:
                task.add_done_callback(lambda ended: self._ended(server, ended))
        return server, addresses

    def _ended(self, server: grpc.aio.Server, task: "asyncio.Task[object]") -> None:
        """Have another server take the addresses, unless this one was to end."""
        if server is not self._server or task.cancelled() or task.exception() is None:
            return
        _logger.error("grpc.aio takes no more calls: another server does", exc_info=task.exception())
        renewing = asyncio.ensure_future(self._renew(server))
        self._renewing.add(renewing)
        renewing.add_done_callback(self._renewing.discard)

    async def _renew(self, broken: grpc.aio.Server) -> None:
        """Listen again. The addresses are free when grpc core has let go of them, which it does aside."""
        self._broken.append(broken)
        delay = _FIRST_DELAY
        while self._server is broken:
            try:
                self._server, _ = await self._listen(self._addresses)
            except OSError:
                await asyncio.sleep(delay)
                delay = min(2 * delay, _MAX_DELAY)
        await self._let_end(broken)

    async def _let_end(self, broken: grpc.aio.Server) -> None:
        """Wait for the calls that a broken server still has; their deadlines end them."""
        server = self._settings.server
        await broken.stop(max(server.max_deadline, server.stream_deadline))
        self._broken.remove(broken)


def _bind(server: grpc.aio.Server, address: Address, tls: grpc.ServerCredentials | None) -> Address:
    try:
        if tls is None:
            port = server.add_insecure_port(str(address))
        else:
            port = server.add_secure_port(str(address), tls)
    except RuntimeError as error:
        raise cannot_listen(address) from error
    return address.at(port)
