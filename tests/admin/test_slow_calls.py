"""`log.slow_call`: a line for each call that was slow, with what it waited for."""

import asyncio
import logging
from time import monotonic
from typing import Any

import pytest

from gateway.admin.slow_calls import MOST, SlowCalls
from gateway.observe.call_record import CallRecord
from gateway.transport.exchange import Exchange
from tests.conftest import GatewayFor
from tests.harness.gateway import RunningGateway
from tests.harness.polling import next_poll
from tests.harness.transports import TRANSPORTS
from tests.transport.conftest import ACCOUNTS, GET, SERVICE, locked, until_waiting

LIST = f"{SERVICE}/ListAccounts"
SECONDS = 0.2


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    """Return what carries the calls."""
    return str(request.param)


def slow(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the lines of slow calls."""
    return [vars(one) for one in caplog.records if one.getMessage() == "a call was slow"]


async def until_past(seconds: float) -> None:
    """Wait until so many seconds have passed."""
    end = monotonic() + seconds
    while monotonic() < end:
        await next_poll()


async def held_up(gateway: RunningGateway, *calls: Any, table: str = ACCOUNTS) -> None:
    """Make calls that wait for a lock for longer than they may take, one of them at PostgreSQL."""
    async with locked(gateway.dsn, table) as connection:
        tasks = [asyncio.ensure_future(call) for call in calls]
        await until_waiting(connection, 1)
        await until_past(2 * SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_slow_call_is_told_of_once_with_what_it_waited_for(
    gateway_for: GatewayFor, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await gateway_for("ledger", log_slow_call=SECONDS, pool_size=1)
    await gateway.call(LIST)
    assert slow(caplog) == []
    await held_up(gateway, gateway.call(LIST, filter='title = "hunter2"'), gateway.call(LIST))
    first, second = sorted(slow(caplog), key=lambda one: "a connection" in one["spent_ms"])
    assert first["levelno"] == logging.WARNING
    assert (first["method"], first["code"]) == (LIST, "OK")
    assert first["peer"].startswith("ipv4:127.0.0.1:")
    assert max(first["spent_ms"], key=first["spent_ms"].get) == "statement: list order"
    assert max(second["spent_ms"], key=second["spent_ms"].get) == "a connection"
    for one in (first, second):
        assert one["duration_ms"] > 1000 * SECONDS
        assert sum(one["spent_ms"].values()) == pytest.approx(one["duration_ms"], abs=0.1)
    assert "hunter2" not in repr(slow(caplog))


async def test_calls_that_share_a_statement_name_it(
    gateway_for: GatewayFor, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await gateway_for("ledger", log_slow_call=SECONDS)
    gets = [gateway.call(GET, book="main", number=n) for n in range(4)]
    await held_up(gateway, *gets)
    lines = slow(caplog)
    assert len(lines) == 4
    assert {one["code"] for one in lines} == {"NOT_FOUND"}
    assert all(any("statement: " in words for words in one["spent_ms"]) for one in lines), lines


async def test_no_call_is_slow_without_the_setting(
    gateway_for: GatewayFor, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await gateway_for("ledger")
    await held_up(gateway, gateway.call(LIST))
    assert slow(caplog) == []


async def test_what_a_stream_waits_for_its_client_is_not_its_own_time(
    gateway_for: GatewayFor, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await gateway_for("flow", log_slow_call=SECONDS)
    talk = gateway.client.converse("flow.v1.EventService/IngestEvents")
    await talk.ask(start={"stream_id": "s"})
    await until_past(3 * SECONDS)
    await talk.end()
    assert slow(caplog) == []


async def test_what_a_stream_waits_for_the_database_is(
    gateway_for: GatewayFor, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await gateway_for("flow", log_slow_call=SECONDS)

    async def read() -> None:
        await gateway.client.stream("flow.v1.EventService/StreamEvents").take("events")

    await held_up(gateway, read(), table="event")
    (line,) = slow(caplog)
    assert max(line["spent_ms"], key=line["spent_ms"].get) == "statement: stream event"


def test_no_more_calls_are_looked_at_than_so_many_and_none_is_kept_that_has_ended() -> None:
    calls = SlowCalls(1.0)
    exchanges = [Exchange(b"", CallRecord("x.Y/Z", "id"), arrived=float(n)) for n in range(2 * MOST)]
    calls._look(exchanges, now=10_000.0)
    assert {id(one.record) for one in exchanges[:MOST]} == set(calls._seen)
    calls._look(exchanges[MOST:], now=10_001.0)
    assert {id(one.record) for one in exchanges[MOST:]} == set(calls._seen)
    calls._look([], now=10_002.0)
    assert not calls._seen


def test_times_add_up_to_the_calls(caplog: pytest.LogCaptureFixture) -> None:
    calls, record = SlowCalls(1.0), CallRecord("x.Y/Z", "id")
    exchange = Exchange(b"", record, arrived=0.0)
    for now in (0.1, 0.4, 2.0, 3.5):
        calls._look([exchange], now)
    record.duration = 4.0
    calls(record)
    (line,) = slow(caplog)
    assert line["spent_ms"] == {"its turn": 4000.0}
