"""The figures of the rows that are kept, here and together with other gateways."""

from typing import TYPE_CHECKING

from gateway.db.cache.row_cache import RowCache
from gateway.observe.metrics.figures import Figures

if TYPE_CHECKING:
    from gateway.db.cache.shared.shared_cache import SharedCache


def cache_figures(cache: RowCache | None) -> Figures:
    """Return what the cache's metrics are; none where no rows are kept."""
    if cache is None:
        return {}
    counts = cache.counts
    return {
        "rowgate_cache_hits_total": {(table,): float(number) for table, number in counts.hits.items()},
        "rowgate_cache_misses_total": {(table,): float(number) for table, number in counts.misses.items()},
        "rowgate_cache_dropped_total": {(): float(counts.dropped)},
        "rowgate_cache_rows": {(): float(len(cache))},
        "rowgate_cache_bytes": {(): float(cache.bytes)},
    }


def shared_cache_figures(shared: "SharedCache | None") -> Figures:
    """Return what the metrics of rows are that gateways keep together; none where they keep none."""
    if shared is None:
        return {}
    counts, link = shared.rows.counts, shared.rows.link
    return {
        "rowgate_shared_cache_up": {(): float(link.connection is not None)},
        "rowgate_shared_cache_failures_total": {(): float(link.failures)},
        "rowgate_shared_cache_hits_total": {(table,): float(hits) for table, hits in counts.hits.items()},
        "rowgate_shared_cache_misses_total": {
            (table,): float(misses) for table, misses in counts.misses.items()
        },
        "rowgate_shared_cache_changes_heard_total": {(): float(shared.hearing.heard)},
        "rowgate_shared_cache_fills_total": {
            ("kept",): float(counts.filled),
            ("refused",): float(counts.refused),
        },
    }
