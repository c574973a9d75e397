"""Rows that are read slice by slice, one slice ahead of who uses them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from gateway.db.database import Database
from gateway.db.statements.cursor import Cursor
from gateway.errors import InvalidArgument
from gateway.request.calls.call import StreamCall
from tests.db.servers import CALL, sql, statement
from tests.harness.databases import Open

SLICE = 10


@pytest.fixture
async def database(dsn: str, open_database: Open) -> Database:
    return await open_database(dsn, pool_size=1)


@asynccontextmanager
async def reading(database: Database, query: str) -> AsyncIterator[Cursor]:
    async with database.cursor(statement(query), (), StreamCall("test.v1.Test/Stream")) as cursor:
        yield cursor


async def locked(dsn: str) -> int:
    """Return how many rows PostgreSQL has come to: each took a lock."""
    return len(await sql(dsn, "SELECT FROM pg_locks WHERE locktype = 'advisory'"))


async def test_the_next_slice_is_fetched_while_one_is_used_and_no_more(dsn: str, database: Database) -> None:
    query = "SELECT n, pg_advisory_lock(n) FROM generate_series(1, 35) AS n"
    read: list[int] = []
    async with reading(database, query) as cursor, aclosing(cursor.slices(lambda: SLICE)) as slices:
        async for rows in slices:
            read += [n for n, _ in rows]
            ahead = min(len(read) + SLICE, 35)
            async with asyncio.timeout(60):
                while await locked(dsn) < ahead:
                    pass
            assert await locked(dsn) == ahead
    assert read == list(range(1, 36))


async def test_an_error_comes_after_the_rows_before_it(database: Database) -> None:
    query = "SELECT 1 / (15 - n) FROM generate_series(1, 35) AS n"
    async with reading(database, query) as cursor, aclosing(cursor.slices(lambda: SLICE)) as slices:
        assert len(await anext(slices)) == SLICE
        with pytest.raises(InvalidArgument):
            await anext(slices)


async def test_the_connection_is_free_after_a_slice_that_nobody_waits_for(database: Database) -> None:
    query = "SELECT pg_sleep(CASE WHEN n > 10 THEN 600 ELSE 0 END) FROM generate_series(1, 20) AS n"
    async with asyncio.timeout(60):
        async with reading(database, query) as cursor, aclosing(cursor.slices(lambda: SLICE)) as slices:
            await anext(slices)
        assert await database.fetch(statement("SELECT 1"), (), CALL) == [(1,)]
