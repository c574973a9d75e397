"""Stopping: once, twice, before the start, in a force_stop; and starts that fail."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from gateway.config.load import settings_of
from gateway.request.calls.call import Call
from gateway.transport.http_server import HttpServer
from gateway.transport.served_api import ServedApi
from gateway.transport.server import Server, ServerFactory
from tests.harness.client import Client, RpcFailed
from tests.harness.gateway import descriptors_of
from tests.harness.http import ask
from tests.transport.conftest import GET, Gate, Serve, Served, serving_by

NOT_SERVING = b"\x08\x02"
Bare = Callable[..., Server]


@pytest.fixture
def bare(make_server: ServerFactory) -> Bare:
    """Give what makes a server of nothing but health and reflection."""

    def make(**settings: object) -> Server:
        values = settings_of(**settings)
        return make_server(
            ServedApi({}, descriptors_of("ledger"), values.server, values.limits, authorization=None), values
        )

    return make


async def test_stop_before_start_and_twice_is_safe(bare: Bare) -> None:
    server = bare(listen="127.0.0.1:0")
    await server.stop()
    await server.start()
    await asyncio.gather(server.stop(), server.stop())
    await server.stop()


async def call_on(server: Served) -> None:
    """Call until a call is refused: what comes before all clients know of the stop is answered."""
    async with asyncio.timeout(60):
        while (await server.get(book="new")).book == "new":
            pass


async def test_new_calls_are_sent_elsewhere_while_old_ones_finish(served: Serve) -> None:
    gate = Gate()

    async def handler(request: Any, call: Call) -> Message:
        return await gate(request, call) if request.book == "old" else server.account(book="new")

    server = await served(handler)
    old = asyncio.create_task(server.get(book="old"))
    await gate.arrived()
    stop = asyncio.create_task(server.server.stop(600))
    watch = server.client.channel.unary_stream("/grpc.health.v1.Health/Watch")(b"")
    async with asyncio.timeout(60):
        while await watch.read() != NOT_SERVING:
            pass
    watch.cancel()
    with pytest.raises(RpcFailed) as caught:
        await call_on(server)
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    gate.opened.set()
    assert (await old).book == "old"
    await stop


async def test_who_connects_by_http_1_during_a_stop_is_told_to_connect_anew() -> None:
    gate = Gate()

    async def handler(request: Any, call: Call) -> Message:
        return await gate(request, call) if request.book == "old" else server.account(book="new")

    async with serving_by(HttpServer) as served:
        server = await served(handler)
        old = asyncio.create_task(server.get(book="old"))
        await gate.arrived()
        stop = asyncio.create_task(server.server.stop(20))
        async with asyncio.timeout(10):
            while (answer := await ask(server.target, "POST", f"/{GET}", {"book": "new"})).status == 200:
                pass
        assert (answer.status, answer.headers.get("connection")) == (503, "close")
        gate.opened.set()
        await old
        await stop


async def test_calls_are_still_taken_in_the_lame_duck_time(served: Serve) -> None:
    gate = Gate()
    server = await served(gate, lame_duck=600)
    stop = asyncio.create_task(server.server.stop(600))
    gate.opened.set()
    assert (await server.get(book="late")).book == "late"
    server.server.force_stop()
    async with asyncio.timeout(60):
        await stop


@pytest.mark.parametrize("forced", [True, False])
async def test_a_call_that_does_not_end_is_cut_off(served: Serve, *, forced: bool) -> None:
    gate = Gate()
    server = await served(gate)
    call = asyncio.create_task(server.get())
    await gate.arrived()
    async with asyncio.timeout(60):
        stop = asyncio.create_task(server.server.stop(600 if forced else 0.05))
        if forced:
            server.server.force_stop()
        await stop
        await gate.cancelled.wait()
    with pytest.raises(RpcFailed):
        await call


async def test_a_port_in_use_is_a_readable_error(served: Serve, bare: Bare) -> None:
    taken = await served(Gate())
    with pytest.raises(OSError, match=rf"can't listen on {taken.target}"):
        await bare(listen=taken.target).start()


async def test_several_addresses_and_unix_sockets(bare: Bare, tmp_path: Path) -> None:
    socket = tmp_path / "rowgate.sock"
    server = bare(listen=f"127.0.0.1:0,unix:{socket}")
    await server.start()
    first, second = server.addresses
    assert first.port
    assert str(second) == f"unix:{socket}"
    for address in (first, second):
        client = Client(str(address), descriptors_of("ledger"))
        stub = client.channel.unary_unary("/grpc.health.v1.Health/Check")
        assert await client.raw(stub, b"", 10) == b"\x08\x01"
        await client.close()
    await server.stop()


async def test_listening_beyond_the_machine_without_tls_is_warned_of(
    bare: Bare,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = bare(listen="0.0.0.0:0")
    await server.start()
    await server.stop()
    assert [record.levelname for record in caplog.records if "TLS" in record.message] == ["WARNING"]
