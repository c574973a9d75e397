"""The testbed of every workload: one PostgreSQL, its rows, and the servers."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.contenders import Contender, Start
from bench.datasets import FLIGHTS, Dataset
from bench.flight_rows import AIRPORTS, CARRIERS
from bench.peers.copy_merge import CopyMerge
from bench.results import Results

if TYPE_CHECKING:
    import asyncpg

_KEYS = 50_000
_FILL_ITEMS = """
INSERT INTO item (id, name, price, seen_time, quantity)
SELECT n, format('item %s %s', lpad(n::text, 12, '0'), md5(n::text)), n % 1000 + 0.5,
       '2024-01-01'::timestamptz + n * interval '1 second', n % 1000000
FROM generate_series(1, $1::bigint) AS n
"""


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how wide the run is.

    Args:
        seconds: of one load.
        rounds: that count.
        short: seconds of one load at a point of a curve.
        few: rounds of a curve.
        sparse: of so many points of a long curve one is measured.
        rows: of one bulk upsert.
        stored: rows of the tables that calls read and change.
        full: whether what takes long is measured too.

    """

    seconds: float
    rounds: int
    short: float
    few: int
    sparse: int
    rows: int
    stored: int
    full: bool


@dataclass(frozen=True, slots=True)
class Testbed:
    """The database, a connection to it, and where results go.

    Args:
        dsn: the database's.
        postmaster: its process.
        connection: for filling tables.
        folder: for files of the run.
        options: how long and how wide.
        results: what is measured.

    """

    dsn: str
    postmaster: int
    connection: "asyncpg.Connection[Any]"
    folder: Path
    options: Options
    results: Results

    async def fill(self, dataset: Dataset, count: int) -> Sequence[Any]:
        """Give a table so many rows and nothing else; return keys of some, drawn at random."""
        await self.connection.execute(f"TRUNCATE {dataset.table} CASCADE")
        if dataset is FLIGHTS:
            await self._store_what_flights_refer_to()
            await CopyMerge(dataset).upsert(self.connection, dataset.rows(count, 1))
        else:
            await self.connection.execute(_FILL_ITEMS, count, timeout=600)
        await self.connection.execute(f"VACUUM ANALYZE {dataset.table}", timeout=600)
        await self.connection.execute("CHECKPOINT", timeout=600)
        return await self._some_keys(dataset, count)

    async def _some_keys(self, dataset: Dataset, count: int) -> Sequence[Any]:
        draw = random.Random(0)  # noqa: S311 - keys, no secrets
        if dataset is not FLIGHTS:
            return draw.sample(range(1, count + 1), min(_KEYS, count))
        keys = [str(row[0]) for row in await self.connection.fetch("SELECT id FROM flight")]
        return draw.sample(keys, min(_KEYS, count))

    async def _store_what_flights_refer_to(self) -> None:
        await self.connection.execute("TRUNCATE airline, airport CASCADE")
        await self.connection.executemany(
            "INSERT INTO airline (carrier, name) VALUES ($1, $1)", [(carrier,) for carrier in CARRIERS]
        )
        await self.connection.executemany(
            "INSERT INTO airport"
            " (faa, name, latitude, longitude, altitude_feet, utc_offset_hours, daylight_saving)"
            " VALUES ($1, $1, 0, 0, 0, -5, 'DAYLIGHT_SAVING_US')",
            [(airport,) for airport in AIRPORTS],
        )

    @asynccontextmanager
    async def running(self, *servers: tuple[str, Start]) -> AsyncIterator[list[Contender]]:
        """Run servers; one that doesn't start is reported and left out."""
        async with AsyncExitStack() as stack:
            running: list[Contender] = []
            for name, start in servers:
                try:
                    contender = await stack.enter_async_context(start())
                    running.append(contender)
                    if contender.transport:
                        self.results.facts[f"Transport of {name}"] = contender.transport
                except Exception as error:  # noqa: BLE001 - whatever ails a contender, the others are measured
                    self.results.fail(f"start of {name}", error)
            yield running
