"""Errors that nobody foresaw, around what the driver sends: the outcome is told as it is, nothing is left."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from gateway.db.database import Database, Transaction
from gateway.db.embedded import EmbeddedPostgres
from gateway.db.pool.connection_limiter import ConnectionLimiter
from gateway.db.statements.commit_outcome import outcome_unknown
from gateway.errors import OutcomeUnknown
from tests.db.servers import CALL, make_database, sql, statement, write
from tests.harness.databases import Open

INSERT = write("INSERT INTO item SELECT coalesce(max(id), 0) + 1 FROM item RETURNING id")
PID = statement("SELECT pg_backend_pid()")
Method = Callable[..., Awaitable[Any]]


class Unforeseen(Exception):  # noqa: N818 - no error of anybody's
    """What no driver raises."""


@pytest.fixture
async def dsn(fragile: EmbeddedPostgres) -> str:
    dsn = await make_database(fragile.start())
    await sql(dsn, "CREATE TABLE item (id int PRIMARY KEY)")
    return dsn


@pytest.fixture
async def database(dsn: str, open_database: Open) -> Database:
    return await open_database(dsn, pool_size=1)


def _failing_once(method: Method, text: str, *, sent: bool) -> Method:
    """Return the driver's method, which fails once for a statement, before or after it is carried out."""
    left = [text]

    async def failing(connection: Any, query: str, *args: Any, **options: Any) -> Any:
        fails = query in left
        if fails:
            left.clear()
        answer = None if fails and not sent else await method(connection, query, *args, **options)
        if fails:
            raise Unforeseen
        return answer

    return failing


async def test_a_write_whose_answer_fails_is_told_as_unknown(
    database: Database, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its connection, which may be in the middle of the answer, is not lent again."""
    [(before,)] = await database.fetch(PID, (), CALL)
    driver: Any = asyncpg.Connection
    failing = _failing_once(driver._do_execute, INSERT.text, sent=True)
    monkeypatch.setattr(driver, "_do_execute", failing)

    with pytest.raises(OutcomeUnknown):
        await database.fetch(INSERT, (), CALL)

    assert await sql(dsn, "SELECT id FROM item") == [(1,)]
    [(after,)] = await database.fetch(PID, (), CALL)
    assert after != before


@pytest.mark.parametrize("sent", [True, False])
async def test_a_commit_that_fails_is_settled(
    database: Database, dsn: str, monkeypatch: pytest.MonkeyPatch, *, sent: bool
) -> None:
    """PostgreSQL says whether it was committed; what wasn't is done again."""
    monkeypatch.setattr(
        asyncpg.Connection, "execute", _failing_once(asyncpg.Connection.execute, "COMMIT", sent=sent)
    )

    async def work(transaction: Transaction) -> Any:
        return await transaction.fetch(INSERT, ())

    assert [tuple(row) for row in await database.transact(work, CALL)] == [(1,)]
    assert await sql(dsn, "SELECT id FROM item") == [(1,)]


async def test_a_permit_comes_back_from_who_fails_in_the_queue() -> None:
    gate = ConnectionLimiter(permits=1, queue_size=1, timeout=60)
    held = await gate.enter()
    waiting = gate.enter()
    waiting.send(None)
    gate.leave(held)
    with pytest.raises(Unforeseen):
        waiting.throw(Unforeseen())
    assert gate.free == 1


async def test_what_can_not_be_run_again_stays_unknown(dsn: str, open_database: Open) -> None:
    """Others have the connection then: that the second run is refused says nothing of the first."""
    database = await open_database(dsn, pool_size=1, queue_size=1, acquire_timeout=0.1)
    others: list[asyncio.Task[None]] = []
    released = asyncio.Event()

    async def hold(_: Transaction) -> None:
        await released.wait()

    async def work(_: Transaction) -> None:
        others.append(asyncio.create_task(database.transact(hold, CALL)))
        await asyncio.sleep(0)
        raise outcome_unknown()

    with pytest.raises(OutcomeUnknown):
        await database.transact_once(work, CALL)
    released.set()
    await asyncio.gather(*others)
