"""Ingest while its client, the gateway and PostgreSQL are killed at random moments: every row is stored once.

python -m tests.soak.ingest [--rows 10000000] [--kills 30] [--transport http2] [--seed N]
"""

import asyncio
import os
import random
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import click

from gateway.db.embedded import EmbeddedPostgres
from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import descriptors_of, schema_of
from tests.harness.process import ServerProcess
from tests.harness.sample import ROOT, free_port

STREAM = "soak"
VICTIMS = ("client", "gateway", "database")


@dataclass
class Soak:
    """One run.

    Args:
        rows: how many rows are sent.
        chunk: rows of one chunk.
        kills: how many processes are killed, by turns of a random order.
        transport: what the gateway is served by.
        chance: where random moments come from.

    """

    rows: int
    chunk: int
    kills: int
    transport: str
    chance: random.Random
    acknowledged: int = 0
    calls_again: int = 0
    killed: Counter[str] = field(default_factory=Counter)

    async def run(self, folder: Path) -> None:
        """Send all rows; raises AssertionError where a row is missing, or a watermark ran ahead."""
        self._database = EmbeddedPostgres(folder / "postgres")
        databases = Databases(await asyncio.to_thread(self._database.start))
        self._dsn = await databases.copy_of("flow", build_tables(schema_of("flow")).metadata)
        self._target = f"127.0.0.1:{free_port()}"
        self._gateway = await self._start_gateway()
        self._client = await self._start_client()
        try:
            for number in range(self.kills):
                await self._until(self.acknowledged + self._pause(number))
                await self._kill(VICTIMS[number % len(VICTIMS)])
                await self._check_watermark()
            await self._finish()
            await self._check_rows()
        finally:
            await self._close()

    def _pause(self, number: int) -> int:
        """Return how many chunks pass before the next kill, so that all kills fall into the run."""
        chunks = -(-self.rows // self.chunk) - self.acknowledged
        return self.chance.randrange(1, max(2, 2 * chunks // (self.kills - number + 1)))

    async def _until(self, watermark: int) -> None:
        """Wait until the client has been told so much, and then a moment, to be amid a chunk."""
        while self.acknowledged < watermark and await self._read_line():
            pass
        await asyncio.sleep(self.chance.uniform(0, 0.1))

    async def _read_line(self) -> bool:
        """Take a line that the client printed; return whether there was one before its end."""
        assert self._client.stdout is not None
        line = (await self._client.stdout.readline()).decode().strip()
        if line.startswith("again"):
            self.calls_again += 1
        elif line:
            self.acknowledged = max(self.acknowledged, int(line))
        return bool(line)

    async def _kill(self, victim: str) -> None:
        self.killed[victim] += 1
        if victim == "client":
            self._client.kill()
            while await self._read_line():
                pass
            await self._client.wait()
            self._client = await self._start_client()
        elif victim == "gateway":
            await self._gateway.kill()
            self._gateway = await self._start_gateway()
        else:
            pid = self._database.postmaster_pid()
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await asyncio.to_thread(self._database.start)

    async def _check_watermark(self) -> None:
        """Compare what the client has been told with what is stored."""
        told = self.acknowledged
        ((stored,),) = [
            tuple(row.values()) for row in await self._ask("SELECT watermark FROM rowgate.ingest")
        ]
        assert told <= stored, f"the client was told of chunk {told}, but {stored} is the last that is stored"
        ((rows,),) = [
            tuple(row.values())
            for row in await self._ask("SELECT count(*) FROM event WHERE id <= $1", told * self.chunk)
        ]
        assert rows == min(told * self.chunk, self.rows), f"{rows} rows are stored of {told} chunks"

    async def _ask(self, sql: str, *args: object) -> list[dict[str, int]]:
        """Ask the database, which may be recovering."""
        async with asyncio.timeout(60):
            while True:
                with suppress(asyncpg.PostgresError, OSError):
                    return [dict(row) for row in await fetch(self._dsn, sql, *args)]
                await asyncio.sleep(0.05)

    async def _finish(self) -> None:
        while await self._read_line():
            pass
        assert await self._client.wait() == 0, "the client gave up"

    async def _check_rows(self) -> None:
        (found,) = await self._ask(
            "SELECT count(*) AS n, min(id) AS first, max(id) AS last, max(version) AS version, "
            "count(*) FILTER (WHERE amount <> 7 * id) AS bad FROM event"
        )
        assert found == {"n": self.rows, "first": 1, "last": self.rows, "bad": 0, "version": 1}, found

    async def _start_gateway(self) -> ServerProcess:
        settings = {
            "dsn": self._dsn,
            "listen": self._target,
            "transport": self.transport,
            "log_level": "error",
        }
        return await ServerProcess.start(
            descriptors_of("flow"), {**settings, "log_access": "none", "drain_timeout": 1}
        )

    async def _start_client(self) -> Process:
        arguments = (self._target, STREAM, str(self.rows), str(self.chunk))
        return await create_subprocess_exec(
            *(sys.executable, "-m", "tests.soak.ingest_client", *arguments), cwd=ROOT, stdout=PIPE
        )

    async def _close(self) -> None:
        if self._client.returncode is None:
            self._client.kill()
            await self._client.wait()
        await self._gateway.stop()
        await asyncio.to_thread(self._database.stop)


@click.command()
@click.option("--rows", default=10_000_000)
@click.option("--chunk", default=20_000)
@click.option("--kills", default=30)
@click.option("--transport", default="http")
@click.option("--seed", default=None, type=int)
def main(rows: int, chunk: int, kills: int, transport: str, seed: int | None) -> None:
    """Run it whole."""
    seed = random.randrange(1 << 32) if seed is None else seed  # noqa: S311 - moments, no secrets
    click.echo(f"{rows:,} rows in chunks of {chunk:,} over {transport}, {kills} kills, seed {seed}")
    soak = Soak(rows, chunk, kills, transport, random.Random(seed))  # noqa: S311 - as above
    begun = time.monotonic()
    with TemporaryDirectory(prefix="rowgate-soak-") as folder:
        asyncio.run(soak.run(Path(folder)))
    seconds = time.monotonic() - begun
    killed = ", ".join(f"{victim} {count}" for victim, count in soak.killed.items())
    click.echo(f"every row is stored once; killed: {killed}; calls made again: {soak.calls_again}")
    click.echo(f"{seconds:.0f} s in all, {rows / seconds:,.0f} rows/s with the kills in it")


if __name__ == "__main__":
    main()
