"""/debug/calls: the calls under way, who makes them, and what each waits for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.admin import calls_under_way
from gateway.admin.pages import Pages
from gateway.admin.server import AdminServer
from gateway.app import Gateway
from gateway.config.load import settings_of
from gateway.db.coalesce import PointReads, RowWrites
from gateway.db.pool.connection_limiter import ConnectionLimiter
from gateway.db.pool.pool import Pool
from gateway.db.retry import LoopClock
from gateway.db.statements import runner
from gateway.db.statements.cursor import Cursor
from gateway.db.statements.watch import StatementWatch
from gateway.transport import streaming
from gateway.transport.authorization import Authorization
from gateway.transport.exchange import Exchange
from gateway.transport.limits.processor import Processor
from tests.harness.client import Client
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, ledger_database
from tests.harness.http import ask
from tests.harness.polling import next_poll
from tests.transport.conftest import GET, SERVICE, locked, until_waiting

LIST = f"{SERVICE}/ListAccounts"


@asynccontextmanager
async def served(dsn: str, **more: Any) -> AsyncIterator[tuple[Client, str]]:
    """Serve the ledger with an admin address; give a client and that."""
    settings = settings_of(dsn=dsn, listen="127.0.0.1:0", admin_listen="0", log_access="none", **more)
    gateway = await Gateway.start(descriptors_of("ledger"), settings)
    assert gateway.source is not None
    admin = AdminServer(gateway.source, settings)
    await admin.start()
    client = Client(f"127.0.0.1:{gateway.port}", descriptors_of("ledger"))
    try:
        yield client, str(admin.address)
    finally:
        await client.close()
        await gateway.stop(grace=1)
        await admin.stop()


async def told(admin: str) -> list[dict[str, Any]]:
    """Return what the page tells."""
    calls: list[dict[str, Any]] = (await ask(admin, "GET", "/debug/calls")).json["calls"]
    return calls


async def until_told(admin: str, waits: Sequence[str]) -> list[dict[str, Any]]:
    """Wait until calls wait for this; return what the page tells of them."""
    async with asyncio.timeout(30):
        while True:
            calls = await told(admin)
            if sorted(call["waits_for"] for call in calls) == sorted(waits):
                return calls
            await next_poll()


async def test_each_call_says_what_it_waits_for(databases: Databases) -> None:
    dsn = await ledger_database(databases)
    async with served(dsn, pool_size=1) as (client, admin):
        assert await told(admin) == []
        async with locked(dsn) as connection:
            reads = [asyncio.create_task(client.call(LIST))]
            await until_waiting(connection, 1)
            (first,) = await until_told(admin, ["statement: list order"])
            assert first["method"] == LIST
            assert first["principal"] == first["trace_id"] == ""
            assert first["peer"].startswith("ipv4:127.0.0.1:")
            reads += [asyncio.create_task(client.call(LIST))]
            calls = await until_told(admin, ["statement: list order", "a connection"])
            assert calls[0]["request_id"] == first["request_id"]  # the oldest first
            assert calls[0]["age_seconds"] >= first["age_seconds"]
        await asyncio.gather(*reads)
        assert await told(admin) == []


async def test_calls_that_share_a_statement_say_so(databases: Databases) -> None:
    dsn = await ledger_database(databases)
    async with served(dsn) as (client, admin):
        async with locked(dsn) as connection:
            alone = asyncio.create_task(client.call(GET, {"book": "main", "number": 1}))
            await until_waiting(connection, 1)
            others = [asyncio.create_task(client.call(GET, {"book": "a", "number": n})) for n in range(3)]
            await until_waiting(connection, 2)
            waits = {call["waits_for"] for call in await told(admin)}
            assert "statement: get order" in waits
            assert all("statement: " in one for one in waits)
            assert any(one.startswith("shared statement: ") for one in waits)
        await asyncio.gather(alone, *others, return_exceptions=True)


def test_every_function_that_tells_what_is_waited_for_is_there() -> None:

    functions = (
        *(Authorization.identify, Processor.wait, Exchange.receive, ConnectionLimiter._wait),
        *(
            PointReads.fetch,
            RowWrites._shared,
            Pool._add,
            StatementWatch.over,
            LoopClock.sleep,
            runner._commit,
        ),
        *(streaming._send, streaming._requests),
        *(Cursor.bind, Cursor.slices),
    )
    assert {function.__qualname__ for function in functions} == set(calls_under_way.PLACES)


async def test_a_plan_is_told_of_the_slowest_statement_of_a_name_without_a_value(
    databases: Databases,
) -> None:
    dsn = await ledger_database(databases)
    async with served(dsn, pool_size=1) as (client, admin):
        assert (await ask(admin, "GET", "/debug/plan?statement=list%20order")).status == 404
        await client.call(LIST, filter='title = "hunter2"')
        account = {"book": "main", "number": 1, "title": "hunter2", "iban": "1"}
        await client.call(f"{SERVICE}/CreateAccount", account=account)
        for _ in range(2):
            plan = await ask(admin, "GET", "/debug/plan?statement=list%20order")
            assert plan.status == 200
            assert b"Limit" in plan.body
            assert b"$1" in plan.body
            assert b"hunter2" not in plan.body
        made = await ask(admin, "GET", "/debug/plan?statement=create%20order")
        assert (made.status, b"Insert on " in made.body) == (200, True)
        # Nothing was run, and the connection is as good as before.
        assert len((await client.call(LIST)).accounts) == 1


async def test_who_calls_what_is_told_to_this_machine_alone() -> None:
    class Asked:
        method, path, misdirected, peer = "GET", "/debug/calls", False, "ipv4:192.0.2.7:4000"

        async def respond(self, status: int, headers: Any, body: bytes) -> None:
            """Keep the answer."""
            self.answer = (status, headers, body)

    asked = Asked()
    source: Any = None
    await Pages(source)(asked)  # type: ignore[arg-type]
    assert asked.answer[0] == 403


@pytest.mark.parametrize("seconds", [0, 0.000001])
async def test_slow_statements_are_logged_by_their_names_alone(
    databases: Databases, caplog: pytest.LogCaptureFixture, seconds: float
) -> None:
    dsn = await ledger_database(databases)
    async with served(dsn, log_slow_statement=seconds) as (client, _):
        await client.call(LIST, filter='title = "hunter2"')
    slow = [vars(one) for one in caplog.records if one.getMessage() == "a statement was slow"]
    mine = [one for one in slow if one["statement"] == "list order"]
    assert len(mine) == (1 if seconds else 0)
    assert "hunter2" not in repr(slow)
    assert all(one["method"] == LIST.replace("/", ".") and one["duration_ms"] > 0 for one in mine)
