"""Measures Rowgate beside what a team would write by hand; writes docs/benchmarks.md, its JSON and charts.

Rounds are interleaved, so that a slow minute of the machine meets every contender. Each server is a process
of its own; all share one embedded PostgreSQL with durable commits. What fails is reported; the rest goes on.
"""

import argparse
import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from bench import contenders, golang, report
from bench.datasets import DATASETS
from bench.results import Results
from bench.run_facts import load_average, run_facts
from bench.testbed import Options, Testbed
from bench.workloads.bulk import bulk
from bench.workloads.calls import gets, updates
from bench.workloads.clients import real_clients
from bench.workloads.ghz import ghz
from bench.workloads.replicas import replicas
from bench.workloads.rest import rest
from bench.workloads.scaling import concurrency, idle
from bench.workloads.sizes import batches, pages, tables
from bench.workloads.start import start
from bench.workloads.streams import streams
from bench.workloads.trust import trust
from gateway.db.embedded import EmbeddedPostgres

WORKLOADS: Mapping[str, Callable[[Testbed], Awaitable[None]]] = {
    "get": gets,
    "update": updates,
    "rest": rest,
    "bulk": bulk,
    "stream": streams,
    "pages": pages,
    "tables": tables,
    "batches": batches,
    "concurrency": concurrency,
    "idle": idle,
    "start": start,
    "ghz": ghz,
    "clients": real_clients,
    "trust": trust,
    "replicas": replicas,
}
# 128 clients of pgbench beside the pools: PostgreSQL's own default is 100 connections in all.
_POSTGRES = {"max_connections": "400"}


async def main(only: Sequence[str], options: Options) -> Results:
    """Measure the workloads that are named."""
    results, started = Results(), time.monotonic()
    results.facts |= run_facts() | {"Load of the machine before": load_average()}
    try:
        await asyncio.to_thread(golang.build)
    except golang.NoGoError as error:
        results.fail("the load generator and the Go service", error)
    async with database() as (dsn, postmaster, folder):
        for name in only:
            try:
                async with connected(dsn) as connection:
                    await WORKLOADS[name](Testbed(dsn, postmaster, connection, folder, options, results))
            except Exception as error:  # noqa: BLE001 - one workload's trouble is not the others'
                results.fail(name, error)
    results.facts |= {
        "Took": f"{(time.monotonic() - started) / 60:.1f} minutes",
        "Load of the machine at the end": f"{load_average()} (over 1, 5, 15 minutes)",
    }
    return results


async def cancelled_by_sigterm(measured: Coroutine[Any, Any, Results]) -> Results:
    """Let SIGTERM do what an interrupt does: the servers and the database are stopped."""
    task = asyncio.ensure_future(measured)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


@asynccontextmanager
async def database() -> AsyncIterator[tuple[str, int, Path]]:
    """Start PostgreSQL in a folder that is removed at the end; yield its DSN, its process and the folder."""
    with tempfile.TemporaryDirectory(prefix="rowgate-bench-") as name:
        postgres = EmbeddedPostgres(Path(name) / "postgres", settings=_POSTGRES)
        dsn = await asyncio.to_thread(postgres.start)
        try:
            for dataset in DATASETS:
                contenders.migrate(dsn, dataset.protos)
            yield dsn, postgres.postmaster_pid() or 0, Path(name)
        finally:
            await asyncio.to_thread(postgres.stop)


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """Connect for one workload: what a workload may do to a connection is not the next one's."""
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        connection.terminate()


def arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(WORKLOADS), help="parts, by commas: %(default)s")
    parser.add_argument("--quick", action="store_true", help="a look in two minutes: short loads, few rounds")
    parser.add_argument(
        "--full", action="store_true", help="with what takes long: 10^7 rows, slow contenders"
    )
    parser.add_argument("--rounds", type=int, help="rounds that count, after one to warm up")
    parser.add_argument("--seconds", type=float, help="seconds of one load")
    parser.add_argument("--rows", type=int, default=50_000, help="rows of one bulk upsert")
    parser.add_argument("--stored", type=int, default=100_000, help="rows of the tables that calls meet")
    parser.add_argument("--no-report", action="store_true", help="only print: write no document")
    given = parser.parse_args()
    unknown = set(given.only.split(",")) - set(WORKLOADS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    return given


def run(given: argparse.Namespace) -> None:
    """Measure and write the report."""
    options = Options(
        seconds=given.seconds or (0.5 if given.quick else 2.0),
        rounds=given.rounds or (1 if given.quick else 3),
        short=0.3 if given.quick else 1.0,
        few=1 if given.quick else 2,
        sparse=2 if given.quick else 1,
        rows=given.rows,
        stored=given.stored,
        full=given.full,
    )
    results = asyncio.run(cancelled_by_sigterm(main(given.only.split(","), options)))
    if not given.no_report:
        report.write(results, options, report.DOCS)


if __name__ == "__main__":
    run(arguments())
