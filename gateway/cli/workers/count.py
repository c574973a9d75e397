"""The number of workers that serve."""

from dataclasses import dataclass

from gateway.cli.workers.cpus import available
from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.load import Loaded
from gateway.config.settings import Settings
from gateway.config.worker_count import AUTO
from gateway.db.connections.database_location import embedded_folder

_CONNECTIONS_EACH = 4
"""Of fewer, nothing is kept for others when one table is stuck (gateway.request.calls.bulkheads)."""
_KEY = "server.workers"


@dataclass(frozen=True, slots=True)
class Number:
    """How many workers serve, and why: for the user's eyes."""

    workers: int
    why: str


def number_of_workers(loaded: Loaded, *, watched: bool = False) -> Number:
    """Return how many workers serve; raises ConfigError where the transport can't serve by so many.

    Args:
        loaded: the settings.
        watched: whether they are replaced whenever a file is saved, which takes a worker that can be.

    """
    asked = loaded.settings.server.workers
    if watched and loaded.settings.server.transport == "grpcio":
        key, wrong = "server.transport", "is grpcio, which --watch can't replace while it serves"
        raise _refused(loaded, key, wrong, "transport = http, or no --watch")
    if asked == AUTO:
        return Number(1, "replaced when a file is saved") if watched else _automatic(loaded.settings)
    if asked > 1 and loaded.settings.server.transport == "grpcio":
        wrong = "is more than 1, and grpcio serves in one process"
        raise _refused(loaded, _KEY, wrong, "workers = 1, or transport = http")
    return Number(asked, "as asked")


def _refused(loaded: Loaded, key: str, wrong: str, allowed: str) -> ConfigError:
    return ConfigError([ConfigDiagnostic(key, str(loaded.source(key)), wrong, allowed)])


def _automatic(settings: Settings) -> Number:
    if settings.server.transport == "grpcio":
        return Number(1, "grpcio serves in one process")
    if embedded_folder(settings.database) is not None:
        return Number(1, "the embedded database is on the same processors")
    processors, pool_size = available(), settings.database.pool_size
    fed = max(1, pool_size // _CONNECTIONS_EACH)
    if fed < processors:
        return Number(fed, f"pool_size is {pool_size}: {_CONNECTIONS_EACH} connections for each")
    return Number(processors, "processors that may be used")
