"""Reads with tokens while a replica's replay is held up: none misses the write that its token is of.

python -m tests.soak.replicas [--reads 1000000] [--held-up 2.0] [--delay 0] [--workers 1] [--seed N]
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import click
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from gateway.db.embedded import EmbeddedPostgres
from gateway.schema.tables.metadata import build_tables
from tests.harness.client import Client
from tests.harness.databases import FORGETFUL, Databases
from tests.harness.gateway import descriptors_of, schema_of, serve
from tests.harness.http import ask
from tests.harness.polling import next_poll
from tests.harness.sample import free_port
from tests.harness.standby import pause, resume, standby_of
from tests.replicas.caller import Caller

READERS = 64
WRITERS = 4
_ACCOUNTS = [f"account {n}" for n in range(100)]
_TENTH = 10


@dataclass(frozen=True, slots=True)
class Size:
    """How much is tried.

    Args:
        reads: with tokens.
        held_up: the most seconds that replay is held up at a time; 0 for never.
        delay: milliseconds by which each commit is replayed later.
        workers: of the gateway.

    """

    reads: int
    held_up: float = 2.0
    delay: int = 0
    workers: int = 1


@dataclass
class Readers:
    """Clients that read what was written last, each by that write's token.

    Args:
        size: of the whole.
        chance: where random choices come from.

    """

    size: Size
    chance: random.Random
    told: dict[str, tuple[int, str]] = field(default_factory=dict)
    read: int = 0
    written: int = 0
    stale: int = 0
    held_up: int = 0
    by_replica: float = 0.0
    by_primary: float = 0.0
    seconds: float = 0.0

    async def run(self, folder: Path) -> None:
        """Make all reads."""
        async with cluster(folder, self.size.delay) as (databases, standby):
            dsn = await databases.copy_of("bank", build_tables(schema_of("bank")).metadata)
            read_dsn = Databases(standby).url(dsn.rpartition("/")[2].partition("?")[0])
            admin = f"127.0.0.1:{free_port()}"
            given = {"read_dsn": read_dsn, "admin_listen": admin, "workers": self.size.workers}
            gateway = await serve("bank", dsn, transport="http", apart=True, **given)
            try:
                await self._read_and_write(gateway.target, standby)
                await self._count(admin)
            finally:
                await gateway.stop()

    async def _read_and_write(self, target: str, standby: str) -> None:
        begun = monotonic()
        clients = [
            Client(target, descriptors_of("bank"), [("grpc.use_local_subchannel_pool", 1)]) for _ in range(8)
        ]
        callers = [Caller(one) for one in clients]
        for account in _ACCOUNTS:
            self.told[account] = (0, await callers[0].open(account, 0))
        async with asyncio.TaskGroup() as group:
            for n in range(WRITERS):
                group.create_task(self._write(callers[n % 8], _ACCOUNTS[n::WRITERS]))
            for n in range(READERS):
                group.create_task(self._read(callers[n % 8]))
            group.create_task(self._hold_up(standby))
        for client in clients:
            await client.close()
        self.seconds = monotonic() - begun

    @property
    def _is_over(self) -> bool:
        return self.read >= self.size.reads

    async def _write(self, caller: Caller, accounts: list[str]) -> None:
        while not self._is_over:
            account = self.chance.choice(accounts)
            cents = self.told[account][0] + 1
            self.told[account] = (cents, await caller.put(account, cents))
            self.written += 1
            # A tenth of the calls are writes.
            due = self.written * _TENTH
            while self.read < due and not self._is_over:
                await next_poll()

    async def _read(self, caller: Caller) -> None:
        while not self._is_over:
            self.read += 1
            account = self.chance.choice(_ACCOUNTS)
            cents, told = self.told[account]
            if await caller.cents(account, told) < cents:
                self.stale += 1

    async def _hold_up(self, standby: str) -> None:
        while self.size.held_up and not self._is_over:
            await asyncio.sleep(self.chance.random())
            await pause(standby)
            self.held_up += 1
            await asyncio.sleep(self.chance.random() * self.size.held_up)
            await resume(standby)

    async def _count(self, admin: str) -> None:
        answer = await ask(admin, "GET", "/metrics")
        for family in text_string_to_metric_families(answer.body.decode()):
            for one in family.samples:
                if one.labels.get("outcome") == "answered":
                    self.by_replica += one.value
                elif one.name == "rowgate_primary_reads_total":
                    self.by_primary += one.value

    def __str__(self) -> str:
        share = 100 * self.by_replica / (self.by_replica + self.by_primary)
        return (
            f"replicas: {self.read} reads with tokens of {self.written} writes, {self.stale} stale; "
            f"{share:.1f} % by the replica, whose replay was held up {self.held_up} times; "
            f"{self.seconds:.0f} s"
        )


@asynccontextmanager
async def cluster(folder: Path, delay: int) -> AsyncIterator[tuple[Databases, str]]:
    """Run a primary with one standby, which replays so many milliseconds late; give the DSN of this one."""
    primary = EmbeddedPostgres(folder / "primary", settings=FORGETFUL)
    try:
        databases = Databases(await asyncio.to_thread(primary.start))
        late = {"recovery_min_apply_delay": f"{delay}ms"}
        standby = await asyncio.to_thread(standby_of, databases.dsn, folder / "standby", **late)
        try:
            yield databases, await asyncio.to_thread(standby.start)
        finally:
            await asyncio.to_thread(standby.stop)
    finally:
        await asyncio.to_thread(primary.stop)


@click.command()
@click.option("--reads", default=1_000_000)
@click.option("--held-up", default=2.0)
@click.option("--delay", default=0)
@click.option("--workers", default=1)
@click.option("--seed", type=int)
def main(reads: int, held_up: float, delay: int, workers: int, seed: int | None) -> None:
    """Read what was written while a replica's replay is held up."""
    seed = random.randrange(1 << 32) if seed is None else seed  # noqa: S311 - moments, no secrets
    click.echo(f"seed {seed}")
    readers = Readers(Size(reads, held_up, delay, workers), random.Random(seed))  # noqa: S311 - as above
    with TemporaryDirectory(dir=Path("/dev/shm") if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108 - as in tests/conftest.py
        Path(folder).chmod(0o755)
        asyncio.run(readers.run(Path(folder)))
    click.echo(str(readers))
    if readers.stale:
        raise SystemExit("some missed what their token is of")


if __name__ == "__main__":
    sys.exit(main())
