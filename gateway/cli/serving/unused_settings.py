"""Settings that have no effect on a transport: reported at the start where they are set."""

from collections.abc import Iterator

from gateway.config.load import Loaded
from gateway.config.settings import HttpSettings

_OF_HTTP_ALONE = (
    *("server.allowed_hosts", "limits.max_connections", "limits.max_request_bytes_in_flight"),
    *(f"http.{name}" for name in HttpSettings.model_fields),
)


def unused_settings(loaded: Loaded) -> Iterator[str]:
    """Yield the keys of those that are set in vain."""
    if loaded.settings.server.transport == "grpcio":
        yield from (key for key in _OF_HTTP_ALONE if key in loaded.sources)
