"""What Rowgate is to reach: ratios within one run on one machine, and a few bounds."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from statistics import median

from bench.clients import CLIENTS
from bench.contenders import BY_HAND, GO, POSTGRAPHILE
from bench.datasets import DATASETS, FLIGHTS, ITEMS
from bench.results import (
    CALL_A_CONNECTION,
    ONE_WORKER,
    OURS,
    REST,
    REST_OVER_HTTP2,
    ROWGATE,
    Results,
    Series,
)
from bench.workloads import bulk, calls, clients, ghz, replicas, rest, sizes, streams, trust
from bench.workloads.pgbench import PGBENCH
from bench.workloads.start import START

FASTER = ("rate",)
"""Metrics of which more is better."""
_BOTH = ("insert", "update")


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of Rowgate's beside another's.

    Args:
        workload: what is done.
        metric: which figure of it.
        wanted: the bound.
        against: whose figure it is divided by; Rowgate for another place on the curve, None for a bare bound.
        at_most: whether less is better: of a ratio of costs. Otherwise the ratio is of speeds.
        at: Rowgate's place on a curve.
        against_at: the other's place.
        unit: of a bare bound.
        who: which Rowgate.

    """

    workload: str
    metric: str
    wanted: float
    against: str | None = None
    at_most: bool = False
    at: float | None = None
    against_at: float | None = None
    unit: str = ""
    who: str = ROWGATE


@dataclass(frozen=True, slots=True)
class GoalResult:
    """What was measured of a goal: a value a round; none where it wasn't measured."""

    goal: Goal
    values: list[float]

    @property
    def value(self) -> float:
        """The median."""
        return median(self.values)

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        if not self.values:
            return False
        return self.value <= self.goal.wanted if self.goal.at_most else self.value >= self.goal.wanted


def goal_results(results: Results) -> Iterator[GoalResult]:
    """Yield each goal with what was measured."""
    for goal in goals():
        yield GoalResult(goal, list(_values(goal, results)))


def _values(goal: Goal, results: Results) -> Iterator[float]:
    ours = results.get(goal.workload, goal.who, goal.at)
    if ours is None:
        return
    if goal.against is None:
        yield from ours.values(goal.metric)
        return
    theirs = results.get(goal.workload, goal.against, goal.against_at)
    if theirs is not None:
        yield from ratios(ours, theirs, goal.metric, at_most=goal.at_most)


def ratios(ours: Series, theirs: Series, metric: str, *, at_most: bool = False) -> Iterator[float]:
    """Yield round by round how many times as fast ours is; or, `at_most`, how many times as costly."""
    for mine, other in zip(ours.values(metric), theirs.values(metric), strict=False):
        upside_down = metric not in FASTER and not at_most
        above, below = (other, mine) if upside_down else (mine, other)
        if below:
            yield above / below


def goals() -> Iterator[Goal]:
    """Yield the goals in the order of the page."""
    yield from _gets()
    yield from _by_ghz()
    yield from _by_clients()
    yield from _updates()
    yield from _rest()
    yield from _trust()
    yield from _replicas()
    yield from _bulk()
    yield from _streams()
    for cost in ("p50", "cpu"):
        yield Goal(sizes.PAGES, cost, 1.1, ROWGATE, at_most=True, at=sizes.LAST_PAGE, against_at=1)
    small, large = sizes.SMALLEST_TABLE, sizes.LARGEST_TABLE
    yield Goal(sizes.TABLES, "p50", 1.3, ROWGATE, at_most=True, at=large, against_at=small)
    yield Goal(START, "seconds", 1.0, at_most=True, unit="s")
    yield Goal(START, "memory", 100, at_most=True, unit="MiB a worker")


def _gets() -> Iterator[Goal]:
    item, flight = (calls.name_of("Get", dataset, calls.IN_FLIGHT) for dataset in (ITEMS, FLIGHTS))
    yield Goal(item, "rate", 1.5, GO)
    yield Goal(item, "rate", 1.0, GO, who=ONE_WORKER)
    yield Goal(item, "rate", 8, BY_HAND)
    yield Goal(item, "rate", 0.6, PGBENCH)
    yield Goal(flight, "rate", 1.2, GO)
    for dataset, who in product(DATASETS, OURS):
        many = calls.name_of("Get", dataset, calls.IN_FLIGHT)
        alone = calls.name_of("Get", dataset, 1)
        yield Goal(many, "cpu_both", 0.6, GO, at_most=True, who=who)
        yield from _alone(alone, who)


def _alone(workload: str, who: str) -> Iterator[Goal]:
    """Yield what is asked of one call at a time."""
    yield Goal(workload, "p50", 1.4, GO, at_most=True, who=who)


def _by_ghz() -> Iterator[Goal]:
    """Yield what is asked of a client of grpc-go's: the server's CPU, and one call at a time again."""
    for who in OURS:
        yield Goal(ghz.name_of(calls.IN_FLIGHT), "cpu", 1, GO, at_most=True, who=who)
        yield from _alone(ghz.name_of(1), who)


def _by_clients() -> Iterator[Goal]:
    """Yield what a call of each real client may cost the server."""
    for client in CLIENTS:
        yield Goal(clients.name_of(client), "cpu", 1, GO, at_most=True)


def _updates() -> Iterator[Goal]:
    for dataset in DATASETS:
        workload = calls.name_of("Update", dataset, calls.IN_FLIGHT)
        yield Goal(workload, "rate", 3, GO)
        yield Goal(workload, "rate", 5, BY_HAND)


def _rest() -> Iterator[Goal]:
    """Yield what JSON may cost beside gRPC, and how fast it is beside GraphQL."""
    for workload in rest.GETS.values():
        for way in (REST, REST_OVER_HTTP2):
            yield Goal(workload, "cpu", 1.5, ROWGATE, at_most=True, who=way)
        yield Goal(workload, "cpu", 1.5, CALL_A_CONNECTION, at_most=True, who=REST)
    for workload in rest.LISTS.values():
        yield Goal(workload, "cpu", 5_000, at_most=True, unit="µs", who=REST)
    for workload in (*rest.GETS.values(), *rest.LISTS.values()):
        yield Goal(workload, "rate", 1, POSTGRAPHILE, who=REST)
        yield Goal(workload, "cpu", 1, POSTGRAPHILE, at_most=True, who=REST)


def _trust() -> Iterator[Goal]:
    """Yield what knowing callers may cost: a fifth of the rate, and traces a twentieth of what is left."""
    yield Goal(trust.TRUST, "rate", 0.8, ROWGATE, who=trust.KNOWN)
    yield Goal(trust.TRUST, "rate", 0.95, trust.KNOWN, who=trust.TRACED)


def _replicas() -> Iterator[Goal]:
    """Yield what a Get of a replica may cost the gateway beside one of the primary."""
    yield Goal(replicas.REPLICAS, "cpu", 1.05, ROWGATE, at_most=True, who=replicas.BY_WRITES)


def _bulk() -> Iterator[Goal]:
    for dataset in DATASETS:
        for against, wanted in ((bulk.COPY_MERGE, 1.0), (GO, 1.0), (bulk.EXECUTEMANY, 3.0)):
            for metric in _BOTH:
                yield Goal(bulk.name_of(dataset), metric, wanted, against)


def _streams() -> Iterator[Goal]:
    for dataset, who in product((ITEMS, FLIGHTS), OURS):
        yield Goal(streams.name_of(dataset), "rate", 0.8, streams.FETCH, who=who)
    for rows in streams.MEMORY_ROWS:
        yield Goal(streams.MEMORY, "growth", 50, at_most=True, at=rows, unit="MiB above idle")
