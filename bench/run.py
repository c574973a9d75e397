"""Measures Rowgate beside what a team would write by hand; writes bench/results.json and docs/benchmarks.md.

Rounds are interleaved, so that a slow minute of the machine meets every contender. Each server is a process
of its own; all share one embedded PostgreSQL with its default settings, durable commits included.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from bench import contenders
from bench.data import AIRPORTS, CARRIERS, bulk_request, rows
from bench.measure import bulk_call, get_rate, seconds_of
from bench.peers import straight
from bench.report import write
from bench.tables import create_tables
from gateway.db.embedded import EmbeddedPostgres

KEYS = 20_000


@dataclass
class Series:
    """One contender's measurements of one piece of work."""

    work: str
    contender: str
    unit: str
    values: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it with its median and spread."""
        return {
            "work": self.work,
            "contender": self.contender,
            "unit": self.unit,
            "median": statistics.median(self.values),
            "low": min(self.values),
            "high": max(self.values),
            "values": self.values,
        }


class Bench:
    """Runs the rounds over one database."""

    def __init__(self, dsn: str, folder: Path, options: argparse.Namespace) -> None:
        self._dsn = dsn
        self._folder = folder
        self._rows = options.rows
        self._rounds = options.rounds
        self._seconds = options.seconds
        self._series: dict[tuple[str, str], Series] = {}

    async def run(self) -> list[dict[str, Any]]:
        """Return all series."""
        async with AsyncExitStack() as stack:
            connection = await asyncpg.connect(self._dsn)
            stack.push_async_callback(connection.close)
            await prepare(connection)
            served = await stack.enter_async_context(contenders.rowgate(self._dsn))
            alchemy = await stack.enter_async_context(contenders.peer("sqlalchemy_service", self._dsn))
            by_hand = await stack.enter_async_context(contenders.peer("asyncpg_service", self._dsn))
            for number in range(self._rounds + 1):
                await self._bulk_round(connection, served, alchemy, warm_up=number == 0)
            keys = await some_keys(connection)
            for number in range(self._rounds + 1):
                await self._get_round(keys, {"Rowgate": served, "grpc.aio + asyncpg": by_hand}, number == 0)
        return [series.as_json() for series in self._series.values()]

    async def _bulk_round(self, connection: Any, served: str, alchemy: str, *, warm_up: bool) -> None:
        new, changed = rows(self._rows, 1), rows(self._rows, 2)
        messages = {id(batch): bulk_request(batch) for batch in (new, changed)}
        ways = {
            "Rowgate": lambda batch: bulk_call(served, messages[id(batch)]),
            "COPY + MERGE through asyncpg": lambda batch: seconds_of(
                lambda: straight.upsert(connection, batch)
            ),
            "SQLAlchemy behind grpc.aio": lambda batch: bulk_call(alchemy, messages[id(batch)]),
        }
        for contender, way in ways.items():
            await connection.execute("TRUNCATE flight; CHECKPOINT")
            self._note("insert", contender, "s", await way(new), warm_up=warm_up)
            self._note("update", contender, "s", await way(changed), warm_up=warm_up)

    async def _get_round(self, keys: list[str], addresses: dict[str, str], warm_up: bool) -> None:  # noqa: FBT001
        for contender, address in addresses.items():
            rate = await get_rate(address, keys, 1 if warm_up else self._seconds, self._folder)
            self._note("get", contender, "calls/s", rate, warm_up=warm_up)

    def _note(self, work: str, contender: str, unit: str, value: float, *, warm_up: bool) -> None:
        print(f"{'warm-up' if warm_up else '':8}{work:8}{contender:32}{value:10.3f} {unit}", flush=True)
        if not warm_up:
            series = self._series.setdefault((work, contender), Series(work, contender, unit))
            series.values.append(value)


async def prepare(connection: Any) -> None:
    """Store what flights refer to."""
    await connection.execute("TRUNCATE airline, airport CASCADE")
    await connection.executemany(
        "INSERT INTO airline (carrier, name) VALUES ($1, $1)", [(carrier,) for carrier in CARRIERS]
    )
    await connection.executemany(
        "INSERT INTO airport"
        " (faa, name, latitude, longitude, altitude_feet, utc_offset_hours, daylight_saving)"
        " VALUES ($1, $1, 0, 0, 0, -5, 'DAYLIGHT_SAVING_US')",
        [(airport,) for airport in AIRPORTS],
    )


async def some_keys(connection: Any) -> list[str]:
    """Return random flights' ids."""
    await connection.execute("VACUUM ANALYZE flight")
    ids = [str(row[0]) for row in await connection.fetch("SELECT id FROM flight")]
    return random.Random(0).sample(ids, min(KEYS, len(ids)))  # noqa: S311 - keys, no secrets


async def main(options: argparse.Namespace) -> None:
    """Measure and write the report."""
    with tempfile.TemporaryDirectory(prefix="rowgate-bench-") as name:
        folder = Path(name)
        postgres = EmbeddedPostgres(folder / "postgres")
        dsn = postgres.start()
        try:
            await create_tables(dsn)
            results = await Bench(dsn, folder, options).run()
        finally:
            postgres.stop()
    write(results, options)


def arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="flights of one bulk upsert")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count, after one to warm up")
    parser.add_argument("--seconds", type=float, default=3, help="seconds of one load of GetFlight")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(arguments()))
