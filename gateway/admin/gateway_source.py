"""One gateway as the admin address tells of it."""

from gateway.observe.metrics.calls import CallMetrics
from gateway.observe.metrics.figures import Figures
from gateway.transport.served_api import ServedApi
from gateway.transport.server import Server


class GatewaySource:
    """A Source.

    Args:
        api: what is served.
        server: what listens.
        calls: counts the calls.

    """

    def __init__(self, api: ServedApi, server: Server, calls: CallMetrics) -> None:
        self._api = api
        self._server = server
        self._calls = calls

    async def figures(self) -> Figures:
        """Return the figures of all its metrics."""
        connections = self._server.connections
        under_way = [call.path.removeprefix("/") for call in self._api.under_way]
        return {
            **self._calls.figures(under_way),
            "rowgate_ready": {(): float(self._api.is_serving)},
            "rowgate_workers": {(): 1.0},
            "rowgate_connections": {} if connections is None else {(): float(connections)},
        }

    async def is_ready(self) -> bool:
        """Whether it takes calls, and its database answers."""
        return self._api.is_serving
