"""What PostgreSQL said of a call that failed is in the log, and nowhere else."""

import logging

import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.transport.conftest import GET

SAID = '42P01: relation "Ledger.order" does not exist'


async def test_what_the_database_said_is_in_the_log_alone(
    gateway_for: GatewayFor, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await gateway_for("ledger", log_access="errors")
    await gateway.sql('ALTER TABLE "Ledger"."order" RENAME TO moved')
    with caplog.at_level(logging.INFO, "gateway.access"), pytest.raises(RpcFailed) as failed:
        await gateway.client.call(GET, {"book": "main", "number": 1})
    assert failed.value.reason == "SCHEMA_MISMATCH"
    assert "Ledger.order" not in str(failed.value.status)
    (line,) = (record for record in caplog.records if record.name == "gateway.access")
    assert getattr(line, "cause", "") == SAID
