"""PostgreSQL is killed under load: nothing hangs, nothing is doubled, nothing reported as done is lost."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.db.embedded import EmbeddedPostgres
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, start_gateway

DEADLINE = 3.0
SLACK = 5.0  # a busy machine's scheduling, past the deadline
WORKERS = 6
POOL = 4
ACCOUNTS = "ledger.v1.AccountService"


@dataclass
class Load:
    """What the workers saw. `revisions` counts, by account, the answered and the unknown updates."""

    gateway: RunningGateway
    slowest: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    answered: Counter[int] = field(default_factory=Counter)
    unknown: Counter[int] = field(default_factory=Counter)
    created: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    progress: asyncio.Condition = field(default_factory=asyncio.Condition)
    over: bool = False

    async def call(self, method: str, **request: object) -> str:
        """Call once; return `OK` or the error's reason or code, and note how long it took."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            await self.gateway.client.call(f"{ACCOUNTS}/{method}", request, timeout=DEADLINE)
            outcome = "OK"
        except RpcFailed as error:
            outcome = error.reason or error.code.name
        self.slowest = max(self.slowest, loop.time() - begun)
        async with self.progress:
            self.outcomes[f"{method} {outcome}"] += 1
            self.progress.notify_all()
        return outcome

    async def until(self, **wanted: int) -> None:
        """Wait until each method has been answered OK as often as asked, from now on."""
        goals = {f"{name} OK": self.outcomes[f"{name} OK"] + count for name, count in wanted.items()}
        async with asyncio.timeout(60), self.progress:
            await self.progress.wait_for(lambda: all(self.outcomes[k] >= n for k, n in goals.items()))

    async def until_failing(self) -> None:
        """Wait until a call has failed."""
        async with asyncio.timeout(30), self.progress:
            await self.progress.wait_for(lambda: any(not name.endswith(" OK") for name in self.outcomes))


async def update_for_ever(load: Load, number: int) -> None:
    """Rename one account again and again: each update raises its revision by one."""
    count = 0
    while not load.over:
        count += 1
        account = {"book": "main", "number": number, "title": f"{number} {count}"}
        outcome = await load.call("UpdateAccount", account=account, update_mask="title")
        if outcome == "OK":
            load.answered[number] += 1
        elif outcome in {"COMMIT_OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED"}:
            load.unknown[number] += 1


async def create_for_ever(load: Load, worker: int) -> None:
    """Create account after account."""
    number = 1000 * 1000 * (worker + 1)
    while not load.over:
        number += 1
        outcome = await load.call("CreateAccount", account=account_of(number))
        if outcome == "OK":
            load.created.add(number)
        elif outcome not in {"COMMIT_OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED"}:
            load.refused.add(number)


async def read_for_ever(load: Load, number: int) -> None:
    """Read one account again and again."""
    while not load.over:
        await load.call("GetAccount", book="main", number=number)


def account_of(number: int) -> dict[str, object]:
    return {"book": "main", "number": number, "title": str(number), "iban": str(number)}


@pytest.fixture
async def server(data_folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """Start a PostgreSQL that may be killed, and that flushes what it commits."""
    server = EmbeddedPostgres(data_folder / "failover")
    yield server
    server.stop()


async def test_killed_under_load(server: EmbeddedPostgres, transport: str) -> None:
    """No call passes its deadline, reads come back, writes are exact, and the pool is whole afterwards."""
    databases = Databases(await asyncio.to_thread(server.start))
    gateway = await start_gateway("ledger", databases, transport=transport, pool_size=POOL)
    load = Load(gateway)
    try:
        async with asyncio.TaskGroup() as workers:
            for number in range(WORKERS):
                await gateway.call(f"{ACCOUNTS}/CreateAccount", {"account": account_of(number)})
                workers.create_task(update_for_ever(load, number))
                workers.create_task(create_for_ever(load, number))
                workers.create_task(read_for_ever(load, number))
            await kill_twice(server, load)
            load.over = True
        assert load.slowest < DEADLINE + SLACK
        await check_writes(load)
        await check_pool(gateway)
    finally:
        await gateway.stop()


async def kill_twice(server: EmbeddedPostgres, load: Load) -> None:
    """Kill -9 the server under load, start it again, wait until all goes on; and once more."""
    for _ in range(2):
        await load.until(GetAccount=100, UpdateAccount=100, CreateAccount=100)
        pid = server.postmaster_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await load.until_failing()
        await asyncio.to_thread(server.start)
        await load.until(GetAccount=100, UpdateAccount=100, CreateAccount=100)


async def check_writes(load: Load) -> None:
    """Compare what was reported with what is stored."""
    rows = await load.gateway.sql('SELECT number, revision FROM "Ledger"."order"')
    stored = {row["number"] for row in rows}
    assert load.created <= stored, "reported as created, but lost"
    assert not load.refused & stored, "reported as failed, but stored"
    for row in rows:
        number, updates = row["number"], row["revision"] - 1
        assert load.answered[number] <= updates <= load.answered[number] + load.unknown[number]


async def check_pool(gateway: RunningGateway) -> None:
    """All slots of the pool work at once, and no session is left inside a transaction."""
    calls = [gateway.call(f"{ACCOUNTS}/GetAccount", book="main", number=n % WORKERS) for n in range(4 * POOL)]
    await asyncio.gather(*calls)
    sessions = await gateway.sql(
        "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert len(sessions) <= POOL
    assert {row["state"] for row in sessions} <= {"idle"}
