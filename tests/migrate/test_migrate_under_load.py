"""A table that two versions of a gateway read and write while it is migrated: no call fails."""

import asyncio
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from gateway.migrate import apply, differences
from gateway.migrate.locks.lock import opened
from tests.harness.client import Client, RpcFailed
from tests.harness.gateway import client_of
from tests.harness.polling import next_poll
from tests.migrate.database import EmptyDatabase
from tests.migrate.test_new_columns import Schema

pytestmark = [
    pytest.mark.parametrize("servers", ["18"], indirect=True, scope="session"),
    pytest.mark.alone,
]
ROWS = 200_000
NEAR = "optional string near = 4"
LONGEST_LOCK = 1.0
"""Seconds after which PostgreSQL refuses a gateway's statement that waits for a lock."""


@dataclass(slots=True)
class Callers:
    """Calls of one gateway, one after the other, until they are told to stop."""

    client: Client
    prefix: str
    stopping: asyncio.Event
    failures: list[str] = field(default_factory=list)
    calls: int = 0

    async def call(self) -> None:
        """Create seats and read what was there."""
        for number in count():
            if self.stopping.is_set():
                return
            try:
                await self.client.call(
                    "seats.v1.SeatService/CreateSeat", seat={"id": f"{self.prefix}{number}"}
                )
                await self.client.call("seats.v1.SeatService/GetSeat", id=f"s{number % ROWS}")
            except RpcFailed as error:
                self.failures.append(str(error))
            self.calls += 2


async def _until(migrating: asyncio.Task[object], database: EmptyDatabase, condition: str) -> None:
    while not await database.fetch(f"SELECT FROM pg_stat_activity WHERE {condition}"):
        assert not migrating.done()
        await next_poll()


async def test_no_call_fails(database: EmptyDatabase, tmp_path: Path) -> None:
    """A column, an index and a foreign key are made; the index waits for a snapshot while both write."""
    old = Schema(tmp_path / "old", f"{NEAR};")
    references = '[(rowgate.v1.column).references = {table: "seat"}]'
    new = Schema(tmp_path / "new", f"string note = 3; {NEAR} {references};", 'index: {columns: "rank"}')
    await apply(old.metadata, database.connect)
    await database.run(
        f"INSERT INTO seat SELECT 's' || n, n % 100, 's0' FROM generate_series(0, {ROWS - 1}) n"  # noqa: S608 - a number
    )
    stopping = asyncio.Event()
    settings = {"lock_timeout": LONGEST_LOCK}
    async with (
        asyncio.timeout(90),
        opened(database.connect) as report,
        client_of(old.descriptors, database.dsn, **settings) as before,
    ):
        first = Callers(before, "a", stopping)
        calling = [asyncio.create_task(first.call())]
        await report.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        migrating = asyncio.create_task(apply(new.metadata, database.connect))
        await _until(migrating, database, "query LIKE 'CREATE INDEX%' AND wait_event = 'virtualxid'")
        async with client_of(new.descriptors, database.dsn, **settings) as after:
            second = Callers(after, "b", stopping)
            calling.append(asyncio.create_task(second.call()))
            while min(first.calls, second.calls) < 100:
                await next_poll()
            await report.execute("COMMIT")
            steps = await migrating
            stopping.set()
            await asyncio.gather(*calling)
    assert (first.failures, second.failures) == ([], [])
    assert {"CREATE INDEX CONCURRENTLY", "VALIDATE CONSTRAINT"} <= {
        words
        for step in steps
        for words in ("CREATE INDEX CONCURRENTLY", "VALIDATE CONSTRAINT")
        if words in step.sql
    }
    assert (await differences(new.metadata, database.connect)).open == ()
