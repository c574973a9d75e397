"""The server of the admin address: HTTP/1.1 without TLS, for few clients, apart from the callers' port."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

from gateway.admin.pages import Pages
from gateway.admin.source import Source
from gateway.background_task import BackgroundTask
from gateway.config.address import Address
from gateway.config.settings import Settings
from gateway.transport.host_names import HostNames, host_names
from gateway.transport.listen_address import warn_if_open
from gateway.transport.wire.connection import NewConnection, Versions
from gateway.transport.wire.http1.connection import Http1Connection
from gateway.transport.wire.listeners import listen_on

MOST = 64
"""Connections; a scraper and a probe have one each."""
_TICK_SECONDS = 1.0
_LAST_BYTES_SECONDS = 0.5
_POLL_SECONDS = 0.005


class AdminServer:
    """Listens on `admin.listen`. `stop` before `start`, and twice, is safe.

    Args:
        source: what is told of.
        settings: the address.

    """

    def __init__(self, source: Source, settings: Settings) -> None:
        self._pages = Pages(source)
        self._settings = settings
        self._connections: set[Any] = set()
        self._servers: list[asyncio.Server] = []
        self._ticking = BackgroundTask("admin address")
        self._address: Address | None = None

    @property
    def address(self) -> Address | None:
        """Where it listens, with the port that it was given; None where it doesn't."""
        return self._address

    async def start(self) -> None:
        """Listen, if an address is set; raises OSError where that can't be had."""
        asked = self._settings.admin.listen
        if asked is None:
            return
        self._address, sockets = listen_on(asked)
        # It has no TLS, whatever the callers' port has.
        plain = self._settings.server.model_copy(update={"tls_cert": None})
        hosts = host_names(plain, self._address)
        loop = asyncio.get_running_loop()
        for one in sockets:
            self._servers.append(await loop.create_server(partial(self._new, hosts), sock=one))
        warn_if_open(self._address)
        self._ticking.start(self._tick())

    async def stop(self) -> None:
        """Close."""
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        _let_go(self._address)
        await self._ticking.stop()
        for connection in tuple(self._connections):
            connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_BYTES_SECONDS):
                while self._connections:  # noqa: ASYNC110 - the last thing there is to wait for
                    await asyncio.sleep(_POLL_SECONDS)
        for connection in tuple(self._connections):
            connection.abort()

    def _new(self, hosts: HostNames | None) -> asyncio.Protocol:
        """Return the protocol of a new connection: whoever begins with HTTP/2 is told what is spoken."""
        http1 = partial(
            Http1Connection, self._pages, self._settings, self._connections, hosts=hosts, is_private=True
        )
        return _Connection(Versions(http1, http1, self._connections, inf), self._make_room)

    def _make_room(self) -> None:
        """Give the connection up that has asked for nothing for longest, where there are too many.

        So who dribbles requests, or takes no answers, keeps no probe out.
        """
        if len(self._connections) >= MOST:
            idlest = min(self._connections, key=lambda one: one.asked)
            self._connections.discard(idlest)
            idlest.abort()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            for connection in tuple(self._connections):
                connection.tick(monotonic())


class _Connection(NewConnection):
    """One that others make room for.

    Args:
        versions: of HTTP.
        make_room: called when it is made.

    """

    def __init__(self, versions: Versions, make_room: Callable[[], None]) -> None:
        super().__init__(versions)
        self._make_room = make_room

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first bytes."""
        self._make_room()
        super().connection_made(transport)


def _let_go(address: Address | None) -> None:
    """Remove the file of a Unix socket."""
    if address is not None and address.port is None:
        Path(address.host).unlink(missing_ok=True)
