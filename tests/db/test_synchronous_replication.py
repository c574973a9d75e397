"""Writes that wait for a synchronous standby, and whose wait is broken off: their outcome is unknown."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from gateway.db.database import Database, Transaction
from gateway.db.statements.transaction_mode import USUAL
from gateway.errors import DeadlineExceeded, OutcomeUnknown
from gateway.introspect import WarningsUnheardError
from gateway.request.calls.call import Call
from gateway.schema.tables.metadata import build_tables
from tests.db.servers import make_database, sql, write
from tests.db.standby import WAITS, Standby, synchronous_standby
from tests.harness.client import RpcFailed
from tests.harness.databases import Open, create_tables
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.harness.polling import next_poll

ADD = write("INSERT INTO item (id) VALUES ($1)")
HERE = f"{WAITS} AND datname = current_database()"
CELLS = "vault.v1.CellService"
UNKNOWN = "COMMIT_OUTCOME_UNKNOWN"


def soon(seconds: float = 60) -> Call:
    return Call("test", deadline=asyncio.get_running_loop().time() + seconds)


async def alone(database: Database, number: int, call: Call) -> None:
    await database.fetch(ADD, [number], call)


async def in_transaction(database: Database, number: int, call: Call) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.fetch(ADD, [number])

    await database.transact(work, call)


async def in_session(database: Database, number: int, call: Call) -> None:
    async with database.session(call, USUAL) as transaction:
        await transaction.fetch(ADD, [number])


@pytest.fixture
async def dsn(any_server: str) -> str:
    """Create a database with a table; give its DSN."""
    dsn = await make_database(any_server)
    await sql(dsn, "CREATE TABLE item (id bigint)")
    return dsn


@pytest.fixture
async def standby(dsn: str) -> AsyncIterator[Standby]:
    """Give the synchronous standby of the server."""
    async with synchronous_standby(dsn) as standby:
        yield standby


@pytest.mark.parametrize("add", [alone, in_transaction, in_session])
async def test_a_cancelled_wait_is_of_unknown_outcome(
    dsn: str, standby: Standby, open_database: Open, add: Callable[[Database, int, Call], Awaitable[None]]
) -> None:
    database = await open_database(dsn, pool_size=1)
    await add(database, 1, soon())
    await standby.stop()

    waiting = asyncio.create_task(add(database, 2, soon()))
    await standby.end_wait()
    with pytest.raises(OutcomeUnknown) as refused:
        await waiting

    assert refused.value.reason == UNKNOWN
    assert "standby" in refused.value.message
    # The next one on the same connection isn't blamed for it.
    await standby.start()
    await add(database, 3, soon())
    assert await sql(dsn, "SELECT id FROM item ORDER BY id") == [(1,), (2,), (3,)]


async def test_a_warning_of_a_trigger_is_none_of_the_standby(dsn: str, open_database: Open) -> None:
    body = "BEGIN RAISE WARNING 'x'; RETURN NEW; END"
    await sql(dsn, f"CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
    await sql(
        dsn,
        "CREATE CONSTRAINT TRIGGER warns AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION warn()",
    )
    database = await open_database(dsn, pool_size=1)

    await alone(database, 1, soon())
    await in_transaction(database, 2, soon())

    assert await sql(dsn, "SELECT id FROM item ORDER BY id") == [(1,), (2,)]


async def test_a_deadline_leaves_a_commit_waiting(dsn: str, standby: Standby, open_database: Open) -> None:
    """A cancelled wait would show others what the standby doesn't have, and the next failover would lose."""
    database = await open_database(dsn, pool_size=2)
    await standby.stop()

    with pytest.raises(DeadlineExceeded):
        await in_transaction(database, 1, soon(0.5))

    assert await sql(dsn, f"SELECT count(*) {HERE}") == [(1,)]
    assert await sql(dsn, "SELECT id FROM item") == []
    await standby.start()
    async with asyncio.timeout(60):
        while not await sql(dsn, "SELECT id FROM item"):
            await next_poll()
    await in_transaction(database, 2, soon())


async def test_a_commit_whose_session_ends_counts_when_the_standby_has_it(
    dsn: str, standby: Standby, open_database: Open
) -> None:
    """PostgreSQL says that it is committed before the standby has it."""
    waiting = await ended_during_commit(await open_database(dsn, pool_size=2), dsn, standby)

    assert not waiting.done()
    await until(dsn, f"SELECT pid {HERE}")
    await standby.start()

    await waiting


async def test_a_commit_whose_session_ends_is_of_unknown_outcome_where_the_standby_may_not_have_it(
    dsn: str, standby: Standby, open_database: Open
) -> None:
    waiting = await ended_during_commit(await open_database(dsn, pool_size=2), dsn, standby)

    await standby.end_wait()

    with pytest.raises(OutcomeUnknown):
        await waiting


async def ended_during_commit(database: Database, dsn: str, standby: Standby) -> "asyncio.Task[None]":
    """Return a transaction whose session was ended while its COMMIT waited: it is committed locally."""
    await standby.stop()
    waiting = asyncio.create_task(in_transaction(database, 1, soon()))
    await standby.end_wait("pg_terminate_backend")
    await until(dsn, "SELECT id FROM item")
    return waiting


async def until(dsn: str, query: str) -> None:
    async with asyncio.timeout(60):
        while not await sql(dsn, query):
            await next_poll()


async def refused_while_cancelled(standby: Standby, call: Awaitable[Any]) -> RpcFailed:
    """Return a call's error, while each wait for the standby is cancelled."""
    calling = asyncio.ensure_future(call)
    cancelling = asyncio.create_task(_cancel_all(standby))
    try:
        with pytest.raises(RpcFailed) as refused:
            await calling
    finally:
        cancelling.cancel()
    return refused.value


async def _cancel_all(standby: Standby) -> None:
    while True:
        await standby.end_wait()


@pytest.fixture
async def gateway(dsn: str) -> AsyncIterator[RunningGateway]:
    """Serve the vault over the database."""
    await create_tables(dsn, build_tables(schema_of("vault")).metadata)
    gateway = await serve("vault", dsn, transport="http", log_level="error")
    yield gateway
    await gateway.stop()


@pytest.mark.parametrize("said", ["in the DSN", "of the database"])
async def test_no_gateway_serves_that_would_not_be_told(dsn: str, said: str) -> None:
    await create_tables(dsn, build_tables(schema_of("vault")).metadata)
    if said == "in the DSN":
        dsn += "&options=-c%20client_min_messages%3Derror"
    else:
        [(name,)] = await sql(dsn, "SELECT current_database()")
        await sql(dsn, f"ALTER DATABASE {name} SET client_min_messages = error")
    with pytest.raises(WarningsUnheardError, match="client_min_messages is error"):
        await serve("vault", dsn, transport="http")


async def test_calls_of_every_kind_are_told(gateway: RunningGateway, standby: Standby) -> None:
    """Single writes that share a statement, bulk writes, and writes with a request_id."""
    for cell in "ab":
        await gateway.call(f"{CELLS}/CreateCell", {"cell": {"id": cell, "value": 1}})
    await standby.stop()
    request_id = "7d4ad4a3-1f0c-4f6e-9a55-0f8a7a0c2a11"
    calls = {
        "CreateCell": {"cell": {"id": "c", "value": 1}, "requestId": request_id},
        "BulkUpsertCells": {"cells": [{"id": "d", "value": 1}]},
        "UpdateCell": {"cell": {"id": "a", "value": 2}, "updateMask": "value"},
    }
    for method, fields in calls.items():
        error = await refused_while_cancelled(standby, gateway.call(f"{CELLS}/{method}", fields))
        assert error.reason == UNKNOWN, method
    several = [
        {"cell": {"id": "a", "value": 3}, "updateMask": "value"},
        {"cell": {"id": "b", "value": 3}, "updateMask": "value"},
    ]
    together = [refused_while_cancelled(standby, gateway.call(f"{CELLS}/UpdateCell", one)) for one in several]
    assert [error.reason for error in await asyncio.gather(*together)] == [UNKNOWN] * 2


async def test_a_repeated_request_is_answered_when_the_standby_has_it(
    gateway: RunningGateway, standby: Standby
) -> None:
    """The record of a request_id may be there, and lost by the next failover."""
    fields = {"cell": {"id": "a", "value": 1}, "requestId": "0c3e6ed2-6a0b-4b87-8c11-5ad8d3d0f5b1"}
    await standby.stop()
    error = await refused_while_cancelled(standby, gateway.call(f"{CELLS}/CreateCell", fields))
    assert error.reason == UNKNOWN
    assert await gateway.sql("SELECT id FROM cell") == [{"id": "a"}]

    repeated = asyncio.create_task(gateway.call(f"{CELLS}/CreateCell", fields))
    await until(gateway.dsn, f"SELECT pid {HERE}")
    assert not repeated.done()
    await standby.start()

    assert (await repeated).id == "a"
