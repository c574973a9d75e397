"""The interface of servers: they listen on sockets, and carry their calls to a served API."""

import socket
from collections.abc import Callable, Sequence
from math import inf
from typing import Protocol

from gateway.config.address import Address
from gateway.config.settings import Settings
from gateway.transport.served_api import ServedApi


class Server(Protocol):
    """A server. `stop` before `start`, and twice, is safe."""

    @property
    def addresses(self) -> Sequence[Address]:
        """Where it listens, with the ports it was given."""

    @property
    def connections(self) -> int | None:
        """How many are open; None where it doesn't know."""

    @property
    def certificate_expires_at(self) -> float | None:
        """When the server's certificate expires, as time.time() counts; None where nobody knows."""

    async def start(self) -> int:
        """Listen; return the first address's port (0 for a Unix socket). Raises OSError."""

    async def stop(self, grace: float | None = None) -> None:
        """Drain the API for at most `grace` seconds, then close."""

    def force_stop(self) -> None:
        """Let `stop`, under way or to come, wait for nothing."""


ServerFactory = Callable[[ServedApi, Settings], Server]
"""Makes the server of an API."""


class WorkerServer(Server, Protocol):
    """A server whose connections another process accepts, and shares out among several."""

    stop_taking: Callable[[], object]
    """Ends what calls `take`; called when the server listens no more."""

    @property
    def connections(self) -> int:
        """How many are open."""

    @property
    def calls(self) -> int:
        """How many are under way."""

    def take(self, accepted: socket.socket, address: int) -> None:
        """Serve a connection to one of the addresses of the settings, by its number from 0 on."""

    def send_away(self, connections: int | None = None, weight: float = inf) -> None:
        """Have clients open some of their connections anew, without a call being lost; by default all.

        Args:
            connections: how many at most.
            weight: how much they may have to do in all: 1 for each, and 1 for each call under way.

        """
