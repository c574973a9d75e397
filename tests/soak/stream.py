"""Stream of many rows: each once, in order, while the gateway's memory stays as it was when idle.

python -m tests.soak.stream [--rows 10000000] [--transport http2]
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import click

from gateway.db.embedded import EmbeddedPostgres
from gateway.schema.tables.metadata import build_tables
from tests.harness.client import Client
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import descriptors_of, schema_of
from tests.harness.process import ServerProcess

STREAM = "flow.v1.EventService/StreamEvents"
WARM = "id <= 50000"
SAMPLES_EVERY = 50
"""Chunks between two looks at the memory."""
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run showed.

    Args:
        idle: bytes that the gateway's processes held before it.
        most: the most that they held while it lasted.
        chunks: how many responses there were.
        seconds: how long it took.
        fetch_seconds: how long asyncpg took to fetch a tenth of the rows, times ten.

    """

    idle: int
    most: int
    chunks: int
    seconds: float
    fetch_seconds: float

    @property
    def grown(self) -> int:
        """Bytes over idle."""
        return self.most - self.idle


async def measure(folder: Path, rows: int, transport: str) -> Measured:
    """Stream `rows` rows; raises AssertionError where one is missing or out of order."""
    database = EmbeddedPostgres(folder / "postgres", settings={"fsync": "off"})
    dsn = await Databases(await asyncio.to_thread(database.start)).copy_of(
        "flow", build_tables(schema_of("flow")).metadata
    )
    await _fill(dsn, rows)
    settings = {"dsn": dsn, "listen": "127.0.0.1:0", "transport": transport, "log_level": "error"}
    gateway = await ServerProcess.start(descriptors_of("flow"), {**settings, "log_access": "none"})
    client = Client(gateway.target, descriptors_of("flow"))
    try:
        pids = [gateway.process.pid, *await gateway.workers()]
        async for _ in client.stream(STREAM, filter=WARM):
            pass
        idle = _resident(pids)
        begun = time.perf_counter()
        most, chunks = await _read(client, rows, pids)
        seconds = time.perf_counter() - begun
        return Measured(idle, most, chunks, seconds, 10 * await _fetch(dsn, rows // 10))
    finally:
        await client.close()
        await gateway.stop()
        await asyncio.to_thread(database.stop)


async def _fill(dsn: str, rows: int) -> None:
    fill = (
        "INSERT INTO event (id, name, amount, at, version) "
        "SELECT i, 'event ' || i, 7 * i, now(), 1 FROM generate_series(1, $1::bigint) AS i"
    )
    await fetch(dsn, fill, rows)
    await fetch(dsn, "VACUUM ANALYZE event")


async def _read(client: Client, rows: int, pids: list[int]) -> tuple[int, int]:
    last = chunks = most = 0
    async for chunk in client.stream(STREAM, timeout=3600):
        events = chunk.events
        assert events[0].id == last + 1
        last += len(events)
        assert events[-1].id == last
        if chunks % SAMPLES_EVERY == 0:
            most = max(most, _resident(pids))
        chunks += 1
    assert last == rows
    return most, chunks


async def _fetch(dsn: str, rows: int) -> float:
    connection = await asyncpg.connect(dsn)
    begun = time.perf_counter()
    await connection.fetch(
        "SELECT id, name, amount, at, note, version FROM event WHERE id <= $1 ORDER BY id", rows
    )
    seconds = time.perf_counter() - begun
    await connection.close()
    return seconds


def _resident(pids: list[int]) -> int:
    """Return the resident bytes of all the processes."""
    lines = (line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


@click.command()
@click.option("--rows", default=10_000_000)
@click.option("--transport", default="http")
def main(rows: int, transport: str) -> None:
    """Run it whole."""
    with TemporaryDirectory(prefix="rowgate-soak-") as folder:
        found = asyncio.run(measure(Path(folder), rows, transport))
    click.echo(f"{rows:,} rows over {transport}, each once and in order, in {found.chunks:,} responses")
    click.echo(
        f"resident: idle {found.idle / MIB:.1f} MiB, at most {found.grown / MIB:+.1f} MiB while streaming"
    )
    click.echo(
        f"{found.seconds:.1f} s, {rows / found.seconds:,.0f} rows/s; asyncpg's own fetch "
        f"{found.fetch_seconds:.1f} s: {found.fetch_seconds / found.seconds:.2f} of its speed"
    )


if __name__ == "__main__":
    main()
