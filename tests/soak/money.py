"""Money is moved by clients at SERIALIZABLE while PostgreSQL is killed: none is made, lost or moved twice.

python -m tests.soak.money [--transfers 20000] [--kills 20] [--transport http] [--seed N]
"""

import asyncio
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import click
import grpc

from gateway.db.embedded import EmbeddedPostgres
from gateway.schema.tables.metadata import build_tables
from tests.db.servers import kill_server
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.harness.polling import next_poll
from tests.transactions.bank import ACCOUNTS, TRANSACT, TRANSFERS, set_cents, step

CLIENTS = 50
_ACCOUNTS = [f"account {n}" for n in range(20)]
_CENTS = 1000
_OPEN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNKNOWN)
"""The codes after which a transfer may have been made, or may be made by the same request."""


@dataclass
class Bank:
    """Clients, and what they were told.

    Args:
        transfers: how many are made.
        kills: how often PostgreSQL is killed meanwhile.
        chance: where random choices come from.

    """

    transfers: int
    kills: int
    chance: random.Random
    acknowledged: list[str] = field(default_factory=list)
    begun: int = 0
    refused: int = 0
    killed: int = 0

    async def run(self, folder: Path, transport: str) -> None:
        """Make all transfers; raises AssertionError where the books are wrong."""
        database = EmbeddedPostgres(folder / "postgres")
        databases = Databases(await asyncio.to_thread(database.start))
        try:
            dsn = await databases.copy_of("bank", build_tables(schema_of("bank")).metadata)
            gateway = await serve("bank", dsn, transport=transport, pool_size=16)
            try:
                await self._open_accounts(gateway)
                async with asyncio.TaskGroup() as group:
                    for _ in range(CLIENTS):
                        group.create_task(self._client(gateway))
                    group.create_task(self._kill(database))
                await self._check(gateway)
            finally:
                await gateway.stop()
        finally:
            await asyncio.to_thread(database.stop)

    async def _open_accounts(self, gateway: RunningGateway) -> None:
        rows = [{"id": name, "cents": _CENTS} for name in _ACCOUNTS]
        await gateway.call(f"{ACCOUNTS}/BulkUpsertAccounts", {"accounts": rows})

    async def _kill(self, database: EmbeddedPostgres) -> None:
        for n in range(self.kills):
            while len(self.acknowledged) < (n + 1) * self.transfers // (self.kills + 1):
                await next_poll()
            await asyncio.to_thread(kill_server, database)
            await asyncio.to_thread(database.start)
            self.killed += 1

    async def _client(self, gateway: RunningGateway) -> None:
        while self.begun < self.transfers:
            self.begun += 1
            source, target = self.chance.sample(_ACCOUNTS, 2)
            while not await self._moved(gateway, source, target):
                self.refused += 1

    async def _moved(self, gateway: RunningGateway, source: str, target: str) -> bool:
        """Move a cent; return whether that is done, and not refused."""
        request_id = str(UUID(int=self.chance.getrandbits(128), version=4))
        asked = {"ids": [source, target]}
        one, other = (await self._answered(gateway, f"{ACCOUNTS}/BatchGetAccounts", asked)).accounts
        transfer = {"source": source, "target": target, "cents": 1, "purpose": request_id}
        steps = [
            set_cents(source, one.cents - 1, one.etag),
            set_cents(target, other.cents + 1, other.etag),
            step(f"{TRANSFERS}/CreateTransfer", {"transfer": transfer}),
        ]
        isolation = "ISOLATION_LEVEL_SERIALIZABLE"
        request = {"steps": steps, "isolation": isolation, "requestId": request_id}
        try:
            await self._answered(gateway, TRANSACT, request)
        except RpcFailed as error:
            if error.code in (grpc.StatusCode.ABORTED, grpc.StatusCode.RESOURCE_EXHAUSTED):
                await asyncio.sleep(self.chance.random() * 0.05)
                return False
            raise
        self.acknowledged.append(request_id)
        return True

    async def _answered(self, gateway: RunningGateway, method: str, request: dict[str, Any]) -> Any:
        """Repeat a request until its outcome is known."""
        while True:
            try:
                return await gateway.call(method, request)
            except RpcFailed as error:
                if error.code not in _OPEN:
                    raise
            await asyncio.sleep(self.chance.random() * 0.2)

    async def _check(self, gateway: RunningGateway) -> None:
        made = [row["purpose"] for row in await gateway.sql("SELECT purpose FROM transfer")]
        assert sorted(made) == sorted(self.acknowledged), "a transfer was lost, or made twice"
        wrong = await gateway.sql(
            "SELECT id, cents FROM account AS a WHERE cents <> $1"
            " - (SELECT count(*) FROM transfer WHERE source = a.id)"
            " + (SELECT count(*) FROM transfer WHERE target = a.id)",
            _CENTS,
        )
        assert not wrong, wrong
        ((total,),) = [tuple(row.values()) for row in await gateway.sql("SELECT sum(cents) FROM account")]
        assert total == _CENTS * len(_ACCOUNTS)


@click.command()
@click.option("--transfers", default=20_000)
@click.option("--kills", default=20)
@click.option("--transport", default="http")
@click.option("--seed", type=int)
def main(transfers: int, kills: int, transport: str, seed: int | None) -> None:
    """Move money while PostgreSQL is killed."""
    seed = random.randrange(1 << 32) if seed is None else seed  # noqa: S311 - moments, no secrets
    click.echo(f"seed {seed}")
    bank = Bank(transfers, kills, random.Random(seed))  # noqa: S311 - as above
    with TemporaryDirectory() as folder:
        asyncio.run(bank.run(Path(folder), transport))
    click.echo(
        f"{len(bank.acknowledged)} transfers by {CLIENTS} clients, each there once; PostgreSQL killed "
        f"{bank.killed} times; {bank.refused} were refused and sent again; the sum is the same"
    )


if __name__ == "__main__":
    sys.exit(main())
