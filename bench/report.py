"""The results as JSON and as a page of the documentation."""

import argparse
import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

_TIMES = "\N{MULTIPLICATION SIGN}"
ROOT = Path(__file__).parent.parent

STRAIGHT = "COPY + MERGE through asyncpg"
EXECUTEMANY = "SQLAlchemy, executemany"
VALUES = "SQLAlchemy, VALUES of many rows"
BY_HAND = "grpc.aio + asyncpg"
GET = "get flight"
_WORKS = ("insert", "update")

_TITLES = {
    "insert item": "{rows:,} new plain rows",
    "update item": "{rows:,} stored plain rows, all changed",
    "insert flight": "{rows:,} new flights",
    "update flight": "{rows:,} stored flights, all changed",
    GET: "GetFlight, 128 calls in flight, random keys",
}
_BOUNDS = {STRAIGHT: 0.8, EXECUTEMANY: 3.0, VALUES: 3.0}
_PAGE = """# Benchmarks

Written by `make bench`; figures are this machine's. Compare ratios, not figures.

- Machine: {machine}
- Software: Python {python}, PostgreSQL 18 (embedded, default settings, durable commits), asyncpg {asyncpg},
  grpcio {grpcio}, SQLAlchemy {sqlalchemy}
- Command: `make bench`. Contenders take turns in every round; a first round warms up and doesn't count.
  A ratio is taken within each round; shown are its median, lowest and highest.
  VALUES takes part in the last of the rounds only, for it takes long.
- Load of the machine over the run: {load}

Every server is a process of its own on the same machine as PostgreSQL and the client; they share its CPUs.
BulkUpsert is timed at its client, serialising included. COPY + MERGE gets ready tuples in the process that
measures: no message, no network call, no check but PostgreSQL's, and it can't say what became of a row. The
services that Rowgate stands beside are in `bench/peers/`; SQLAlchemy is there in both ways of writing it:
`executemany`, and one statement for as many rows as its parameters allow. Both stand behind grpc.aio.

## Plain rows

The table `item` of `bench/protos`: five columns (int64 key, text, double, timestamp, int64), about 100 bytes
a row, no index but the key's. Here the way the rows take into PostgreSQL dominates.

{plain}

## Flights

The sample's `flight`: nineteen columns, a primary key with a random UUID, a unique key of four columns, three
more indexes, two foreign keys and four checks. Here PostgreSQL's work on indexes, foreign keys and checks
dominates, and is the same whoever sends the rows: even the bare COPY + MERGE is only {bare_insert:.1f} times
as fast as SQLAlchemy's executemany on new flights, and {bare_update:.1f} times on changed ones.

{flights}

## Single reads

{gets}
"""
_HEAD = """| work | contender | median | spread | Rowgate is | lowest to highest | asked for |
|---|---|---|---|---|---|---|
"""
Result = Mapping[str, Any]
Results = Sequence[Result]


def write(results: Results, options: argparse.Namespace) -> None:
    """Write bench/results.json and docs/benchmarks.md; print the tables."""
    document = {"machine": _machine(), "rows": options.rows, "results": results}
    (ROOT / "bench" / "results.json").write_text(json.dumps(document, indent=2) + "\n")
    versions = {name: version(name) for name in ("asyncpg", "grpcio", "sqlalchemy")}
    bare = [median(_ratios(results, f"{work} flight", STRAIGHT, EXECUTEMANY)) for work in _WORKS]
    page = _PAGE.format(
        machine=_machine(),
        python=platform.python_version(),
        load=", ".join(f"{load:.1f}" for load in os.getloadavg()) + " (1, 5, 15 minutes before its end)",
        plain=_table(results, options.rows, *(f"{work} item" for work in _WORKS)),
        flights=_table(results, options.rows, *(f"{work} flight" for work in _WORKS)),
        gets=_table(results, options.rows, GET),
        bare_insert=bare[0],
        bare_update=bare[1],
        **versions,
    )
    print(page)
    (ROOT / "docs" / "benchmarks.md").write_text(page)


def _table(results: Results, rows: int, *works: str) -> str:
    chosen = (result for work in works for result in results if result["work"] == work)
    return _HEAD + "\n".join(_line(result, results, rows) for result in sorted(chosen, key=_place))


def _place(result: Result) -> tuple[int, int]:
    order = ["Rowgate", STRAIGHT, EXECUTEMANY, VALUES, BY_HAND]
    return list(_TITLES).index(result["work"]), order.index(result["contender"])


def _ratios(results: Results, work: str, ours: str, theirs: str) -> list[float]:
    """Return round by round how many times as fast as the one the other is."""
    by_name = {result["contender"]: result for result in results if result["work"] == work}
    mine, others = by_name[ours]["values"], by_name[theirs]["values"]
    # A contender that takes long is in the last rounds only.
    pairs = list(zip(mine[-len(others) :], others, strict=True))
    if by_name[ours]["unit"] == "calls/s":
        return [mine / other for mine, other in pairs]
    return [other / mine for mine, other in pairs]


def _line(result: Result, results: Results, rows: int) -> str:
    digits = 0 if result["unit"] == "calls/s" else 3
    shown = {name: f"{result[name]:,.{digits}f}" for name in ("median", "low", "high")}
    cells = [
        _TITLES[result["work"]].format(rows=rows),
        result["contender"],
        f"{shown['median']} {result['unit']}",
        f"{shown['low']} to {shown['high']}",
        *_compared(result, results),
    ]
    return f"| {' | '.join(cells)} |"


def _compared(result: Result, results: Results) -> list[str]:
    if result["contender"] == "Rowgate":
        return ["", "", ""]
    ratios = _ratios(results, result["work"], "Rowgate", result["contender"])
    bound = _BOUNDS.get(result["contender"])
    return [
        f"{median(ratios):.2f}{_TIMES} as fast",
        f"{min(ratios):.2f} to {max(ratios):.2f}",
        f"{bound}{_TIMES}" if bound else "",
    ]


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} CPUs ({_cpu()}), {memory:.0f} GiB, {platform.system()}"


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
