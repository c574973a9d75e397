"""Deadlines and cancellation reach the query."""

import asyncio
from time import monotonic
from typing import Any

import grpc
import pytest

from gateway.request.calls.call import Call
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.transport.conftest import GET, Gate, Serve, locked, until_waiting

KEY = {"book": "main", "number": 1}


@pytest.mark.parametrize("settings", [{"default_deadline": 1.5}, {"max_deadline": 1.5}], ids=str)
async def test_the_servers_deadline_ends_the_query(gateway_for: GatewayFor, settings: dict[str, Any]) -> None:
    gateway = await gateway_for("ledger", **settings)
    async with locked(gateway.dsn) as connection:
        began = monotonic()
        stub = gateway.client.channel.unary_unary(f"/{GET}")
        request = gateway.client.message("ledger.v1.GetAccountRequest", KEY).SerializeToString()
        call = stub(request, timeout=None if "default_deadline" in settings else 30)
        await until_waiting(connection, 1)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert 1.2 < monotonic() - began < 20
        assert RpcFailed(caught.value).reason == "DEADLINE_EXCEEDED"
        await until_waiting(connection, 0)


async def test_the_clients_deadline_ends_the_query(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    async with locked(gateway.dsn) as connection:
        began = monotonic()
        call = asyncio.create_task(gateway.client.call(GET, KEY, timeout=1.5))
        await until_waiting(connection, 1)
        with pytest.raises(RpcFailed) as caught:
            await call
        assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert monotonic() - began < 20
        await until_waiting(connection, 0)


async def test_a_cancelled_call_ends_the_query_and_the_connection_is_used_again(
    gateway_for: GatewayFor,
) -> None:
    gateway = await gateway_for("ledger", pool_size=1)
    async with locked(gateway.dsn) as connection:
        call = gateway.client.channel.unary_unary(f"/{GET}")(b"")
        await until_waiting(connection, 1)
        call.cancel()
        await until_waiting(connection, 0)
    with pytest.raises(RpcFailed) as caught:
        await gateway.call(GET, KEY)
    assert caught.value.code is grpc.StatusCode.NOT_FOUND


async def test_the_handler_is_told_the_nearer_of_both_deadlines(served: Serve) -> None:
    told = []

    async def handler(_request: Any, call: Call) -> Any:
        assert call.deadline is not None
        told.append(call.deadline - asyncio.get_running_loop().time())
        return server.account()

    server = await served(handler, max_deadline=200, default_deadline=100)
    await server.get(timeout=50)
    await server.get(timeout=600)
    await server.client.channel.unary_unary(f"/{GET}")(b"")
    assert told == pytest.approx([50, 200, 100], abs=5)


async def test_a_cancelled_call_cancels_its_handler(served: Serve) -> None:
    gate = Gate()
    server = await served(gate)
    call = server.client.channel.unary_unary(f"/{GET}")(b"")
    await gate.arrived()
    call.cancel()
    async with asyncio.timeout(60):
        await gate.cancelled.wait()
        facts = await server.ended.get()
    assert (facts.code, facts.reason) == (1, "CANCELLED")


async def test_a_timeout_of_the_handlers_own_is_no_deadline(served: Serve) -> None:
    async def handler(_request: Any, _call: Call) -> None:
        raise TimeoutError

    server = await served(handler)
    with pytest.raises(RpcFailed) as caught:
        await server.get()
    assert caught.value.code is grpc.StatusCode.INTERNAL
