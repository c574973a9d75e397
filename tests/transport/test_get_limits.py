"""GetLimits tells the limits that calls meet."""

import asyncio
import re
from pathlib import Path
from typing import Any

import grpc
import pytest
from rowgate.v1 import limits_pb2

from gateway.config.load import settings_of
from gateway.transport.builtin.limits import PATH
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.policy.keys import key_of

_REASONS = re.findall(
    r"^\| ([A-Z_]+) \|", (Path(__file__).parents[2] / "docs/errors.md").read_text(), re.MULTILINE
)


async def _limits(gateway: RunningGateway, caller: str = "") -> Any:
    stub = gateway.client.channel.unary_unary(
        PATH,
        request_serializer=limits_pb2.GetLimitsRequest.SerializeToString,
        response_deserializer=limits_pb2.GetLimitsResponse.FromString,
    )
    metadata = (("authorization", caller),) if caller else ()
    return await stub(limits_pb2.GetLimitsRequest(), metadata=metadata, timeout=30)


async def test_what_is_told_is_what_is_set(gateway_for: GatewayFor) -> None:
    set_ = {
        "session_timeout": 20,
        "max_request_bytes": 5000,
        "caller_rate": 7,
        "caller_in_flight": 3,
        "max_in_flight": 80,
    }
    told = await _limits(await gateway_for("ledger", caller_weights="LIST=4", **set_))
    values = {one.name: (one.value, one.unit, one.reason) for one in told.limits}
    assert values["limits.max_request_bytes"] == (5000, "bytes", "REQUEST_TOO_LARGE")
    assert values["limits.caller_rate"] == (7, "calls per second", "RATE_LIMITED")
    assert values["limits.caller_burst"] == (7, "calls", "RATE_LIMITED")
    assert values["limits.caller_in_flight"] == (3, "calls", "TOO_MANY_CALLS_OF_CALLER")
    assert values["limits.max_in_flight"] == (40, "calls", "TOO_MANY_CALLS")
    assert values["limits.session_timeout"] == (20, "seconds", "DEADLINE_EXCEEDED")
    assert values["limits.session_idle_timeout"] == (10, "seconds", "SESSION_IDLE")
    assert values["filter.length"] == (8192, "characters", "FILTER_TOO_LONG")
    assert [(one.kind, one.weight) for one in told.weights] == [("LIST", 4)]
    assert all(one.description for one in told.limits)


async def test_what_is_told_is_what_the_transport_holds_to(gateway_for: GatewayFor, transport: str) -> None:
    values = {one.name: one.value for one in (await _limits(await gateway_for("ledger"))).limits}
    streams, mebibytes = {"http": (500, 64), "grpcio": (100, 16)}[transport]
    assert values["limits.max_concurrent_streams"] == streams
    assert values["limits.max_request_bytes"] == mebibytes * 2**20


async def test_names_are_of_settings_and_reasons_of_errors(gateway_for: GatewayFor) -> None:
    told = await _limits(await gateway_for("ledger"))
    settings = settings_of()
    for one in told.limits:
        section, _, name = one.name.partition(".")
        assert hasattr(getattr(settings, section, settings.limits), name) or section in (
            *("filter", "mask", "page", "batch_get", "batch", "transact"),
        )
        assert not one.reason or one.reason in _REASONS, one.name
    assert not told.weights
    assert "limits.caller_rate" not in {one.name for one in told.limits}


async def test_an_error_tells_the_limit_that_was_told(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger", caller_rate=2, caller_weights="GET=2,LIST=2")
    (told,) = [one for one in (await _limits(gateway)).limits if one.name == "limits.caller_rate"]
    calls = (gateway.call("ledger.v1.AccountService/ListAccounts") for _ in range(20))
    with pytest.raises(RpcFailed) as caught:
        await asyncio.gather(*calls)
    assert caught.value.reason == told.reason
    assert float(caught.value.metadata["limit_per_second"]) == told.value


async def test_limits_are_for_who_may_see_the_schema(gateway_for: GatewayFor, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    seer, other = key_of(keys, "seer", "seer"), key_of(keys, "other", "reader")
    known = {"auth_providers": "api_key", "auth_api_keys": keys, "auth_schema_roles": "seer"}
    gateway = await gateway_for("allowed", **known)
    assert (await _limits(gateway, seer)).limits
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _limits(gateway, other)
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
