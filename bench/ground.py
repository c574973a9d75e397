"""What every work stands on: one PostgreSQL, its rows, and the servers."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.contenders import Contender, Start
from bench.data import AIRPORTS, CARRIERS
from bench.figures import Figures
from bench.peers.straight import Straight
from bench.subjects import FLIGHTS, Subject

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
class Ground:
    """The database, a connection to it, and where figures go.

    Args:
        dsn: the database's.
        postmaster: its process.
        connection: for filling tables.
        folder: for files of the run.
        options: how long and how wide.
        figures: what is measured.

    """

    dsn: str
    postmaster: int
    connection: "asyncpg.Connection[Any]"
    folder: Path
    options: Options
    figures: Figures

    async def fill(self, subject: Subject, count: int) -> Sequence[Any]:
        """Give a table so many rows and nothing else; return keys of some, drawn at random."""
        await self.connection.execute(f"TRUNCATE {subject.table}")
        if subject is FLIGHTS:
            await self._store_what_flights_refer_to()
            await Straight(subject).upsert(self.connection, subject.rows(count, 1))
        else:
            await self.connection.execute(_FILL_ITEMS, count, timeout=600)
        await self.connection.execute(f"VACUUM ANALYZE {subject.table}", timeout=600)
        await self.connection.execute("CHECKPOINT", timeout=600)
        return await self._some_keys(subject, count)

    async def _some_keys(self, subject: Subject, count: int) -> Sequence[Any]:
        draw = random.Random(0)  # noqa: S311 - keys, no secrets
        if subject is not FLIGHTS:
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
                        self.figures.facts[f"Transport of {name}"] = contender.transport
                except Exception as error:  # noqa: BLE001 - whatever ails a contender, the others are measured
                    self.figures.fail(f"start of {name}", error)
            yield running
