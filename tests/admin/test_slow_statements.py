"""`log.slow_statement`: a line for each statement that was slow, with whose it was."""

import logging
from pathlib import Path
from typing import Any

import pytest

from gateway.db.statements.watch import StatementWatch
from gateway.observe.call_record import CallRecord
from gateway.request.calls.call import Call
from tests.conftest import GatewayFor
from tests.harness.client import Client
from tests.harness.gateway import descriptors_of
from tests.harness.transports import TRANSPORTS
from tests.policy.keys import key_of

LIST = "allowed.v1.SheetService/ListSheets"
ANY = 0.000001
"""Seconds that every statement takes."""


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    """Return what carries the calls."""
    return str(request.param)


def slow(caplog: pytest.LogCaptureFixture, statement: str) -> list[dict[str, Any]]:
    """Return the lines of slow statements of a name."""
    lines = [vars(one) for one in caplog.records if one.getMessage() == "a statement was slow"]
    return [one for one in lines if one["statement"] == statement]


async def test_whose_statement_was_slow_is_told_as_of_its_call(
    gateway_for: GatewayFor, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    key = key_of(keys, "ann")
    gateway = await gateway_for(
        "allowed", auth_providers="api_key", auth_api_keys=keys, log_slow_statement=ANY, log_access="all"
    )
    with caplog.at_level(logging.INFO, "gateway.access"):
        await gateway.call(LIST)
        ann = Client(gateway.target, descriptors_of("allowed"), authorization=key)
        await ann.call(LIST)
        await ann.close()
    calls = [vars(one) for one in caplog.records if one.name == "gateway.access"]
    assert [one["principal"] for one in calls] == ["anonymous", "api_key:ann"]
    for one, call in zip(slow(caplog, "list sheet"), calls, strict=True):
        assert one["peer"].startswith("ipv4:127.0.0.1:")
        assert all(one[name] == call[name] for name in ("peer", "principal", "request_id"))


async def test_of_a_statement_that_several_calls_share_no_caller_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def answer() -> None:
        """Take no time, which is too long."""

    watch, call = StatementWatch(slow=1e-12), Call("x.Y.Z", caller="jwt:ann")
    await watch.over("get thing", call, answer())
    (line,) = slow(caplog, "get thing")
    assert line["method"] == "x.Y.Z"
    assert not {"peer", "principal", "request_id"} & set(line)
    call.record = CallRecord("x.Y/Z", "id", "ipv4:192.0.2.1:7")
    await watch.over("get it", call, answer())
    (line,) = slow(caplog, "get it")
    assert (line["peer"], line["request_id"], "principal" in line) == ("ipv4:192.0.2.1:7", "id", False)
