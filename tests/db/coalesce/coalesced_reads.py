"""Coalesced reads of `item`, in front of a query executor that tells what passes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.config.settings import CoalesceSettings
from gateway.db.coalesce import KeyRead, KeysRead, PointReads
from gateway.db.database_settings import RetrySettings
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement
from tests.db.coalesce.watched import Watched
from tests.harness.databases import Open

CALL = Call("test.v1.Test/Get")


def key_read(name: str, column: str = "text") -> KeyRead:
    """Return the statements that read a column of `item` by id."""
    single = f"SELECT {column} FROM item WHERE id = $1"  # noqa: S608 - the test's own names
    many = f"SELECT n, {column} FROM unnest($1::int[]) WITH ORDINALITY AS k(id, n) JOIN item USING (id)"  # noqa: S608
    return KeyRead(
        Statement(single, ("id",), (), writes=False, name=name, constants={}),
        Statement(many, ("id",), (), writes=False, name=f"many {name}", constants={}),
    )


READ = key_read("read")


@dataclass(frozen=True)
class CoalescedReads:
    """Coalesced reads of `item`, and the executor that they pass."""

    reads: PointReads
    executor: Watched
    dsn: str

    async def get(self, key: int, call: Call = CALL, read: KeyRead = READ) -> Any:
        """Read one key's value."""
        row = await self.reads.fetch(read, [key], call)
        return None if row is None else row[0]

    async def busy(self, *keys: int, call: Call = CALL) -> list["asyncio.Task[Any]"]:
        """Start reads whose statement is carried out while its answer is kept."""
        self.executor.answers.clear()
        before = len(self.executor.sent)
        tasks = self.start(*keys, call=call)
        await self.executor.until_carried_out(before + 1)
        return tasks

    async def busy_with(self, read: KeysRead, keys: Sequence[Any]) -> list["asyncio.Task[Any]"]:
        """Start a read of some keys that is carried out while its answer is kept."""
        self.executor.answers.clear()
        task = asyncio.create_task(self.reads.fetch(read, keys, CALL))
        await self.executor.until_carried_out(len(self.executor.sent) + 1)
        return [task]

    def start(self, *keys: int, call: Call = CALL, read: KeyRead = READ) -> list["asyncio.Task[Any]"]:
        """Start a read of each key."""
        return [asyncio.create_task(self.get(key, call, read)) for key in keys]

    def batches(self) -> list[int]:
        """Return how many keys each statement had."""
        return [len(args[0]) if isinstance(args[0], list) else 1 for _, args, _ in self.executor.sent]


async def open_reads(
    dsn: str, open_database: Open, retry: RetrySettings | None = None, **bounds: Any
) -> CoalescedReads:
    database = await open_database(dsn, retry=retry or RetrySettings())
    executor = Watched(database)
    return CoalescedReads(PointReads(executor, CoalesceSettings(**bounds)), executor, dsn)


async def answers(tasks: Sequence["asyncio.Task[Any]"]) -> list[Any]:
    """Wait for the reads; return what they answered or raised."""
    return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 60)


async def queued(tasks: int = 1) -> None:
    """Let tasks that were just made run until they wait."""
    for _ in range(tasks):
        await asyncio.sleep(0)
