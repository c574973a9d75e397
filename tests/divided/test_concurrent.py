"""Callers who write rows of several tables at once lose nothing that was acknowledged, and never deadlock."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.divided.events import EVENTS, KINDS
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import client_of, descriptors_of, schema_of

CALLERS, CALLS, KEYS = 8, 12, 5


@pytest.fixture
async def served(databases: Databases, transport: str) -> AsyncIterator[tuple[Client, str]]:
    dsn = await databases.copy_of("divided", build_tables(schema_of("divided")).metadata)
    async with client_of(descriptors_of("divided"), dsn, transport=transport) as client:
        yield client, dsn


async def _write(client: Client, number: int) -> int:
    """Write rows over and over; return how many changes were acknowledged."""
    chance, changes = Random(number), 0  # noqa: S311 - a seed
    for call in range(CALLS):
        keys = [{"kind": kind, "id": n} for kind in KINDS for n in range(KEYS)]
        rows = [{**key, "amount": number * CALLS + call} for key in chance.sample(keys, 9)]
        if call % 3:
            answer = await client.call(f"{EVENTS}/BulkUpsertEvents", events=rows)
            changes += answer.inserted_count + answer.updated_count
            continue
        try:
            requests = [{"event": row, "update_mask": "amount"} for row in rows[:4]]
            changes += len((await client.call(f"{EVENTS}/BatchUpdateEvents", requests=requests)).events)
        except RpcFailed as error:
            if error.reason != "ROW_NOT_FOUND":
                raise
    return changes


async def test_each_acknowledged_change_is_a_version(served: tuple[Client, str]) -> None:
    client, dsn = served
    changes = await asyncio.gather(*(_write(client, number) for number in range(CALLERS)))
    found = await fetch(
        dsn,
        "SELECT sum(version) AS versions, count(*) AS rows, count(DISTINCT tableoid) AS tables FROM event",
    )
    assert found == [{"versions": sum(changes), "rows": len(KINDS) * KEYS, "tables": 2}]
