"""The figures of the rows that are kept."""

from gateway.db.cache.row_cache import RowCache
from gateway.observe.metrics.figures import Figures


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
