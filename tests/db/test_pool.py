"""The pool: which connections it lends, keeps, replaces and drops."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest

from gateway.db.database_settings import DatabaseSettings
from gateway.db.pool.pool import Pool
from gateway.errors import Unavailable
from gateway.request.calls.bulkheads import Operation
from gateway.request.calls.call import Call
from tests.db.proxy import proxied
from tests.db.servers import sql
from tests.harness.polling import next_poll

Make = Callable[..., Pool]
HERE = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
LIST = Operation("task", "LIST")
# A statement that goes on for a while when it is cancelled, as one does whose rows are on their way.
LINGERS = """
CREATE FUNCTION lingers() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(60);
EXCEPTION WHEN query_canceled THEN
    PERFORM pg_sleep(0.5);
END $$
"""
OTHERS = f"SELECT count(*) {HERE}"


@pytest.fixture
async def make(dsn: str) -> AsyncIterator[Make]:
    """Make a pool with settings by name; it is closed after the test."""
    made: list[Pool] = []

    def make_(dsn: str = dsn, **settings: Any) -> Pool:
        made.append(Pool(DatabaseSettings(dsn=dsn, **settings)))
        return made[-1]

    yield make_
    for pool in made:
        await pool.close()


async def pid(pool: Pool) -> int:
    """Return the server process of the connection that is lent next."""
    async with pool.lease() as connection:
        return int(connection.get_server_pid())


async def fill(pool: Pool, size: int) -> list[int]:
    """Use so many connections at once; return their server processes in the order of their return."""
    async with AsyncExitStack() as leases:
        used = [await leases.enter_async_context(pool.lease()) for _ in range(size)]
    return [int(connection.get_server_pid()) for connection in reversed(used)]


async def until_there_are(dsn: str, count: int) -> None:
    """Wait until the database has so many sessions of others."""
    async with asyncio.timeout(60):
        while await sql(dsn, OTHERS) != [(count,)]:
            await next_poll()


async def test_the_one_used_last_is_used_next_and_the_others_grow_old(dsn: str, make: Make) -> None:
    pool = make(pool_size=4, idle_lifetime=1.5)
    last = (await fill(pool, 4))[-1]
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while loop.time() < begun + 1.2:
        assert await pid(pool) == last
    await until_there_are(dsn, 1)
    await until_there_are(dsn, 0)
    assert loop.time() > begun + 2.4
    assert await pid(pool) != last


async def test_without_a_lifetime_they_stay(dsn: str, make: Make) -> None:
    pool = make(pool_size=2, idle_lifetime=0)
    await fill(pool, 2)
    await asyncio.sleep(0.05)
    assert await sql(dsn, OTHERS) == [(2,)]


async def test_none_is_made_while_one_is_idle(dsn: str, make: Make) -> None:
    pool = make(pool_size=8)
    for _ in range(20):
        await asyncio.gather(*(pid(pool) for _ in range(8)))
        await pid(pool)
    assert await sql(dsn, OTHERS) == [(8,)]


async def test_one_that_broke_while_idle_is_not_lent(dsn: str, make: Make) -> None:
    pool = make(pool_size=3)
    await fill(pool, 3)
    await sql(dsn, f"SELECT pg_terminate_backend(pid, 5000) {HERE}")

    async with asyncio.timeout(60):
        async with pool.lease() as connection:
            assert await connection.fetchval("SELECT 1") == 1
        await until_there_are(dsn, 1)


async def test_an_open_transaction_is_rolled_back(dsn: str, make: Make) -> None:
    pool = make(pool_size=1)
    await sql(dsn, "CREATE TABLE item (id int)")
    async with pool.lease() as connection:
        await connection.execute("BEGIN; INSERT INTO item VALUES (1)")
        begun_in = connection.get_server_pid()

    async with pool.lease() as connection:
        assert connection.get_server_pid() == begun_in
        assert not connection.is_in_transaction()
        assert await connection.fetch("SELECT * FROM item") == []


async def test_what_one_caller_cancels_keeps_no_other_out(dsn: str, make: Make) -> None:
    await sql(dsn, LINGERS)
    pool = make(pool_size=8, acquire_timeout=60)

    async def run(caller: str, statement: str) -> None:
        deadline = asyncio.get_running_loop().time() + 10
        async with pool.lease(Call("m", deadline=deadline, operation=LIST, caller=caller)) as connection:
            await connection.execute(statement)

    async with asyncio.timeout(60):
        for _ in range(4):
            heavy = asyncio.create_task(run("heavy", "SELECT lingers()"))
            while await sql(dsn, f"SELECT count(*) {HERE} AND wait_event = 'PgSleep'") != [(1,)]:
                await next_poll()
            heavy.cancel()
            while pool.free < 8:
                await next_poll()
        # By what the cancelled ones held a connection for, 200 would take 20 s.
        await asyncio.gather(*(run(f"c{n}", "SELECT 1") for n in range(200)))


async def test_all_are_told_that_the_schema_changed(dsn: str, make: Make) -> None:
    pool = make(pool_size=2)
    await sql(dsn, "CREATE TABLE item (id int)")

    async def read() -> None:
        async with pool.lease() as connection, connection.transaction():
            await connection.fetch("SELECT * FROM item")

    async with pool.lease() as first:
        await first.fetch("SELECT * FROM item")
        await read()
        await sql(dsn, "ALTER TABLE item ADD name text")
        with pytest.raises(Exception, match="cached"):
            await read()
        async with first.transaction():
            await first.fetch("SELECT * FROM item")


async def test_those_of_a_server_that_takes_no_writes_are_replaced(dsn: str, make: Make) -> None:
    pool = make(pool_size=3)
    await fill(pool, 3)
    async with pool.lease() as lent:
        before = lent.get_server_pid()
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with pool.lease() as other, other.transaction(readonly=True):
                await other.execute("CREATE TABLE item (id int)")
        assert await lent.fetchval("SELECT 1") == 1

    await until_there_are(dsn, 0)
    assert await pid(pool) != before


async def test_closing_cuts_who_takes_too_long(dsn: str, make: Make) -> None:
    pool = make(pool_size=1, close_timeout=0.1)
    busy = asyncio.Event()

    async def work() -> None:
        async with pool.lease() as connection:
            busy.set()
            await connection.execute("SELECT pg_sleep(600)")

    working = asyncio.create_task(work())
    await busy.wait()
    async with asyncio.timeout(60):
        await pool.close()
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await working
    assert pool.free == 1
    await sql(dsn, f"SELECT pg_terminate_backend(pid, 5000) {HERE}")  # which sleeps on, unasked


async def test_closing_waits_for_who_is_busy_and_takes_its_leave(dsn: str, make: Make) -> None:
    pool = make(pool_size=2, close_timeout=20)
    await fill(pool, 2)
    busy = asyncio.Event()

    async def work() -> Any:
        async with pool.lease() as connection:
            busy.set()
            return await connection.fetchval("SELECT 7 FROM pg_sleep(0.1)")

    working = asyncio.create_task(work())
    await busy.wait()
    await pool.close()
    assert await working == 7
    assert pool.free == 2
    await until_there_are(dsn, 0)


async def test_one_that_is_made_past_the_end_is_not_lent(dsn: str, make: Make) -> None:
    async with proxied(dsn) as (proxy, through):
        pool = make(through, pool_size=1, close_timeout=0.1)
        proxy.freeze()
        coming = asyncio.create_task(pid(pool))
        await asyncio.sleep(0)
        await pool.close()
        proxy.thaw()

        with pytest.raises(Unavailable) as refused:
            await coming
        assert refused.value.reason == "SHUTTING_DOWN"
        await until_there_are(dsn, 0)
