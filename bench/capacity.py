"""What gateways, replicas and shards carry, by what a call costs: `python -m bench.capacity --gateways 4`.

A call costs its gateway and its database so many µs of a processor, as docs/benchmarks.json has it. What
there is of processors, divided by that, is what a part carries, and the part that carries the least is what
all of them carry together. `--measure` has the model's figures for 1, 2 and 4 workers stand beside measured
ones.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, fields
from math import inf
from typing import Any

from bench.contenders import ROOT
from bench.results import ONE_WORKER

MANY = 128
"""Calls in flight on one worker, at which costs are measured beside those of calls that come alone."""
_TOGETHER = 4
"""Shared statements that are under way at once, by default (coalesce.max_concurrent_batches)."""
_MICROS = 1e6
_MEASURED = ROOT / "docs" / "benchmarks.json"

ASSUMPTIONS = """\
It is assumed that
- calls in flight share as many statements as may be under way at once (coalesce.max_concurrent_batches, 4):
  what a call costs beside others is its part of a statement, and alone it costs a statement of its own;
- clients spread evenly over gateways and workers, and keys over shards, but for `skew`;
- processors are alike, and no disk, network or lock is full before they are;
- a replica replays a write for `replay` of what it costs the primary, which nobody has measured here;
- a call that asks all shards costs each of them as much as it would one.
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """µs of a processor a call, as it depends on how many are in flight on one worker.

    Args:
        least: what a call costs that shares all that can be shared.
        alone: what comes on top where it shares nothing.

    """

    least: float
    alone: float

    @classmethod
    def of(cls, alone: float, many: float, in_flight: float = MANY) -> "Cost":
        """Return the cost by two measurements: of a call alone, and of each of many in flight."""
        share = 1 / _sharing(in_flight)
        least = max((many - alone * share) / (1 - share), 0.0)
        return cls(least, alone - least)

    def at(self, in_flight: float) -> float:
        """Return the cost with so many calls in flight on one worker."""
        return self.least + self.alone / _sharing(in_flight)

    def times(self, factor: float) -> "Cost":
        """Return so many times the cost."""
        return Cost(self.least * factor, self.alone * factor)


def _sharing(in_flight: float) -> float:
    """Return how many calls share a statement."""
    return max(in_flight / _TOGETHER, 1.0)


@dataclass(frozen=True, slots=True)
class Costs:
    """What calls cost.

    Args:
        read: a Get in the gateway.
        write: an Update in the gateway.
        read_in_postgres: a Get in PostgreSQL.
        write_in_postgres: an Update in PostgreSQL.

    """

    read: Cost
    write: Cost
    read_in_postgres: Cost
    write_in_postgres: Cost


@dataclass(frozen=True, slots=True)
class Site:
    """What there is, and what is asked of it.

    Args:
        gateways: how many.
        workers: of each, with a processor each.
        in_flight: calls in flight on each worker.
        shards: primaries that divide the rows.
        replicas: of each shard.
        database_processors: of each primary and each replica.
        writes: the share of calls that write.
        fresh: the share of reads that replicas may answer, where there are some.
        replay: what a write costs a replica, of what it costs its primary.
        scattered: the share of calls that ask all shards.
        skew: how many times as much as the others the busiest shard has to do.
        used: how much of the processors may be used, before calls wait too long.

    """

    gateways: int = 1
    workers: int = 2
    in_flight: int = 64
    shards: int = 1
    replicas: int = 0
    database_processors: int = 4
    writes: float = 0.1
    fresh: float = 0.9
    replay: float = 0.5
    scattered: float = 0.0
    skew: float = 1.0
    used: float = 0.8


def carried(costs: Costs, site: Site) -> Mapping[str, float]:
    """Return how many calls a second each part carries."""
    reads, off = 1 - site.writes, site.fresh if site.replicas else 0.0
    in_gateway = reads * costs.read.at(site.in_flight) + site.writes * costs.write.at(site.in_flight)
    written = site.writes * costs.write_in_postgres.at(site.in_flight)
    # Each shard has its part of the calls, and all of those that ask every shard.
    part = site.scattered + (1 - site.scattered) * site.skew / (site.shards - 1 + site.skew)
    on_primary = written + reads * (1 - off) * _read(costs, site, (1 - off) / site.shards)
    processors = site.database_processors
    found = {
        "gateways": _rate(site.gateways * site.workers, in_gateway, site),
        "primaries": _rate(processors, part * on_primary, site),
    }
    if site.replicas:
        each = reads * off / site.replicas * _read(costs, site, off / site.replicas / site.shards)
        found["replicas"] = _rate(processors, part * (each + written * site.replay), site)
    return found


def _read(costs: Costs, site: Site, share: float) -> float:
    """Return what a read costs a database that has this share of a worker's: fewer meet in its statements."""
    return costs.read_in_postgres.at(site.in_flight * share)


def _rate(processors: float, micros: float, site: Site) -> float:
    return processors * site.used * _MICROS / micros if micros else float("inf")


def on_one_machine(costs: Costs, workers: int, in_flight: int, processors: int, generator: Cost) -> float:
    """Return the Gets a second where clients, gateway and PostgreSQL share the processors, and use them up.

    Args:
        costs: of calls.
        workers: of the one gateway.
        in_flight: calls, over all workers.
        processors: of the machine.
        generator: what a call costs who makes it.

    """
    whole = sum(cost.at(in_flight / workers) for cost in (costs.read, costs.read_in_postgres, generator))
    return min(workers * _MICROS / costs.read.at(in_flight / workers), processors * _MICROS / whole)


def measured_costs(series: list[Any], dataset: str = "item") -> Costs:
    """Return the costs that a run of the benchmarks found, of one worker.

    An Update that comes alone isn't among them: by a Get it is taken to be as dear as it is among many.
    """

    def at(verb: str, in_flight: int, metric: str) -> float:
        return _median(series, f"{verb} {dataset}, {in_flight} in flight", metric)

    def cost(metric: str) -> tuple[Cost, Cost]:
        many, update = at("Get", MANY, metric), at("Update", MANY, metric)
        read = Cost.of(at("Get", 1, metric), many)
        # Of a short run a Get may take less than a clock's tick.
        return read, read.times(update / many) if many else Cost(update, 0.0)

    (read, write), (read_in_postgres, write_in_postgres) = cost("cpu"), cost("cpu_postgres")
    return Costs(read, write, read_in_postgres, write_in_postgres)


def generator_cost(series: list[Any]) -> Cost:
    """Return what a Get cost who made it."""
    alone, many = (_median(series, f"Get item, {count} in flight", "cpu_load") for count in (1, MANY))
    return Cost.of(alone, many)


def _median(series: list[Any], workload: str, metric: str, contender: str = ONE_WORKER) -> float:
    (found,) = (one for one in series if (one["workload"], one["contender"]) == (workload, contender))
    return float(found["metrics"][metric]["median"])


def stored_series() -> list[Any]:
    """Return what the last `make bench` measured."""
    series: list[Any] = json.loads(_MEASURED.read_text())["series"]
    return series


def told(costs: Costs, site: Site) -> Iterator[str]:
    """Yield the lines that say what is carried, and by which part more isn't."""
    parts = carried(costs, site)
    least = min(parts, key=lambda part: parts[part])
    yield f"{'part':<12} {'calls/s':>10}"
    for part, rate in parts.items():
        yield f"{part:<12} {rate:>10,.0f}" + (
            "  the least: more of these carry more" if part == least else ""
        )


def _number(kind: type[int | float], least: float, most: float) -> Callable[[str], int | float]:
    """Return what reads a number of a kind, between two others."""

    def read(text: str) -> int | float:
        number = kind(text)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{text}: {least:g} to {most:g} is expected")
        return number

    read.__name__ = kind.__name__
    return read


def _reader(field: Field[Any]) -> Callable[[str], int | float]:
    if isinstance(field.default, int):
        return _number(int, 0 if field.name == "replicas" else 1, inf)
    if field.name == "skew":
        return _number(float, 1, inf)
    return _number(float, 0.01 if field.name == "used" else 0, 1)


def main() -> None:
    """Print what a site carries, or measure what this machine does beside what the model says of it."""
    parser = argparse.ArgumentParser(description=__doc__, epilog=ASSUMPTIONS)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    for field in fields(Site):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=_reader(field), default=field.default)
    parser.add_argument(
        "--dataset", choices=("item", "flight"), default="item", help="of narrow or wide rows"
    )
    parser.add_argument("--measure", action="store_true", help="1, 2 and 4 workers here, in about a minute")
    given = vars(parser.parse_args())
    dataset, measure = given.pop("dataset"), given.pop("measure")
    if measure:
        from bench.capacity_check import check  # noqa: PLC0415 - it takes the benchmarks' programs

        check()
        return
    for line in told(measured_costs(stored_series(), dataset), Site(**given)):
        print(line)
    print(f"\n{ASSUMPTIONS}", end="")


if __name__ == "__main__":
    main()
