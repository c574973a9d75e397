"""An API behind an ASGI host: the host has the sockets, this has the calls."""

from collections.abc import Sequence

from gateway.config.address import Address
from gateway.config.settings import Settings
from gateway.request.memory import RequestMemory
from gateway.transport.asgi.server import AsgiServer
from gateway.transport.host_names import common_host_names
from gateway.transport.served_api import ServedApi

_LAST_BYTES_SECONDS = 0.5


class AsgiHost:
    """Serves an API as an ASGI application. `stop` before `start`, and twice, is safe.

    Args:
        api: what is served.
        settings: addresses, limits.

    """

    def __init__(self, api: ServedApi, settings: Settings) -> None:
        self._api = api
        self._started = False
        limits = settings.limits
        self.application = AsgiServer(
            limits.max_taken_bytes,
            limits.max_metadata_bytes,
            memory=RequestMemory(limits.request_memory),
            max_request=limits.max_request_bytes,
            request_seconds=settings.server.default_deadline,
            message_seconds=settings.server.max_deadline,
            hosts=common_host_names(settings.server),
        )
        self._settings = settings

    @property
    def addresses(self) -> Sequence[Address]:
        """Where the host listens."""
        return self._settings.server.listen

    async def start(self) -> int:
        """Take calls; return the first address's port (0 for a Unix socket)."""
        self.application.add_generic_rpc_handlers(self._api.handlers())
        if self._settings.edge.connect:
            self.application.add_json_handlers(self._api.json_handlers())
        self.application.add_plain_methods(self._api.answers())
        self._api.open()
        self._started = True
        return self.addresses[0].port or 0

    async def stop(self, grace: float | None = None) -> None:
        """Become NOT_SERVING, wait for the calls under way, then cut off what is left.

        Args:
            grace: seconds to wait for them; the `drain` setting by default.

        """
        if not self._started:
            return
        self._started = False
        await self._api.drain(grace)
        await self.application.stop(_LAST_BYTES_SECONDS)

    def force_stop(self) -> None:
        """Let `stop`, under way or to come, wait for nothing."""
        self._api.force_stop()
