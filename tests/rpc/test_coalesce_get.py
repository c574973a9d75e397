"""Get under load, over gRPC: right answers from few statements, and nobody pays for another's call."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import asyncpg
import grpc
import pytest
from google.rpc import error_details_pb2

from gateway.db.database import Database, Row
from gateway.request.calls.call import Call
from gateway.request.masks import read_fields
from gateway.schema.tables.metadata import build_tables
from gateway.sql.reads.select import select_by_keys, selected
from gateway.sql.statement import Statement
from tests.conftest import GatewayFor
from tests.harness.client import Client, RpcFailed
from tests.harness.gateway import RunningGateway, descriptors_of, schema_of
from tests.harness.polling import next_poll
from tests.rpc.readside import insert

ACCOUNT = "ledger.v1.Account"
GET_ACCOUNT = "ledger.v1.AccountService/GetAccount"
GET_SCALAR = "types.v1.ScalarService/GetScalar"
CLIENTS, READS = 128, 20


async def scalars(gateway: RunningGateway, count: int) -> None:
    await insert(gateway, gateway.schema.resources["types.v1.Scalar"], [{"id": i} for i in range(count)])


async def fates(calls: Sequence[Any]) -> list[Any]:
    """Return each call's answer, or its status."""
    found = await asyncio.gather(*calls, return_exceptions=True)
    return [one.code.name if isinstance(one, RpcFailed) else one for one in found]


async def until_locked(gateway: RunningGateway, sessions: int) -> None:
    """Wait until so many sessions wait for a lock."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while len(await gateway.sql(waiting)) < sessions:
        await next_poll()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count what passes the query executor, by name."""
    passed: Counter[str] = Counter()
    fetch = Database.fetch

    async def counting(
        self: Database, statement: Statement, args: Sequence[Any], call: Call
    ) -> Sequence[Row]:
        passed[statement.name] += 1
        return await fetch(self, statement, args, call)

    monkeypatch.setattr(Database, "fetch", counting)
    return passed


async def test_every_caller_gets_its_row(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger", max_in_flight=1000)
    there = [(book, number) for book in "abcde" for number in range(40)]
    accounts = [
        {"book": book, "number": number, "iban": f"{book}{number}", "Title": f"{book}-{number}"}
        for book, number in there
    ]
    await insert(gateway, gateway.schema.resources[ACCOUNT], accounts)
    channels = [Client(gateway.target, descriptors_of("ledger")) for _ in range(8)]

    async def one_client(n: int) -> None:
        keys = random.Random(n)  # noqa: S311 - a seed, so that a failure comes again
        for _ in range(READS):
            book, number = keys.choice("abcdef"), keys.randrange(42)
            mask = keys.choice(["*"] * 9 + ["title"])
            call = channels[n % 8].call(GET_ACCOUNT, book=book, number=number, read_mask=mask)
            if (book, number) in there:
                row = await call
                assert row.title == f"{book}-{number}"
                assert mask != "*" or (row.book, row.number) == (book, number)
            else:
                with pytest.raises(RpcFailed, match=f"book={book}, number={number}") as failed:
                    await call
                assert failed.value.code is grpc.StatusCode.NOT_FOUND

    await asyncio.gather(*map(one_client, range(CLIENTS)))
    for channel in channels:
        await channel.close()


async def test_a_busy_database_is_asked_few_times(gateway_for: GatewayFor, statements: Counter[str]) -> None:
    gateway = await gateway_for("types", coalesce_max_concurrent_batches=1, probe_interval=1000)
    await scalars(gateway, CLIENTS)
    locker = await asyncpg.connect(gateway.dsn)
    try:
        async with locker.transaction():
            await locker.execute("LOCK TABLE scalar")
            calls = [asyncio.create_task(gateway.call(GET_SCALAR, id=i)) for i in range(CLIENTS)]
            await until_locked(gateway, 1)
            for _ in range(20):  # those that came before these have all arrived by then
                with pytest.raises(RpcFailed, match="nowhere"):
                    await gateway.call("types.v1.ScalarService/ListScalars", order_by="nowhere")
    finally:
        await locker.close()
    assert [row.id for row in await asyncio.gather(*calls)] == list(range(CLIENTS))
    assert statements.total() < CLIENTS / 8


async def test_one_call_at_a_time_is_one_single_statement(
    gateway_for: GatewayFor, statements: Counter[str]
) -> None:
    gateway = await gateway_for("types", probe_interval=1000)
    await scalars(gateway, 3)
    for i in range(3):
        assert (await gateway.call(GET_SCALAR, id=i)).id == i
    assert statements["get scalar"] == 3
    assert statements["batch get scalar"] == 0


async def test_a_row_that_no_message_holds_is_one_callers(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("types", coalesce_max_concurrent_batches=1)
    await scalars(gateway, 9)
    await gateway.sql("UPDATE scalar SET at = 'infinity' WHERE id = 4")
    found = await fates([gateway.call(GET_SCALAR, id=i) for i in range(9)])
    assert [one if isinstance(one, str) else one.id for one in found] == [0, 1, 2, 3, "DATA_LOSS", 5, 6, 7, 8]


async def test_callers_who_cannot_wait_leave_alone(gateway_for: GatewayFor) -> None:
    """Behind a lock: two too many are refused, one goes away, one is out of time; the others are answered."""
    gateway = await gateway_for("types", coalesce_max_concurrent_batches=1, coalesce_max_waiting=3)
    await scalars(gateway, 9)
    locker = await asyncpg.connect(gateway.dsn)
    try:
        async with locker.transaction():
            await locker.execute("LOCK TABLE scalar")
            calls = {0: asyncio.create_task(gateway.call(GET_SCALAR, id=0))}
            await until_locked(gateway, 1)
            calls |= {i: asyncio.create_task(gateway.call(GET_SCALAR, id=i)) for i in range(1, 6)}
            refused = [await first_failure(calls) for _ in range(2)]
            gone = max(calls)
            calls.pop(gone).cancel()
            assert await until_not_refused(gateway) == "DEADLINE_EXCEEDED"
    finally:
        await locker.close()
    assert {error.reason for error in refused} == {"TOO_MANY_READS"}
    assert all(error.details(error_details_pb2.RetryInfo) for error in refused)
    assert {i: (await call).id for i, call in calls.items()} == {i: i for i in calls}
    assert len(calls) == 3


async def first_failure(calls: dict[int, "asyncio.Task[Any]"]) -> RpcFailed:
    """Wait for a call to fail; take it from the calls."""
    await asyncio.wait(calls.values(), return_when=asyncio.FIRST_COMPLETED)
    failed = next(i for i, call in calls.items() if call.done())
    error = calls.pop(failed).exception()
    assert isinstance(error, RpcFailed)
    return error


async def until_not_refused(gateway: RunningGateway) -> str:
    """Call, with little time, until there is a place in the queue; return how that call ended."""
    while True:
        try:
            await gateway.client.call(GET_SCALAR, id=8, timeout=0.3)
        except RpcFailed as failed:
            if failed.reason != "TOO_MANY_READS":
                return failed.code.name


async def test_stopping_answers_who_waits(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("types", coalesce_max_concurrent_batches=1, close_timeout=0.2)
    await scalars(gateway, 9)
    locker = await asyncpg.connect(gateway.dsn)
    try:
        async with locker.transaction():
            await locker.execute("LOCK TABLE scalar")
            calls = [asyncio.create_task(gateway.call(GET_SCALAR, id=i)) for i in range(9)]
            await until_locked(gateway, 1)
            await asyncio.wait_for(gateway.end(), 60)
            ended = await asyncio.wait_for(fates(calls), 60)
    finally:
        await locker.close()
    assert set(ended) <= {"UNAVAILABLE", "CANCELLED"}


async def test_an_acknowledged_write_is_read(gateway_for: GatewayFor) -> None:
    """Every client reads back what it wrote, while many others read the same rows."""
    gateway = await gateway_for("types")
    await scalars(gateway, 20)
    update = "types.v1.ScalarService/UpdateScalar"

    async def reader(row: int) -> None:
        last = 0
        for _ in range(40):
            seen = (await gateway.call(GET_SCALAR, id=row)).int64_value
            assert seen >= last
            last = seen

    async def writer(row: int) -> None:
        for value in range(1, 16):
            await gateway.call(
                update, {"scalar": {"id": row, "int64_value": value}, "update_mask": "int64Value"}
            )
            assert (await gateway.call(GET_SCALAR, id=row)).int64_value == value

    await asyncio.gather(*map(writer, range(20)), *(reader(i % 20) for i in range(60)))


async def test_many_keys_are_looked_up_one_by_one(gateway_for: GatewayFor) -> None:
    """Also by a plan that was made, and kept, while the table was empty."""
    gateway = await gateway_for("types")
    schema = schema_of("types")
    resource = schema.resources["types.v1.Scalar"]
    fields = selected(resource, read_fields(resource, ["id"]))
    many = select_by_keys(resource, build_tables(schema).tables["types.v1.Scalar"], fields)
    connection = await asyncpg.connect(gateway.dsn)
    try:
        await connection.execute(f"PREPARE many AS {many.text}")
        for _ in range(8):
            await connection.execute("EXECUTE many('{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17}')")
        plan = await connection.fetch("EXPLAIN EXECUTE many('{1,2,3}')")
    finally:
        await connection.close()
    text = "\n".join(row[0] for row in plan)
    assert "Index Cond: (id = rowgate_wanted.k0)" in text
    assert "Seq Scan" not in text


async def test_batches_of_keys_share_statements_too(
    gateway_for: GatewayFor, statements: Counter[str]
) -> None:
    """Every caller gets the rows of its own keys, in its own order, and hears which are missing."""
    gateway = await gateway_for("types", probe_interval=1000)
    await scalars(gateway, 50)
    draw = random.Random(1)  # noqa: S311 - a seed, so that a failure comes again
    asked = [[draw.randrange(60) for _ in range(draw.randrange(1, 9))] for _ in range(200)]
    calls = [gateway.call("types.v1.ScalarService/BatchGetScalars", ids=ids) for ids in asked]
    for ids, found in zip(asked, await asyncio.gather(*calls), strict=True):
        assert [row.id for row in found.scalars] == [i for i in ids if i < 50]
        assert list(found.missing) == list(dict.fromkeys(i for i in ids if i >= 50))
    assert statements["batch get scalar"] < 160
