"""The figures of read replicas."""

from gateway.db.replicas.replicas import Replicas
from gateway.observe.metrics.figures import Figures, Labels, Value


def replica_figures(replicas: Replicas | None) -> Figures:
    """Return what the replicas' metrics are; none where there are no replicas."""
    if replicas is None:
        return {}
    reads: dict[Labels, Value] = {
        (one.name, outcome): float(number)
        for one in replicas.all
        for outcome, number in (
            ("answered", one.counts.answered),
            ("behind", one.counts.behind),
            ("failed", one.counts.failed),
        )
    }
    return {
        "rowgate_replica_up": {(one.name,): float(one.is_up) for one in replicas.all},
        "rowgate_replica_behind_seconds": {(one.name,): one.seconds_behind for one in replicas.all},
        "rowgate_replica_reads_total": reads,
        "rowgate_primary_reads_total": {(): float(replicas.to_primary)},
    }
