"""Stream over each transport: the client's pace and its going, deadlines, limits, and the way back."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import grpc
import pytest

from tests.conftest import GatewayFor, gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway
from tests.harness.polling import next_poll
from tests.transport.conftest import locked, until_waiting

STREAM = "flow.v1.EventService/StreamEvents"
ROWS = 20_000
NOTE = 1_000
PROMPT = 0.1
"""Seconds within which a query stops when its caller goes, at best: machines are shared."""
TIMES = 5


@pytest.fixture(scope="module")
async def flow(databases: Databases, transport: str) -> AsyncIterator[RunningGateway]:
    """Serve many events to two streams at once."""
    async with gateways(databases, transport=transport) as start:
        yield await gateway_with_events(start, max_cursors=2)


async def gateway_with_events(gateway_for: GatewayFor, rows: int = ROWS, **settings: Any) -> RunningGateway:
    gateway = await gateway_for("flow", **settings)
    await gateway.sql(
        "INSERT INTO event (id, name, amount, note, version) "
        "SELECT i, 'event ' || i, i * 7, repeat('x', $2), 1 FROM generate_series(1, $1::bigint) AS i",
        rows,
        NOTE,
    )
    return gateway


async def until_sessions(connection: asyncpg.Connection, *states: str) -> float:
    """Wait until the gateway's sessions that are not idle have these states; return how long that took."""
    begun = time.monotonic()
    busy = (
        "SELECT state FROM pg_stat_activity WHERE datname = current_database() "
        "AND state <> 'idle' AND pid <> pg_backend_pid() ORDER BY state"
    )
    async with asyncio.timeout(60):
        while [row["state"] for row in await connection.fetch(busy)] != list(states):
            await next_poll()
            await connection.execute("SELECT pg_stat_clear_snapshot()")
    return time.monotonic() - begun


async def test_a_waiting_query_stops_when_its_caller_goes(flow: RunningGateway) -> None:
    took = []
    async with locked(flow.dsn, "event") as connection:
        for _ in range(TIMES):
            responses = flow.client.stream(STREAM)
            await until_waiting(connection, 1)
            responses.call.cancel()
            took.append(await until_sessions(connection))
    assert min(took) < PROMPT


async def test_a_paused_stream_leaves_nothing_behind_when_its_caller_goes(flow: RunningGateway) -> None:
    took = []
    watch = await asyncpg.connect(flow.dsn)
    for _ in range(TIMES):
        responses = flow.client.stream(STREAM)
        assert (await anext(responses)).events[0].id == 1
        await until_sessions(watch, "idle in transaction")
        responses.call.cancel()
        took.append(await until_sessions(watch))
    await watch.close()
    assert min(took) < PROMPT
    assert (await flow.client.stream(STREAM).take("events"))[0] == list(range(1, ROWS + 1))


async def test_rows_are_fetched_at_the_clients_pace_and_not_for_ever(gateway_for: GatewayFor) -> None:
    gateway = await gateway_with_events(gateway_for, stream_send_timeout=1.5)
    responses = gateway.client.stream(STREAM)
    first = await anext(responses)
    watch = await asyncpg.connect(gateway.dsn)
    await until_sessions(watch, "idle in transaction")
    await until_sessions(watch)
    await watch.close()
    ids, token, error = await responses.take("events")
    assert error is not None
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "CLIENT_TOO_SLOW")
    assert error.metadata == {"resume_token": token}
    sent = [row.id for row in first.events] + ids
    assert sent == list(range(1, len(sent) + 1))
    assert len(sent) * NOTE < 14 * 1024 * 1024, "the transport took far more than the client"
    rest, _, error = await gateway.client.stream(STREAM, resume_token=token).take("events")
    assert error is None
    assert sent + rest == list(range(1, ROWS + 1))


async def test_a_stream_is_one_snapshot(flow: RunningGateway) -> None:
    responses = flow.client.stream(STREAM)
    first = await anext(responses)
    await flow.sql("UPDATE event SET id = id + $1 WHERE id % 2 = 0", ROWS)
    rest, _, error = await responses.take("events")
    assert error is None
    await flow.sql("UPDATE event SET id = id - $1 WHERE id > $1", ROWS)
    assert [row.id for row in first.events] + rest == list(range(1, ROWS + 1))


async def test_streams_are_counted(flow: RunningGateway) -> None:
    taken = [flow.client.stream(STREAM) for _ in range(2)]
    for responses in taken:
        await anext(responses)
    _, _, error = await flow.client.stream(STREAM).take("events")
    assert error is not None
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS")
    for responses in taken:
        responses.call.cancel()
    watch = await asyncpg.connect(flow.dsn)
    await until_sessions(watch)
    await watch.close()


async def test_the_deadline_ends_the_query(flow: RunningGateway) -> None:
    async with locked(flow.dsn, "event") as connection:
        _, _, error = await flow.client.stream(STREAM, timeout=0.5).take("events")
        assert error is not None
        assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
        await until_sessions(connection)


async def test_a_stream_has_a_deadline_of_its_own(gateway_for: GatewayFor) -> None:
    gateway = await gateway_with_events(gateway_for, rows=10, default_deadline=0.01, stream_deadline=0.5)
    async with locked(gateway.dsn, "event"):
        begun = time.monotonic()
        _, _, error = await gateway.client.stream(STREAM).take("events")
    assert error is not None
    assert error.reason == "DEADLINE_EXCEEDED"
    assert time.monotonic() - begun > 0.4


async def test_a_lost_connection_is_told_and_the_token_leads_on(flow: RunningGateway) -> None:
    responses = flow.client.stream(STREAM)
    first = await anext(responses)
    watch = await asyncpg.connect(flow.dsn)
    await until_sessions(watch, "idle in transaction")
    await watch.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await watch.close()
    ids, token, error = await responses.take("events")
    assert error is not None
    assert error.code is grpc.StatusCode.UNAVAILABLE
    rest, _, error = await flow.client.stream(STREAM, resume_token=token or first.resume_token).take("events")
    assert error is None
    assert [*_ids(first.events), *ids, *rest] == list(range(1, ROWS + 1))


async def test_many_streams_cancelled_at_random_leave_the_pool_whole(gateway_for: GatewayFor) -> None:
    gateway = await gateway_with_events(gateway_for, max_cursors=8, pool_size=12, apart=True)

    async def cancelled(number: int) -> None:
        responses = gateway.client.stream(STREAM)
        asyncio.get_running_loop().call_later(number % 40 / 1000, responses.call.cancel)
        await asyncio.wait([asyncio.ensure_future(responses.call.code())])

    for _ in range(5):
        await asyncio.gather(*(cancelled(number) for number in range(40)))
    watch = await asyncpg.connect(gateway.dsn)
    await until_sessions(watch)
    await watch.close()
    found = await asyncio.gather(*(gateway.client.stream(STREAM).take("events") for _ in range(4)))
    assert [len(ids) for ids, _, _ in found] == [ROWS] * 4


def _ids(rows: Sequence[Any]) -> list[int]:
    return [row.id for row in rows]
