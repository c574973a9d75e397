"""Clean-up of the gateway's own tables: what is expired, and of answers what is too much."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from gateway.db.internal_tables import cleaning
from gateway.db.internal_tables.cleaning import BATCH, Cleaner, Retention
from gateway.db.internal_tables.idempotency import Room
from gateway.errors import Unavailable
from gateway.schema.tables.metadata import build_tables
from tests.db.servers import sql
from tests.harness.databases import Databases, Open
from tests.harness.gateway import schema_of

HOUR = 3600.0
RETENTION = Retention(request_ids=24 * HOUR, streams=7 * 24 * HOUR)
MIB = 1 << 20
IDS = (
    "INSERT INTO rowgate.idempotency (principal, method, request_id, body_hash, response, created_at)"
    " SELECT 'p', 'm', gen_random_uuid(), '',"
    " (SELECT coalesce(string_agg(sha256((i || ' ' || j)::bytea), ''), '')"
    " FROM generate_series(1, $2 / 32) AS j),"
    " now() - (i + 0.5) * interval '1 minute' FROM generate_series(0, $1 - 1) AS i"
)
"""So many, a minute between them, each with an answer of so many bytes that can't be compressed."""
STREAMS = (
    "INSERT INTO rowgate.ingest (principal, method, stream_id, options_hash, owner, updated_at)"
    " SELECT 'p', 'm', i, '', gen_random_uuid(), now() - (i + 0.5) * interval '1 minute'"
    " FROM generate_series(0, $1 - 1) AS i"
)


@pytest.fixture
async def dsn(databases: Databases) -> str:
    return await databases.copy_of("tree", build_tables(schema_of("tree")).metadata)


@pytest.fixture
async def cleaner(dsn: str, open_database: Open) -> Cleaner:
    return Cleaner(await open_database(dsn), RETENTION, Room(1 << 30))


async def left(dsn: str, table: str) -> int:
    ((count,),) = await sql(dsn, f"SELECT count(*) FROM rowgate.{table}")  # noqa: S608 - a test's own
    return int(count)


async def test_what_is_expired_goes_in_batches(dsn: str, cleaner: Cleaner) -> None:
    day, week = 24 * 60, 7 * 24 * 60
    await sql(dsn, IDS, day + 2 * BATCH + 10, 0)
    await sql(dsn, STREAMS, week + 7)
    assert await cleaner.clean() == 2 * BATCH + 10 + 7
    assert (await left(dsn, "idempotency"), await left(dsn, "ingest")) == (day, week)
    assert await cleaner.clean() == 0


@pytest.mark.parametrize("table", ["idempotency", "ingest"])
async def test_what_is_expired_is_found_by_an_index(dsn: str, table: str) -> None:
    await sql(dsn, STREAMS if table == "ingest" else IDS, 20_000, *([] if table == "ingest" else [0]))
    await sql(dsn, f"ANALYZE rowgate.{table}")
    statement = cleaning._EXPIRED_STREAMS if table == "ingest" else cleaning._EXPIRED_IDS
    plan = await sql(dsn, "EXPLAIN " + statement.text.replace("$1", str(10**8)))
    column = "updated_at" if table == "ingest" else "created_at"
    assert any(f"Index Scan using {table}_{column}_idx" in line for (line,) in plan)


async def test_the_oldest_answers_go_where_they_take_too_much(dsn: str, open_database: Open) -> None:
    await sql(dsn, IDS, 500, 4000)
    cleaner = Cleaner(await open_database(dsn), RETENTION, Room(MIB))
    assert await cleaner.clean() > 0
    [(count, size, oldest)] = await sql(
        dsn,
        "SELECT count(*), sum(octet_length(response)), extract(epoch FROM max(now() - created_at))"
        " FROM rowgate.idempotency",
    )
    assert 0.9 * (1 << 20) < size <= 1 << 20
    assert count * 60 - 60 < oldest < count * 60 + 60, "the oldest go first"
    assert await cleaner.clean() == 0


async def test_none_younger_than_an_hour_goes(dsn: str, open_database: Open) -> None:
    await sql(dsn, IDS, 500, 40_000)
    room = Room(MIB)
    cleaner = Cleaner(await open_database(dsn), RETENTION, room)
    await cleaner.clean()
    assert await left(dsn, "idempotency") == 60
    assert room.is_full
    assert not room.has(1)


async def test_what_was_added_up_is_not_read_again(dsn: str, open_database: Open) -> None:
    """All records were read each minute, for good where the table had once been large."""
    await sql(dsn, IDS, 500, 4000)
    room = Room(MIB)
    cleaner = Cleaner(await open_database(dsn), RETENTION, room)
    await cleaner.clean()
    await sql(
        dsn, "UPDATE rowgate.idempotency SET response = '' WHERE created_at < now() - interval '20 minutes'"
    )
    await sql(dsn, IDS, 3, 40_000)
    assert await cleaner.clean() > 0
    count = await left(dsn, "idempotency")
    assert 200 < count < 240, "as many went as if the old records were what they had been"


async def test_what_is_taken_has_the_next_look_come_soon(dsn: str, open_database: Open) -> None:
    room = Room(MIB)
    cleaner = Cleaner(await open_database(dsn), RETENTION, room)
    cleaner.start()
    room.take(MIB)
    async with asyncio.timeout(60):
        while room.look_is_due.is_set():
            await sql(dsn, "SELECT 1")
    assert room.has(MIB // 2)
    await cleaner.stop()


async def test_what_another_one_removes_is_not_waited_for(dsn: str, cleaner: Cleaner) -> None:
    await sql(dsn, STREAMS, 8 * 24 * 60)
    other = await asyncpg.connect(dsn)
    try:
        async with other.transaction():
            await other.execute("SELECT FROM rowgate.ingest WHERE stream_id::int >= 11000 FOR UPDATE")
            assert await cleaner.clean() == 11000 - 7 * 24 * 60
    finally:
        await other.close()


async def test_it_starts_and_stops_and_outlives_a_failure(
    dsn: str, open_database: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cleaning, "_PAUSE", 0.001)
    await sql(dsn, "ALTER TABLE rowgate.ingest RENAME TO mislaid")
    cleaner = Cleaner(await open_database(dsn), RETENTION, Room(1 << 30))
    cleaner.start()
    while "failed" not in caplog.text:
        await sql(dsn, "SELECT 1")
    await sql(dsn, "ALTER TABLE rowgate.mislaid RENAME TO ingest")
    await sql(dsn, STREAMS, 8 * 24 * 60)
    while await left(dsn, "ingest") > 7 * 24 * 60:
        pass
    await cleaner.stop()
    await cleaner.stop()


async def test_a_look_that_is_due_and_fails_is_not_taken_again_at_once(
    dsn: str, open_database: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    async def clean(_: Cleaner) -> int:
        nonlocal tries
        tries += 1
        await asyncio.sleep(0)
        raise Unavailable("no database", reason="DATABASE_UNAVAILABLE")

    monkeypatch.setattr(Cleaner, "clean", clean)
    room = Room(MIB)
    cleaner = Cleaner(await open_database(dsn), RETENTION, room)
    cleaner.start()
    room.take(MIB)
    for _ in range(100):
        await asyncio.sleep(0)
    await cleaner.stop()
    assert tries == 1


async def test_it_outlives_what_nobody_foresaw(cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch) -> None:
    tried, tried_again = asyncio.Event(), asyncio.Event()

    async def clean(_: Cleaner) -> int:
        if tried.is_set():
            tried_again.set()
        tried.set()
        raise RuntimeError

    monkeypatch.setattr(cleaning, "_PAUSE", 0.001)
    monkeypatch.setattr(Cleaner, "clean", clean)
    cleaner.start()
    await asyncio.wait_for(tried_again.wait(), 60)
    await cleaner.stop()


async def test_rows_of_the_audit_go_where_that_is_asked_for(dsn: str, open_database: Open) -> None:
    day = 24 * 60
    rows = (
        "INSERT INTO rowgate.audit (changed_at, table_name, key, action, method, principal_kind,"
        " principal_id, request_id)"
        " SELECT now() - (i + 0.5) * interval '1 minute', 't', '{}', 'INSERT', 'm', 'k', 'p', ''"
        " FROM generate_series($1 - 1, 0, -1) AS i"
    )
    await sql(dsn, rows, day + 2 * BATCH + 10)
    database = await open_database(dsn)
    for_ever = Cleaner(database, RETENTION, Room(1 << 30))
    assert await for_ever.clean() == 0
    cleaner = Cleaner(database, replace(RETENTION, audit=24 * HOUR), Room(1 << 30))
    assert await cleaner.clean() == 2 * BATCH + 10
    assert await left(dsn, "audit") == day
    assert await cleaner.clean() == 0
