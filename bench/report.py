"""The results as JSON and as a page of the documentation."""

import argparse
import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

_TIMES = "\N{MULTIPLICATION SIGN}"
ROOT = Path(__file__).parent.parent

_TITLES = {
    "insert": "BulkUpsert of {rows:,} new flights",
    "update": "BulkUpsert of {rows:,} stored flights, all changed",
    "get": "GetFlight, 128 calls in flight, random keys",
}
_BOUNDS = {
    ("insert", "COPY + MERGE through asyncpg"): 0.8,
    ("update", "COPY + MERGE through asyncpg"): 0.8,
    ("insert", "SQLAlchemy behind grpc.aio"): 3.0,
    ("update", "SQLAlchemy behind grpc.aio"): 3.0,
}
_PAGE = """# Benchmarks

Written by `make bench`; figures are this machine's. Compare ratios, not figures.

- Machine: {machine}
- Software: Python {python}, PostgreSQL 18 (embedded, default settings, durable commits), asyncpg {asyncpg},
  grpcio {grpcio}, SQLAlchemy {sqlalchemy}
- Command: `make bench` ({rounds} rounds, interleaved, after one to warm up)

The table is the sample's `flight`: nineteen columns, a primary key, a unique key of four columns, three
more indexes, two foreign keys and four checks. Every server is a process of its own on the same machine as
PostgreSQL and the client. BulkUpsert is timed at its client, serialising included; the straight COPY + MERGE
gets ready tuples and checks nothing but what PostgreSQL checks. The services that it stands beside are in
`bench/peers/`.

| work | contender | median | spread | Rowgate is | asked for |
|---|---|---|---|---|---|
{lines}
"""


def write(results: Sequence[Mapping[str, Any]], options: argparse.Namespace) -> None:
    """Write bench/results.json and docs/benchmarks.md; print the table."""
    lines = "\n".join(_line(result, results, options.rows) for result in results)
    print(lines)
    document = {"machine": _machine(), "rows": options.rows, "rounds": options.rounds, "results": results}
    (ROOT / "bench" / "results.json").write_text(json.dumps(document, indent=2) + "\n")
    versions = {name: version(name) for name in ("asyncpg", "grpcio", "sqlalchemy")}
    page = _PAGE.format(
        machine=_machine(), python=platform.python_version(), rounds=options.rounds, lines=lines, **versions
    )
    (ROOT / "docs" / "benchmarks.md").write_text(page)


def ratio(result: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> float:
    """Return how many times as fast as this contender Rowgate is."""
    (ours,) = (r for r in results if r["work"] == result["work"] and r["contender"] == "Rowgate")
    faster = result["median"] / ours["median"]
    return 1 / faster if result["unit"] == "calls/s" else faster


def _line(result: Mapping[str, Any], results: Sequence[Mapping[str, Any]], rows: int) -> str:
    digits = 0 if result["unit"] == "calls/s" else 2
    shown = {name: f"{result[name]:,.{digits}f}" for name in ("median", "low", "high")}
    bound = _BOUNDS.get((result["work"], result["contender"]))
    rival = result["contender"] != "Rowgate"
    cells = [
        _TITLES[result["work"]].format(rows=rows),
        result["contender"],
        f"{shown['median']} {result['unit']}",
        f"{shown['low']} to {shown['high']}",
        f"{ratio(result, results):.2f}{_TIMES} as fast" if rival else "",
        f"{bound}{_TIMES}" if bound else "",
    ]
    return f"| {' | '.join(cells)} |"


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} CPUs ({_cpu()}), {memory:.0f} GiB, {platform.system()}"


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
