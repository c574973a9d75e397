"""The query executor on an unbroken server, on both ends of the supported versions."""

import asyncio
import struct
from collections.abc import AsyncIterator
from itertools import chain
from typing import Any

import pytest

from gateway.db.bulk.copy_format import HEADER, TRAILER
from gateway.db.database import Database, Transaction
from gateway.errors import (
    AlreadyExists,
    DeadlineExceeded,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    ResourceExhausted,
    RowgateError,
    Unavailable,
)
from gateway.migrate.locks.waits import LockWaits
from gateway.request.calls.call import Call
from tests.db.servers import CALL, make_database, sql, statement, write
from tests.harness.databases import Open

INSERT = write("INSERT INTO item VALUES ($1, $2)")
COUNT = statement("SELECT count(*) FROM item")
Expected = tuple[type[RowgateError], str]
SLEEP = statement("SELECT pg_sleep(30)")


@pytest.fixture
async def dsn(any_server: str) -> str:
    dsn = await make_database(any_server)
    await sql(dsn, "CREATE TABLE item (id int PRIMARY KEY, size int NOT NULL CHECK (size > 0))")
    return dsn


@pytest.fixture
async def database(dsn: str, open_database: Open) -> Database:
    return await open_database(dsn, pool_size=2)


def soon(seconds: float) -> Call:
    return Call("test", deadline=asyncio.get_running_loop().time() + seconds)


async def test_rows_come_back_and_dates_are_exact(database: Database) -> None:
    [[number, moment]] = await database.fetch(statement("SELECT $1::int, 'infinity'::timestamptz"), [7], CALL)

    assert (number, moment) == (7, (2**63 - 1,))


async def copied(*rows: tuple[int, int]) -> AsyncIterator[bytes]:
    """Yield rows of two integers in COPY's binary format."""
    yield HEADER
    for row in rows:
        yield struct.pack(">h" + "ii" * len(row), len(row), *chain.from_iterable((4, value) for value in row))
    yield TRAILER


async def test_a_transaction_is_kept_whole_or_not_at_all(database: Database, dsn: str) -> None:
    async def work(transaction: Transaction) -> int:
        await transaction.fetch(INSERT, [1, 1])
        assert await transaction.copy("item", ["id", "size"], copied((2, 1), (3, 1))) == 2
        return len(await transaction.fetch(statement("SELECT * FROM item"), []))

    async def half(transaction: Transaction) -> None:
        await transaction.fetch(INSERT, [4, 1])
        await transaction.fetch(INSERT, [1, 1])

    assert await database.transact(work, CALL) == 3
    with pytest.raises(AlreadyExists):
        await database.transact(half, CALL)
    assert await sql(dsn, "SELECT id FROM item ORDER BY id") == [(1,), (2,), (3,)]


async def test_savepoints_undo_only_themselves(database: Database, dsn: str) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.fetch(INSERT, [1, 1])
        for number in (1, 2):
            try:
                async with transaction.savepoint():
                    await transaction.fetch(INSERT, [number + 10, 1])
                    async with transaction.savepoint():
                        await transaction.fetch(INSERT, [number, 1])
            except AlreadyExists:
                await transaction.fetch(INSERT, [number + 100, 1])

    await database.transact(work, CALL)

    assert await sql(dsn, "SELECT id FROM item ORDER BY id") == [(1,), (2,), (12,), (101,)]


async def test_what_isnt_a_database_error_passes_unchanged(database: Database, dsn: str) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.fetch(INSERT, [1, 1])
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await database.transact(work, CALL)
    assert await sql(dsn, "SELECT * FROM item") == []


async def test_a_swallowed_failure_isnt_reported_as_done(database: Database, dsn: str) -> None:
    async def work(transaction: Transaction) -> str:
        await transaction.fetch(INSERT, [1, 1])
        with pytest.raises(InvalidArgument):
            await transaction.fetch(INSERT, [2, -1])
        return "done"

    with pytest.raises(RowgateError):
        await database.transact(work, CALL)
    assert await sql(dsn, "SELECT * FROM item") == []


async def test_the_tag_of_commit_is_read(database: Database) -> None:
    async def work(transaction: Transaction) -> str:
        with pytest.raises(InvalidArgument):
            await transaction.fetch(statement("SELECT 1/0"), [])
        return "done"

    with pytest.raises(Internal) as failed:
        await database.transact(work, CALL)
    assert failed.value.reason == "TRANSACTION_ROLLED_BACK"


@pytest.mark.parametrize(
    ("text", "args", "expected", "name"),
    [
        ("INSERT INTO item VALUES (1, 1), (1, 1)", [], (AlreadyExists, "UNIQUE_VIOLATION"), "item_pkey"),
        ("INSERT INTO item VALUES (1, 0)", [], (InvalidArgument, "CHECK_VIOLATION"), "item_size_check"),
        ("INSERT INTO item VALUES (1, NULL)", [], (InvalidArgument, "NOT_NULL_VIOLATION"), "size"),
        ("INSERT INTO item VALUES (1, $1)", [2**40], (InvalidArgument, "INVALID_VALUE"), None),
        ("DO $$BEGIN RAISE 'no: secret'; END$$", [], (FailedPrecondition, "RAISED_BY_DATABASE"), None),
    ],
)
async def test_errors_are_translated_without_their_text(
    database: Database, text: str, args: list[Any], expected: Expected, name: str | None
) -> None:
    error, reason = expected
    with pytest.raises(error) as failed:
        await database.fetch(write(text), args, CALL)

    assert failed.value.reason == reason
    assert name is None or name in failed.value.metadata.values()
    assert "secret" not in failed.value.message
    assert str(2**40) not in failed.value.message


async def test_a_deadline_ends_the_query_at_the_server_too(database: Database, dsn: str) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()

    with pytest.raises(DeadlineExceeded):
        await database.fetch(SLEEP, [], soon(0.2))

    assert loop.time() - begun < 20
    # Both connections are of use again: the cancelled one came back, or is replaced.
    both = [database.fetch(statement("SELECT 1"), [], soon(60)) for _ in range(2)]
    assert len(await asyncio.gather(*both)) == 2
    asleep = "SELECT query FROM pg_stat_activity WHERE state = 'active' AND wait_event = 'PgSleep'"
    assert await sql(dsn, asleep) == []


async def test_a_busy_pool_says_so(dsn: str, open_database: Open) -> None:
    database = await open_database(dsn, pool_size=1, queue_size=1, acquire_timeout=0.2)
    started = asyncio.Event()

    async def hold(_: Transaction) -> None:
        started.set()
        await asyncio.Event().wait()

    holder = asyncio.create_task(database.transact(hold, CALL))
    await started.wait()
    waiting = asyncio.create_task(database.fetch(COUNT, [], CALL))
    await asyncio.sleep(0)
    with pytest.raises(ResourceExhausted) as refused:
        await database.fetch(COUNT, [], CALL)
    with pytest.raises(ResourceExhausted) as late:
        await waiting
    holder.cancel()

    assert {refused.value.reason, late.value.reason} == {"POOL_EXHAUSTED"}
    assert refused.value.retry_delay
    assert await database.fetch(COUNT, [], soon(60)) == [(0,)]


async def test_sessions_carry_their_bounds(dsn: str, open_database: Open) -> None:
    database = await open_database(
        dsn, statement_timeout=7, lock_timeout=2.5, idle_in_transaction_timeout=0, application_name="mine"
    )
    names = "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "application_name"

    [row] = await database.fetch(
        statement(f"SELECT {', '.join(map('current_setting({!r})'.format, names))}"), [], CALL
    )

    assert tuple(row) == ("7s", "2500ms", "0", "mine")


@pytest.mark.parametrize(("seconds", "held"), [(0.0001, "1ms"), (1e12, "2147483647ms")])
async def test_no_bound_is_rounded_to_none_or_past_what_postgresql_knows(
    dsn: str, open_database: Open, seconds: float, held: str
) -> None:
    database = await open_database(dsn, lock_timeout=seconds)
    show = statement("SELECT current_setting('lock_timeout')::interval = $1::text::interval")
    assert await database.fetch(show, [held], CALL) == [(True,)]
    assert LockWaits(seconds).statement == f"SET LOCAL lock_timeout = {held.removesuffix('ms')}"


async def test_without_a_cache_nothing_stays_prepared(dsn: str, open_database: Open) -> None:
    prepared = statement("SELECT count(*) FROM pg_prepared_statements")
    counts = []
    for size in (0, 64):
        database = await open_database(dsn, pool_size=1, statement_cache_size=size)
        for _ in range(3):
            [[count]] = await database.fetch(prepared, [], CALL)
        counts.append(count)

    assert counts[0] == 0
    assert counts[1] > 0


async def test_open_says_who_doesnt_answer_and_not_the_password(open_database: Open) -> None:
    with pytest.raises(Unavailable) as failed:
        await open_database("postgresql://me:secret@127.0.0.1:1/db", start_timeout=0.3)

    assert "127.0.0.1:1" in failed.value.message
    assert "secret" not in failed.value.message


async def test_open_doesnt_wait_for_a_database_that_isnt_there(any_server: str, open_database: Open) -> None:
    begun = asyncio.get_running_loop().time()

    with pytest.raises(Unavailable) as failed:
        await open_database(any_server.replace("/postgres?", "/nowhere?"))

    assert failed.value.reason == "DATABASE_MISSING"
    assert asyncio.get_running_loop().time() - begun < 20


async def test_closing_twice_is_safe_and_refuses_calls(dsn: str, open_database: Open) -> None:
    database = await open_database(dsn)
    await database.close()
    await database.close()

    with pytest.raises(Unavailable) as refused:
        await database.fetch(COUNT, [], CALL)
    assert refused.value.reason == "SHUTTING_DOWN"
