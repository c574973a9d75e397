"""One gateway as the admin address tells of it."""

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.admin.cache_figures import cache_figures, shared_cache_figures
from gateway.admin.calls_under_way import calls_under_way
from gateway.admin.database_figures import batch_figures, database_figures
from gateway.admin.process_figures import process_figures
from gateway.admin.replica_figures import replica_figures
from gateway.db.cache.row_cache import RowCache
from gateway.db.coalesce import PointReads, RowWrites
from gateway.db.database import Database
from gateway.db.replicas.replicas import Replicas
from gateway.errors import RowgateError
from gateway.observe.call_record import CallsUnderWay
from gateway.observe.metrics.calls import CallMetrics
from gateway.observe.metrics.figures import Figures, Labels
from gateway.request.calls.call import Call
from gateway.transport.served_api import ServedApi
from gateway.transport.server import Server

if TYPE_CHECKING:
    from gateway.db.cache.shared.shared_cache import SharedCache

_logger = logging.getLogger(__name__)
_PLAN_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class GatewaySource:
    """A Source.

    Args:
        api: what is served.
        server: what listens.
        call_metrics: counts the calls.
        database: runs the statements.
        batchers: let calls share statements.
        replicas: of the database; None where there are none.
        cache: the rows that are kept; None where none are.
        shared: those that gateways keep together; None where they keep none.

    """

    api: ServedApi
    server: Server
    call_metrics: CallMetrics
    database: Database
    batchers: tuple[PointReads, RowWrites]
    replicas: Replicas | None
    cache: RowCache | None
    shared: "SharedCache | None" = None

    async def figures(self) -> Figures:
        """Return the figures of all its metrics."""
        under_way = [call.path.removeprefix("/") for call in self.api.under_way]
        return {
            **self.call_metrics.figures(under_way, self.api.dispatcher.other_refusals),
            **self._server_figures(),
            **database_figures(self.database.figures),
            **batch_figures([kind for one in self.batchers for kind in one.figures]),
            **replica_figures(self.replicas),
            **cache_figures(self.cache),
            **shared_cache_figures(self.shared),
            **process_figures(),
        }

    async def calls(self) -> CallsUnderWay:
        """Return the calls under way."""
        return CallsUnderWay(calls_under_way(self.api.under_way))

    async def plan(self, statement: str) -> str | None:
        """Return PostgreSQL's plan of a statement, by its name; None where it wasn't seen, or has none."""
        deadline = asyncio.get_running_loop().time() + _PLAN_SECONDS
        try:
            return await self.database.plan(statement, Call("plan", deadline=deadline))
        except RowgateError as error:
            _logger.warning("a statement has no plan", extra={"statement": statement, "error": str(error)})
            return None

    async def is_ready(self) -> bool:
        """Whether it takes calls, and its database answers."""
        return self.api.is_serving

    def _server_figures(self) -> Figures:
        api, server = self.api, self.server
        return {
            "rowgate_ready": {(): float(api.is_serving)},
            "rowgate_workers": {(): 1.0},
            "rowgate_connections": _known(server.connections),
            "rowgate_tls_certificate_expiry_timestamp_seconds": _known(server.certificate_expires_at),
            "rowgate_response_memory_bytes": {(): float(api.dispatcher.memory.held)},
            "rowgate_event_loop_lag_seconds": {(): api.processor.lateness},
            "rowgate_calls_waiting": {(): float(api.processor.waiting)},
        }


def _known(value: float | None) -> dict[Labels, float]:
    return {} if value is None else {(): float(value)}
