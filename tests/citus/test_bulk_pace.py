"""What a bulk upsert of 50,000 rows takes beside COPY and INSERT … ON CONFLICT on the same cluster."""

from collections.abc import AsyncIterator, Callable
from time import perf_counter
from typing import Any, NamedTuple

import asyncpg
import pytest

from gateway.migrate import apply, connect_to
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.citus.cluster import Cluster
from tests.citus.events import events
from tests.divided.events import EVENTS, KINDS
from tests.harness.client import Client
from tests.harness.gateway import client_of

pytestmark = [pytest.mark.citus, pytest.mark.alone]
ROWS, ROUNDS = 50_000, 3
LEAST = 0.5
_STAGE = "CREATE TEMPORARY TABLE stage (kind text, id bigint, amount integer, title text) ON COMMIT DROP"
_UPSERT = """
    INSERT INTO event (kind, id, amount, title, version, updated_at)
    SELECT kind, id, amount, title, 1, now() FROM stage
    ON CONFLICT (kind, id) DO UPDATE SET amount = excluded.amount, title = excluded.title,
        version = event.version + 1, updated_at = excluded.updated_at
"""


class Both(NamedTuple):
    """A gateway over a cluster, and a connection past it."""

    client: Client
    sql: asyncpg.Connection


@pytest.fixture(scope="module")
async def both(cluster: Cluster, transport: str) -> AsyncIterator[Both]:
    descriptors = events(in_shards=True)
    dsn = await cluster.database()
    await apply(build_tables(read_schema(descriptors)).metadata, connect_to(dsn))
    sql = await asyncpg.connect(dsn)
    async with client_of(descriptors, dsn, transport=transport) as client:
        yield Both(client, sql)
    await sql.close()


def _rows(amount: int) -> list[dict[str, Any]]:
    return [{"kind": KINDS[n % 3], "id": n, "amount": amount, "title": f"title {n}"} for n in range(ROWS)]


async def _by_hand(sql: asyncpg.Connection, amount: int) -> float:
    records = [tuple(row.values()) for row in _rows(amount)]
    begun = perf_counter()
    async with sql.transaction():
        await sql.execute(_STAGE)
        await sql.copy_records_to_table("stage", records=records)
        await sql.execute(_UPSERT)
    return perf_counter() - begun


async def _by_call(client: Client, amount: int, **counts: int) -> float:
    request = client.message("divided.v1.BulkUpsertEventsRequest", {"events": _rows(amount)})
    begun = perf_counter()
    answer = await client.call(f"{EVENTS}/BulkUpsertEvents", request)
    took = perf_counter() - begun
    assert {name: getattr(answer, name) for name in counts} == counts
    return took


async def test_new_rows_come_as_fast_as_by_hand(both: Both, tell: Callable[[str], None]) -> None:
    hand, call = [], []
    for _ in range(ROUNDS):
        await both.sql.execute("TRUNCATE event CASCADE")
        hand.append(await _by_hand(both.sql, 1))
        await both.sql.execute("TRUNCATE event CASCADE")
        call.append(await _by_call(both.client, 1, inserted_count=ROWS))
    ratio = min(hand) / min(call)
    tell(f"new rows over shards: {ROWS} in {min(call):.2f} s, by hand in {min(hand):.2f} s: {ratio:.2f}")
    assert ratio > LEAST


async def test_stored_rows_are_updated(both: Both, tell: Callable[[str], None]) -> None:
    hand, call = [], []
    await _by_hand(both.sql, 1)
    for turn in range(ROUNDS):
        hand.append(await _by_hand(both.sql, 10 + turn))
        call.append(await _by_call(both.client, 20 + turn, updated_count=ROWS))
    ratio = min(hand) / min(call)
    tell(f"stored rows over shards: {ROWS} in {min(call):.2f} s, by hand in {min(hand):.2f} s: {ratio:.2f}")
