"""The figures of the way to the database, and of the statements that calls share."""

from collections import Counter
from collections.abc import Iterable

from gateway.db.coalesce import BatchStatistics
from gateway.db.database import DatabaseFigures
from gateway.db.pool.pool import PoolFigures
from gateway.observe.metrics.figures import Distribution, Figures, Labels, Value

_SIZES = tuple(2 ** (power + 1) - 1 for power in range(10))
"""Bounds of batches' sizes: 1, 3, 7 … 1023, as BatchStatistics counts them."""


def database_figures(figures: DatabaseFigures) -> Figures:
    """Return what the database's metrics are."""
    return {
        **_pool_figures(figures.pool),
        "db_client_operation_duration_seconds": {(name,): one for name, one in figures.statements.items()},
        "rowgate_retries_total": {(): float(figures.retries)},
        "rowgate_cursors": {(): float(figures.cursors)},
        "rowgate_sessions": {(): float(figures.sessions)},
    }


def _pool_figures(pool: PoolFigures) -> Figures:
    return {
        "db_client_connection_count": {("used",): float(pool.used), ("idle",): float(pool.idle)},
        "db_client_connection_max": {(): float(pool.size)},
        "db_client_connection_pending_requests": {(): float(pool.waiting)},
        "db_client_connection_timeouts_total": {(): float(pool.refused)},
        "db_client_connection_wait_time_seconds": {(): pool.waits},
        "db_client_connection_create_time_seconds": {(): pool.made},
        "rowgate_connection_failures_total": {(): float(pool.failed)},
    }


def batch_figures(kinds: Iterable[BatchStatistics]) -> Figures:
    """Return what the metrics of shared statements are. Kinds of one name are one."""
    counts: dict[str, Counter[Labels]] = {name: Counter() for name in _COUNTED}
    sizes: dict[Labels, Value] = {}
    for kind in kinds:
        labels = (kind.name,)
        for name, value in zip(_COUNTED, _counts(kind), strict=True):
            counts[name][labels] += value  # type: ignore[assignment]  # seconds are no whole numbers
        mine = _sizes(kind)
        other = sizes.get(labels)
        sizes[labels] = mine + other if isinstance(other, Distribution) else mine
    return {**{name: dict(values) for name, values in counts.items()}, "rowgate_batch_size": sizes}


_COUNTED = (
    "rowgate_batches_total",
    "rowgate_batch_calls_total",
    "rowgate_batch_alone_total",
    "rowgate_batch_wait_seconds_total",
    "rowgate_batches_divided_total",
)


def _counts(kind: BatchStatistics) -> tuple[float, ...]:
    return (kind.statements, kind.calls, kind.alone, kind.wait_seconds, kind.divided)


def _sizes(kind: BatchStatistics) -> Distribution:
    last = len(_SIZES)
    counts = [*kind.sizes[:last], sum(kind.sizes[last:])]
    return Distribution.of(_SIZES, counts, kind.calls - kind.alone)
