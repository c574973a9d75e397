"""Measures Rowgate beside what a team would write by hand; writes bench/results.json and docs/benchmarks.md.

Rounds are interleaved, so that a slow minute of the machine meets every contender. Each server is a process
of its own; all share one embedded PostgreSQL with its default settings, durable commits included.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from bench import contenders
from bench.data import AIRPORTS, CARRIERS
from bench.measure import bulk_call, get_rate, seconds_of
from bench.peers.straight import Straight
from bench.report import BY_HAND, EXECUTEMANY, GET, STRAIGHT, VALUES, write
from bench.subjects import FLIGHTS, PLAIN, SUBJECTS, Subject
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
        self._rounds = {subject.table: options.rounds for subject in SUBJECTS}
        self._rounds[PLAIN.table] = options.plain_rounds
        self._seconds = options.seconds
        self._series: dict[tuple[str, str], Series] = {}

    async def run(self) -> list[dict[str, Any]]:
        """Return all series."""
        async with AsyncExitStack() as stack:
            connection = await asyncpg.connect(self._dsn)
            stack.push_async_callback(connection.close)
            await prepare(connection)
            enter = stack.enter_async_context
            served = {s.table: await enter(contenders.rowgate(self._dsn, s.protos)) for s in SUBJECTS}
            executemany = await enter(contenders.peer("sqlalchemy_service", self._dsn, "executemany"))
            values = await enter(contenders.peer("sqlalchemy_service", self._dsn, "values"))
            for subject in SUBJECTS:
                servers = {"Rowgate": served[subject.table], EXECUTEMANY: executemany, VALUES: values}
                await self._bulk_rounds(subject, connection, servers)
            by_hand = await enter(contenders.peer("asyncpg_service", self._dsn))
            keys = await some_keys(connection)
            for number in range(self._rounds[FLIGHTS.table] + 1):
                addresses = {"Rowgate": served[FLIGHTS.table], BY_HAND: by_hand}
                await self._get_round(keys, addresses, number == 0)
        return [series.as_json() for series in self._series.values()]

    async def _bulk_rounds(self, subject: Subject, connection: Any, servers: Mapping[str, str]) -> None:
        request, _ = subject.messages()
        batches = [subject.rows(self._rows, seed) for seed in (1, 2)]
        messages = [subject.request(request, batch) for batch in batches]
        by_hand = Straight(subject)

        async def run(contender: str, number: int) -> float:
            if contender == STRAIGHT:
                return await seconds_of(lambda: by_hand.upsert(connection, batches[number]))
            return await bulk_call(servers[contender], subject.path, messages[number])

        ways = ["Rowgate", STRAIGHT, *(name for name in servers if name != "Rowgate")]
        for number in range(self._rounds[subject.table] + 1):
            # Each round begins with another contender: what one leaves behind meets them all.
            for contender in ways[number % len(ways) :] + ways[: number % len(ways)]:
                if contender == VALUES and number != self._rounds[subject.table]:
                    continue
                await connection.execute(f"TRUNCATE {subject.table}; CHECKPOINT")
                for place, work in enumerate(("insert", "update")):
                    seconds = await run(contender, place)
                    self._note(f"{work} {subject.table}", contender, "s", seconds, warm_up=number == 0)

    async def _get_round(self, keys: list[str], addresses: dict[str, str], warm_up: bool) -> None:  # noqa: FBT001
        for contender, address in addresses.items():
            rate = await get_rate(address, keys, 1 if warm_up else self._seconds, self._folder)
            self._note(GET, contender, "calls/s", rate, warm_up=warm_up)

    def _note(self, work: str, contender: str, unit: str, value: float, *, warm_up: bool) -> None:
        print(f"{'warm-up' if warm_up else '':8}{work:16}{contender:32}{value:10.3f} {unit}", flush=True)
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
            for subject in SUBJECTS:
                contenders.migrate(dsn, subject.protos)
            results = await Bench(dsn, folder, options).run()
        finally:
            postgres.stop()
    write(results, options)


def arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="rows of one bulk upsert")
    parser.add_argument("--plain-rounds", type=int, default=7, help="rounds over the plain table")
    parser.add_argument("--rounds", type=int, default=3, help="rounds over flights, after one to warm up")
    parser.add_argument("--seconds", type=float, default=3, help="seconds of one load of GetFlight")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(arguments()))
