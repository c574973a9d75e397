"""The grpc.aio server: listens, mounts a face, and stops gracefully."""

from collections.abc import Sequence

import grpc
import grpc.aio

from gateway.config.address import Address
from gateway.config.settings import Settings
from gateway.transport.face import Face
from gateway.transport.listening import cannot_listen, warn_if_open
from gateway.transport.options import channel_options, credentials

_LAST_BYTES_SECONDS = 0.5


class GrpcServer:
    """Serves a face on sockets. `stop` before `start`, and twice, is safe.

    Args:
        face: what is served.
        settings: addresses, TLS, limits.

    """

    def __init__(self, face: Face, settings: Settings) -> None:
        self._face = face
        self._settings = settings
        self._server: grpc.aio.Server | None = None
        self._addresses: tuple[Address, ...] = ()

    @property
    def addresses(self) -> Sequence[Address]:
        """Where it listens, with the ports it was given."""
        return self._addresses

    async def start(self) -> int:
        """Listen; return the first address's port (0 for a Unix socket).

        Raises OSError where an address can't be had or a TLS file can't be read.
        """
        options = channel_options(self._settings.server, self._settings.limits)
        server = grpc.aio.server(handlers=list(self._face.handlers()), options=options)
        tls = credentials(self._settings.server)
        self._addresses = tuple(_listen(server, one, tls) for one in self._settings.server.listen)
        await server.start()
        self._server = server
        self._face.open()
        return self.addresses[0].port or 0

    async def stop(self, grace: float | None = None) -> None:
        """Become NOT_SERVING, wait for the calls under way, then close.

        Args:
            grace: seconds to wait for them; the `drain` setting by default.

        """
        server, self._server = self._server, None
        if server is None:
            return
        await self._face.drain(grace)
        await server.stop(_LAST_BYTES_SECONDS)

    def hurry(self) -> None:
        """Let `stop`, under way or to come, wait for nothing."""
        self._face.hurry()


def _listen(server: grpc.aio.Server, address: Address, tls: grpc.ServerCredentials | None) -> Address:
    try:
        if tls is None:
            port = server.add_insecure_port(str(address))
        else:
            port = server.add_secure_port(str(address), tls)
    except RuntimeError as error:
        raise cannot_listen(address) from error
    if tls is None:
        warn_if_open(address)
    return address.at(port)
