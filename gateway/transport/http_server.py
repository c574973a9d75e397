"""The server: sockets, what is spoken on them, and the API that answers, in one event loop."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path
from time import monotonic
from weakref import WeakSet

from gateway.config.address import Address
from gateway.config.settings import Settings
from gateway.transport.host_names import HostNames, host_names
from gateway.transport.listen_address import warn_if_open
from gateway.transport.protocols.caller_check import CallerCheck
from gateway.transport.protocols.calls import Calls
from gateway.transport.protocols.connect.responder import ConnectResponder
from gateway.transport.protocols.cors import Origins
from gateway.transport.protocols.grpc.plain import plain_methods
from gateway.transport.protocols.grpc.responder import GrpcResponder
from gateway.transport.protocols.rest.responder import Rest
from gateway.transport.protocols.routing import PathResponder, Routing
from gateway.transport.served_api import ServedApi
from gateway.transport.wire.certificates import Certificates
from gateway.transport.wire.connection import ConnectionFactory
from gateway.transport.wire.fast_requests import never_fast
from gateway.transport.wire.listeners import listen_on
from gateway.transport.wire.request import Responder
from gateway.transport.wire.server_context import OpenConnection, ServerContext

_logger = logging.getLogger(__name__)
_BACKLOG = 4096
_TICK_SECONDS = 1.0
_LAST_BYTES_SECONDS = 0.5
_POLL_SECONDS = 0.005


class HttpServer:
    """Serves an API on sockets. `stop` before `start`, and twice, is safe.

    Args:
        api: what is served.
        settings: addresses, TLS, limits.
        private: where another process accepts the connections, and hands them over by `take`: a Unix socket
            for that process alone to call by. It is listened on in place of the addresses, without TLS.

    """

    def __init__(self, api: ServedApi, settings: Settings, private: Address | None = None) -> None:
        self._private = private
        self._api = api
        self._settings = settings
        self._calls = Calls(api.served_methods(), settings)
        rest = Rest.of(api, self._calls, settings) if settings.http.rest else None
        respond = _responder(api, self._calls, settings, rest)
        fast = plain_methods(self._calls.methods.values(), api.dispatcher, settings.limits.max_taken_bytes)
        self._context = ServerContext(
            respond, settings, api.processor, fast, never_fast if rest is None else rest.read_plain
        )
        is_optional = settings.auth.has_optional_certificates
        self._certificates = Certificates(settings.server, is_optional=is_optional)
        self._addresses: tuple[Address, ...] = ()
        self._servers: list[asyncio.Server] = []
        self._ticking: asyncio.Task[None] | None = None
        self._hosts: Sequence[HostNames | None] = ()
        self._taking: set[asyncio.Task[None]] = set()
        self._sent_away = WeakSet[OpenConnection]()
        self.stop_taking: Callable[[], object] = lambda: None
        """Ends what calls `take`; called when the listeners close."""

    @property
    def addresses(self) -> Sequence[Address]:
        """Where it listens, with the ports it was given."""
        return self._addresses

    async def start(self) -> int:
        """Listen; return the first address's port (0 for a Unix socket).

        Raises OSError where an address can't be had, ConfigError where a TLS file can't be used.
        """
        await self._listen()
        self._ticking = asyncio.ensure_future(self._tick())
        self._api.open()
        return (self.addresses[0].port or 0) if self.addresses else 0

    async def stop(self, grace: float | None = None) -> None:
        """Become NOT_SERVING, send the callers away, wait for the calls under way, then close.

        Args:
            grace: seconds to wait for them; the `drain_timeout` setting by default.

        """
        ticking, self._ticking = self._ticking, None
        if ticking is None:
            return
        # Whoever connects meanwhile learns from health, or the refusal of a call, why to go elsewhere.
        await self._api.drain(grace, self._see_off)
        self._close_listeners()
        await self._until(self._have_left)  # those that have come since, too
        for connection in self._connections():
            connection.break_off()
        await self._calls.stop(_LAST_BYTES_SECONDS)
        await self._until(lambda: all(connection.is_idle for connection in self._connections()))
        for connection in self._connections():
            connection.close()
        await self._until(lambda: not self._connections())
        for connection in self._connections():
            connection.abort()
        ticking.cancel()
        await self._certificates.stop()

    def force_stop(self) -> None:
        """Let `stop`, under way or to come, wait for nothing."""
        self._api.force_stop()

    @property
    def connections(self) -> int:
        """How many are open, or about to be."""
        return len(self._context.connections) + len(self._taking)

    @property
    def certificate_expires_at(self) -> float | None:
        """When the server's certificate expires; None without one."""
        return self._certificates.expires_at

    @property
    def calls(self) -> int:
        """How many are under way."""
        return self._api.in_flight

    def take(self, accepted: socket.socket, address: int) -> None:
        """Serve a connection to one of the addresses, by its number."""
        task = asyncio.ensure_future(self._serve_accepted(accepted, self._hosts[address]))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)

    def send_away(self, connections: int | None = None, weight: float = inf) -> None:
        """Have clients open some of their connections anew: those that have most to do, of what fits."""
        staying = [one for one in self._connections() if one not in self._sent_away]
        left = len(staying) if connections is None else connections
        for one in sorted(staying, key=lambda one: one.calls, reverse=True):
            if left and 1 + one.calls <= weight:
                left, weight = left - 1, weight - 1 - one.calls
                self._sent_away.add(one)
                one.leave()

    async def _see_off(self) -> None:
        """Send all clients away; return when they know it, and have no call on its way."""
        leaving = self._connections()
        self._context.is_leaving = True
        self.send_away()
        while not all(one.has_left for one in leaving):  # noqa: ASYNC110 - ends with the drain's time
            await asyncio.sleep(_POLL_SECONDS)

    def _have_left(self) -> bool:
        """Send away all that are there; return whether they know it."""
        self.send_away()
        return all(one.has_left for one in self._connections())

    async def _listen(self) -> None:
        """Take the addresses; on a failure those that were taken are let go."""
        server = self._settings.server
        await self._certificates.start()
        self._factory = ConnectionFactory(self._context, self._certificates)
        try:
            if self._private is None:
                self._addresses = tuple([await self._listen_on(one) for one in server.listen])
            else:
                self._hosts = [host_names(server, one) for one in server.listen]
                await self._listen_privately(self._private)
        except BaseException:
            self._close_listeners()
            await self._certificates.stop()
            raise

    async def _listen_on(self, address: Address) -> Address:
        told, sockets = listen_on(address)
        hosts = host_names(self._settings.server, address)
        for one in sockets:
            self._servers.append(await self._serve(one, hosts))
        if self._certificates.context is None:
            warn_if_open(told)
        return told

    async def _listen_privately(self, address: Address) -> None:
        _, sockets = listen_on(address)
        for one in sockets:
            self._servers.append(await self._serve(one, None, private=True))

    async def _serve(
        self, listening: socket.socket, hosts: HostNames | None, *, private: bool = False
    ) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            lambda: self._factory.protocol(hosts, is_private=private), sock=listening, backlog=_BACKLOG
        )

    async def _serve_accepted(self, accepted: socket.socket, hosts: HostNames | None) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._factory.protocol(hosts), accepted
            )
        except OSError as error:  # it is gone
            _logger.debug("a connection wasn't made", extra={"error": str(error)})

    def _close_listeners(self) -> None:
        self.stop_taking()
        for server in self._servers:
            server.close()
        for address in (*self._addresses, self._private):
            if address is not None and address.port is None:
                Path(address.host).unlink(missing_ok=True)
        self._servers.clear()

    def _connections(self) -> Sequence[OpenConnection]:
        return tuple(self._context.connections)

    async def _tick(self) -> None:
        """Have each connection do what is due, again and again."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            for connection in self._connections():
                connection.tick(monotonic())

    async def _until(self, done: Callable[[], bool]) -> None:
        """Wait for what the peers may never let happen, for no longer than their last bytes may take."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_BYTES_SECONDS):
                while not done():  # noqa: ASYNC110 - the last thing there is to wait for
                    await asyncio.sleep(_POLL_SECONDS)


def _responder(api: ServedApi, calls: Calls, settings: Settings, rest: Rest | None) -> Responder:
    """Return what answers every request, by the protocol that it speaks."""
    http = settings.http
    connect = [ConnectResponder(calls)] if http.connect else []
    paths: list[PathResponder] = [*connect, *([] if rest is None else [rest])]
    callers = None
    if api.authorization is not None:
        callers = CallerCheck(api.authorization, api.dispatcher, [one.path_of for one in paths])
    return Routing(
        GrpcResponder(calls),
        paths,
        calls.methods,
        Origins(http.allowed_origins),
        grpc_web=http.grpc_web,
        callers=callers,
    )
