"""Which transport serves, and why; and how its workers are run."""

from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.cli.workers.process import PLAIN_COMMAND, Command
from gateway.config.address import Address
from gateway.config.faults import ConfigError, ConfigFault
from gateway.config.load import Loaded
from gateway.config.settings import EdgeSettings, Settings
from gateway.transport.envoy.bootstrap import Hosting
from gateway.transport.envoy.command import command, files
from gateway.transport.envoy.installed import Installed, NotInstalledError, find_installed

_APPLICATION = "gateway.cli.workers.worker:application"
_ADMIN = "admin.sock"
_KEY = "server.transport"
_OWN = ("http2", "grpcio")
# What a transport has no use for: said at start where it is set.
_EDGE = tuple(f"edge.{name}" for name in EdgeSettings.model_fields)
_LIVENESS = tuple(f"server.liveness_{name}" for name in ("interval", "timeout", "failures"))
_UNHEEDED = {
    "envoy": ("server.min_ping_interval", *_LIVENESS),
    "http2": _EDGE,
    "grpcio": ("server.hosts", "limits.max_connections", "limits.max_request_bytes_in_flight", *_EDGE),
}


@dataclass(frozen=True, slots=True)
class Transport:
    """A transport and why it was taken.

    Args:
        name: envoy, http2 or grpcio.
        why: for the user's eyes.
        installed: Envoy's parts; None for the others.

    """

    name: str
    why: str
    installed: Installed | None = None

    @property
    def is_handed_sockets(self) -> bool:
        """Whether a supervisor accepts its workers' connections: the others' listen themselves."""
        return self.name == "http2"

    def command(
        self, descriptors: FileDescriptorSet, settings: Settings, listen: tuple[Address, ...]
    ) -> Command:
        """Return how a worker is run; `listen` is numeric."""
        if self.installed is None:
            return PLAIN_COMMAND
        hosting = Hosting(_APPLICATION, self.installed.module, _ADMIN, listen, descriptors)
        return Command(
            command(self.installed, settings.log),
            self.installed.environment,
            files(hosting, settings),
            _ADMIN,
        )

    def unheeded(self, loaded: Loaded) -> Iterator[str]:
        """Yield the settings that somebody has set and that this transport has no use for."""
        return (key for key in _UNHEEDED[self.name] if key in loaded.sources)


def choose_transport(loaded: Loaded) -> Transport:
    """Return the transport that the settings ask for, or the best there is; raises ConfigError."""
    wanted = loaded.settings.server.transport
    if wanted in _OWN:
        return Transport(wanted, "as asked")
    try:
        installed = find_installed()
    except NotInstalledError as error:
        if wanted == "envoy":
            fault = ConfigFault(
                _KEY, str(loaded.source(_KEY)), f"envoy can't be used: {error}", "auto, http2 or grpcio"
            )
            raise ConfigError([fault]) from error
        return Transport("grpcio", f"not Envoy: {error}")
    why = "as asked" if wanted == "envoy" else f"pyvoy {installed.version} is installed"
    return Transport("envoy", why, installed)
