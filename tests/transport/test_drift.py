"""Tables that others alter while they are served: the log and health tell of them, until they fit again."""

import asyncio
import logging
from typing import Any

import pytest
from grpc_health.v1 import health_pb2 as pb
from grpc_health.v1 import health_pb2_grpc

from gateway.introspect.drift import watch
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.harness.polling import next_poll
from tests.transport.conftest import GET

SERVING = pb.HealthCheckResponse.SERVING
NOT_SERVING = pb.HealthCheckResponse.NOT_SERVING
ACCOUNTS = "ledger.v1.AccountService"
ENTRIES = "ledger.v1.EntryService"
TABLE = '"Ledger"."order"'
DRIFTED = "the database has drifted from the schema"
FITS = "the database fits the schema again"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often: no test waits for the time to pass."""
    monkeypatch.setattr(watch, "_INTERVAL_OF_DRIFT", 0.01)
    monkeypatch.setattr(watch, "_REST", 0.01)


async def status(gateway: RunningGateway, service: str) -> Any:
    stub: Any = health_pb2_grpc.HealthStub(gateway.client.channel)
    return (await stub.Check(pb.HealthCheckRequest(service=service))).status


async def told(gateway: RunningGateway, wanted: Any) -> None:
    """Wait until health says it of the accounts' service, and see that it says nothing of others."""
    stub: Any = health_pb2_grpc.HealthStub(gateway.client.channel)
    watch = stub.Watch(pb.HealthCheckRequest(service=ACCOUNTS))
    async with asyncio.timeout(60):
        while (await watch.read()).status != wanted:
            pass
    watch.cancel()
    assert [await status(gateway, service) for service in ("", ENTRIES)] == [SERVING, SERVING]


async def test_a_failing_call_has_the_drift_told_until_it_heals(
    gateway_for: GatewayFor, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await gateway_for("ledger")
    assert await status(gateway, ACCOUNTS) == SERVING
    await gateway.sql(f'ALTER TABLE {TABLE} RENAME COLUMN "user" TO whose')
    with caplog.at_level(logging.WARNING):
        with pytest.raises(RpcFailed) as failed:
            await gateway.client.call(GET, {"book": "main", "number": 1})
        assert failed.value.reason == "SCHEMA_MISMATCH"
        await told(gateway, NOT_SERVING)
        await gateway.sql(f'ALTER TABLE {TABLE} RENAME COLUMN whose TO "user"')
        await told(gateway, SERVING)
    with pytest.raises(RpcFailed) as failed:
        await gateway.client.call(GET, {"book": "main", "number": 1})
    assert failed.value.reason == "ROW_NOT_FOUND"
    lines = [record for record in caplog.records if record.name == watch.__name__]
    assert [line.message for line in lines if line.message != DRIFTED] == [FITS]
    differences = {getattr(line, "difference", ""): getattr(line, "services", []) for line in lines[:-1]}
    (of_column,) = (services for text, services in differences.items() if "column user is missing" in text)
    assert of_column == [ACCOUNTS]


async def test_a_look_now_and_then_finds_drift_that_no_call_met(
    gateway_for: GatewayFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_INTERVAL", 0.01)
    gateway = await gateway_for("ledger")
    await gateway.sql(f"ALTER TABLE {TABLE} RENAME TO moved")
    await told(gateway, NOT_SERVING)


@pytest.mark.parametrize("change", ["DROP CONSTRAINT order_limit_check", "ALTER iban TYPE text"])
async def test_what_no_statement_fails_by_is_logged_and_served_with(
    gateway_for: GatewayFor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, change: str
) -> None:
    """A check that is gone; a type of the same values, as others' migrations may bring it first."""
    monkeypatch.setattr(watch, "_INTERVAL", 0.01)
    gateway = await gateway_for("ledger")
    with caplog.at_level(logging.ERROR):
        await gateway.sql(f"ALTER TABLE {TABLE} {change}")
        async with asyncio.timeout(60):
            while not any(record.message == DRIFTED for record in caplog.records):
                await next_poll()
    assert await status(gateway, ACCOUNTS) == SERVING
