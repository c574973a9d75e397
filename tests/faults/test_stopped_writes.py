"""Writes that a stopping server breaks off: told as open where they may be committed, and only there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import grpc
import pytest

from gateway.app import Gateway
from gateway.cli.servers import SERVERS
from gateway.config.load import settings_of
from gateway.db.coalesce.batch_queue import BatchQueue
from gateway.db.pool.connection_limiter import ConnectionLimiter
from gateway.schema.tables.metadata import build_tables
from gateway.transport.exchange import Exchange
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import descriptors_of, schema_of
from tests.transport.conftest import until_waiting

BOOKS = "books.v1.BookService"
CREATE = f"{BOOKS}/CreateBook"
UPDATE = f"{BOOKS}/UpdateBook"
INGEST = "flow.v1.EventService/IngestEvents"
EPOCH = "1970-01-01T00:00:00Z"
OPEN = (grpc.StatusCode.UNKNOWN, "COMMIT_OUTCOME_UNKNOWN")
NOTHING_SENT = (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
WAIT = """
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END'
"""
AT_COMMIT = """
    CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON book DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION wait()
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that can be stopped."""

    gateway: Gateway
    client: Client
    dsn: str

    def update(self, isbn: str, **more: Any) -> "asyncio.Task[Any]":
        """Begin to change a book's pages."""
        book = {"isbn": isbn, "pages": 7}
        return asyncio.create_task(self.client.call(UPDATE, {"book": book, "update_mask": "pages", **more}))

    def stop(self) -> "asyncio.Task[None]":
        """Begin to stop, and wait for no call."""
        return asyncio.create_task(self.gateway.stop(grace=0))

    async def pages(self) -> list[int]:
        """Return what PostgreSQL has."""
        return [row["pages"] for row in await fetch(self.dsn, "SELECT pages FROM book ORDER BY isbn")]


@asynccontextmanager
async def serving(
    databases: Databases, schema: str, transport: str, **settings: Any
) -> AsyncIterator[Served]:
    """Serve a schema."""
    dsn = await databases.copy_of(schema, build_tables(schema_of(schema)).metadata)
    given = {"dsn": dsn, "listen": "127.0.0.1:0", "log_access": "none", **settings}
    gateway = await Gateway.start(descriptors_of(schema), settings_of(**given), SERVERS[transport])
    client = Client(f"127.0.0.1:{gateway.port}", descriptors_of(schema))
    yield Served(gateway, client, dsn)
    await client.close()
    await gateway.stop(grace=0)


@asynccontextmanager
async def serving_books(databases: Databases, transport: str, **settings: Any) -> AsyncIterator[Served]:
    """Serve books, of which there are two."""
    async with serving(databases, "books", transport, **settings) as served:
        for isbn in "ab":
            book = {"isbn": isbn, "title": isbn, "pages": 1}
            await served.client.call(f"{BOOKS}/CreateBook", book=book)
        yield served


@pytest.fixture(params=sorted(SERVERS))
def transport(request: pytest.FixtureRequest) -> str:
    """Return each transport that serves in this process."""
    name: str = request.param
    return name


@pytest.fixture
async def served(transport: str, databases: Databases) -> AsyncIterator[Served]:
    """Serve books over each transport."""
    async with serving_books(databases, transport) as one:
        yield one


def noticed(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> asyncio.Event:
    """Return what is set when a method is called: nobody can be asked whether a call waits inside."""
    called = asyncio.Event()
    method = getattr(owner, name)

    def calls(*args: Any, **named: Any) -> Any:
        called.set()
        return method(*args, **named)

    monkeypatch.setattr(owner, name, calls)
    return called


@asynccontextmanager
async def holding(dsn: str, lock: str) -> AsyncIterator[asyncpg.Connection]:
    """Hold a lock inside."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(lock)
            yield connection
    finally:
        await connection.close()


async def heard(call: "asyncio.Task[Any]") -> tuple[grpc.StatusCode, str]:
    """Return what the caller of a call that fails hears."""
    with pytest.raises(RpcFailed) as failed:
        await call
    return failed.value.code, failed.value.reason


async def test_an_update_that_waits_for_a_row_may_be_committed(served: Served) -> None:
    async with holding(served.dsn, "SELECT * FROM book WHERE isbn = 'a' FOR UPDATE") as connection:
        call = served.update("a")
        await until_waiting(connection, 1)
        stop = served.stop()
        assert await heard(call) == OPEN
        await stop
    assert await served.pages() == [1, 1]


async def test_an_update_that_shares_a_statement_is_committed_after_its_caller_heard(served: Served) -> None:
    async with holding(served.dsn, "LOCK TABLE book") as connection:
        alone = served.update("a")
        await until_waiting(connection, 1)
        shared = served.update("b")
        await until_waiting(connection, 2)
        stop = served.stop()
        assert [await heard(alone), await heard(shared)] == [OPEN, OPEN]
    await stop
    assert (await served.pages())[1] == 7


async def test_an_update_without_a_connection_sent_nothing(
    databases: Databases, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving_books(databases, transport, pool_size=1) as served:
        async with holding(served.dsn, "LOCK TABLE book") as connection:
            read = asyncio.create_task(served.client.call(f"{BOOKS}/ListBooks"))
            await until_waiting(connection, 1)
            waits = noticed(monkeypatch, ConnectionLimiter, "_wait")
            call = served.update("a")
            await asyncio.wait_for(waits.wait(), 60)
            stop = served.stop()
            assert [await heard(call), await heard(read)] == [NOTHING_SENT, NOTHING_SENT]
            await stop
        assert await served.pages() == [1, 1]


async def test_an_update_behind_another_of_its_row_sent_nothing(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with holding(served.dsn, "SELECT * FROM book WHERE isbn = 'a' FOR UPDATE") as connection:
        first = served.update("a")
        await until_waiting(connection, 1)
        joins = noticed(monkeypatch, BatchQueue, "join")
        second = served.update("a")
        await asyncio.wait_for(joins.wait(), 60)
        stop = served.stop()
        assert [await heard(first), await heard(second)] == [OPEN, NOTHING_SENT]
        await stop
    assert await served.pages() == [1, 1]


async def test_a_call_whose_request_has_not_come_sent_nothing(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    receives = noticed(monkeypatch, Exchange, "receive")
    call = served.client.channel.stream_unary(f"/{UPDATE}")()
    await call.wait_for_connection()
    await asyncio.wait_for(receives.wait(), 60)
    stop = served.stop()
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    assert (failed.value.code(), RpcFailed(failed.value).reason) == NOTHING_SENT
    await stop


async def test_a_stream_whose_chunks_are_acknowledged_has_nothing_open(
    databases: Databases, transport: str
) -> None:
    async with serving(databases, "flow", transport) as served:
        talk = served.client.converse(INGEST)
        await talk.ask(start={"stream_id": "s"})
        assert (await talk.ask(sequence=1, events=[{"id": 1, "name": "a", "at": EPOCH}])).watermark == 1
        stop = served.stop()
        with pytest.raises(RpcFailed) as failed:
            await anext(talk)
        assert (failed.value.code, failed.value.reason) == NOTHING_SENT
        await stop


async def test_an_update_out_of_time_is_told_to_be_open(databases: Databases, transport: str) -> None:
    async with serving_books(databases, transport, default_deadline=0.5) as served:
        request = {"book": {"isbn": "a", "pages": 7}, "update_mask": "pages"}
        body = served.client.message("books.v1.UpdateBookRequest", request).SerializeToString()
        async with holding(served.dsn, "SELECT * FROM book WHERE isbn = 'a' FOR UPDATE"):
            with pytest.raises(grpc.aio.AioRpcError) as failed:
                await served.client.channel.unary_unary(f"/{UPDATE}")(body)
        told = RpcFailed(failed.value)
        assert (told.code, told.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
        assert "may or may not be committed" in told.message


async def test_a_read_out_of_time_is_told_of_no_write(databases: Databases, transport: str) -> None:
    async with serving_books(databases, transport, default_deadline=0.5) as served:
        async with holding(served.dsn, "LOCK TABLE book IN ACCESS EXCLUSIVE MODE"):
            with pytest.raises(grpc.aio.AioRpcError) as failed:
                await served.client.channel.unary_unary(f"/{BOOKS}/ListBooks")(b"")
        told = RpcFailed(failed.value)
        assert (told.reason, told.message) == ("DEADLINE_EXCEEDED", "the call's time is up")


async def test_a_transaction_is_known_to_be_undone_before_its_commit(served: Served) -> None:
    rows = [{"isbn": isbn, "title": isbn, "pages": 7} for isbn in "ab"]
    async with holding(served.dsn, "SELECT * FROM book WHERE isbn = 'b' FOR UPDATE") as connection:
        call = asyncio.create_task(served.client.call(f"{BOOKS}/BulkUpsertBooks", books=rows))
        await until_waiting(connection, 1)
        stop = served.stop()
        assert await heard(call) == NOTHING_SENT
        await stop
    assert await served.pages() == [1, 1]


async def test_a_transaction_may_be_committed_from_its_commit_on(served: Served) -> None:
    await fetch(served.dsn, WAIT)
    await fetch(served.dsn, AT_COMMIT)
    async with holding(served.dsn, "SELECT pg_advisory_xact_lock(1)") as connection:
        # Its id is kept in the same transaction.
        book = {"isbn": "c", "title": "c", "pages": 7}
        call = asyncio.create_task(served.client.call(CREATE, {"book": book, "request_id": str(uuid4())}))
        await until_waiting(connection, 1)
        stop = served.stop()
        assert await heard(call) == OPEN
        await stop
    assert await served.pages() in ([1, 1], [1, 1, 7])
