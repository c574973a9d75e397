"""What listens on sockets, and carries their calls to a served API."""

from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.config.address import Address
from gateway.config.settings import Settings
from gateway.transport.served_api import ServedApi


class Host(Protocol):
    """A server. `stop` before `start`, and twice, is safe."""

    @property
    def addresses(self) -> Sequence[Address]:
        """Where it listens, with the ports it was given."""

    async def start(self) -> int:
        """Listen; return the first address's port (0 for a Unix socket). Raises OSError."""

    async def stop(self, grace: float | None = None) -> None:
        """Drain the API for at most `grace` seconds, then close."""

    def force_stop(self) -> None:
        """Let `stop`, under way or to come, wait for nothing."""


Hosting = Callable[[ServedApi, Settings], Host]
"""Makes the host of an API."""


class PrivateHosting(Protocol):
    """Makes the host of an API, which may listen at one more address than the settings name."""

    def __call__(self, api: ServedApi, settings: Settings, private: Address | None = None) -> Host:
        """Return the host; at `private`, a Unix socket of whoever runs this process, it needs no TLS."""
