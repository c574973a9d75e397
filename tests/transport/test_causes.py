"""What PostgreSQL said of a call that failed is in the log, and nowhere else."""

import logging

import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed, fresh_name
from tests.harness.gateway import serve
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


async def test_a_lacking_privilege_is_told_at_start_and_at_each_call(
    gateway_for: GatewayFor, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Under the call's own id, with PostgreSQL's words."""
    owner = await gateway_for("ledger")
    role = fresh_name("guest")
    await owner.sql(f"CREATE ROLE {role} LOGIN")
    await owner.sql(f'GRANT USAGE ON SCHEMA "Ledger" TO {role}')
    await owner.sql(f'GRANT SELECT ON "Ledger"."where" TO {role}')
    dsn = owner.dsn.replace("//postgres@", f"//{role}@")
    assert dsn != owner.dsn
    with caplog.at_level(logging.INFO):
        gateway = await serve("ledger", dsn, transport=transport, log_access="errors")
        try:
            with pytest.raises(RpcFailed) as failed:
                await gateway.client.call(GET, {"book": "main", "number": 1})
        finally:
            await gateway.stop()
            await owner.sql(f"DROP OWNED BY {role}")
            await owner.sql(f"DROP ROLE {role}")
    assert failed.value.reason == "INSUFFICIENT_PRIVILEGE"
    (line,) = (record for record in caplog.records if record.name == "gateway.access")
    assert getattr(line, "cause", "") == "42501: permission denied for table order"
    assert line.levelname == "WARNING"
    assert getattr(line, "request_id", "") == failed.value.trailers["x-request-id"]
    (told,) = (
        vars(record) for record in caplog.records if record.name == "gateway.introspect.startup.grants"
    )
    assert told["role"] == role
    assert told["lacking"]['"Ledger"."order"'] == ["INSERT", "SELECT", "UPDATE"]
    assert told["lacking"]['"Ledger"."where"'] == ["DELETE", "INSERT", "UPDATE"]
