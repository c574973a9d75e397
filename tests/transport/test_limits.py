"""What is too much, malformed or unknown is refused with a status that says so."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from gateway.errors import FieldViolation, InvalidArgument
from gateway.request.calls.call import Call
from gateway.transport.grpcio.server import GrpcServer
from tests.harness.client import Client, RpcFailed
from tests.harness.gateway import descriptors_of
from tests.transport.conftest import GET, SERVICE, Gate, Serve, serving_by

MANY = 8 * 1024 * 1024  # past the 4 MiB that grpc takes by default


async def answer_nothing(_request: Any, _call: Call) -> None:
    raise AssertionError("the handler was reached")


async def test_calls_past_the_limit_are_refused_at_once_and_may_be_tried_again(served: Serve) -> None:
    gate = Gate()
    server = await served(gate, max_in_flight=2)
    taken = [asyncio.create_task(server.get(book=f"b{n}")) for n in range(2)]
    await gate.arrived(2)
    other = Client(server.target, descriptors_of("ledger"), [("grpc.use_local_subchannel_pool", 1)])
    with pytest.raises(RpcFailed) as caught:
        await other.call(GET)
    await other.close()
    assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caught.value.reason == "TOO_MANY_CALLS"
    assert caught.value.details(error_details_pb2.RetryInfo)
    gate.opened.set()
    assert sorted(account.book for account in await asyncio.gather(*taken)) == ["b0", "b1"]
    assert (await server.get(book="b2")).book == "b2"


async def test_clients_of_a_unix_socket_share_no_connections_share(served: Serve, tmp_path: Path) -> None:
    gate, socket = Gate(), tmp_path / "rowgate.sock"
    await served(gate, listen=f"127.0.0.1:0,unix:{socket}", max_in_flight=16)
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(2):
            own = [("grpc.use_local_subchannel_pool", 1)]
            clients.append(Client(f"unix:{socket}", descriptors_of("ledger"), own))
            stack.push_async_callback(clients[-1].close)
        taken = [asyncio.create_task(clients[n % 2].call(GET)) for n in range(10)]
        await gate.arrived(10)
        with pytest.raises(RpcFailed, match="the table has its limit of 10 calls in flight"):
            await clients[0].call(GET)
        gate.opened.set()
        await asyncio.gather(*taken)


async def test_calls_past_a_connections_streams_wait_at_the_client(served: Serve) -> None:
    async def answer(request: Any, _call: Call) -> Any:
        return server.account(book=request.book)

    server = await served(answer, max_concurrent_streams=10)
    for _ in range(5):
        accounts = await asyncio.gather(*(server.get(book=f"b{n}") for n in range(200)))
        assert [account.book for account in accounts] == [f"b{n}" for n in range(200)]


async def test_calls_past_a_connections_share_wait_at_the_client(served: Serve) -> None:
    gate = Gate()
    server = await served(gate, max_in_flight=16)
    calls = [asyncio.create_task(server.get(book=f"b{n}")) for n in range(40)]
    await gate.arrived(8)
    gate.opened.set()
    assert [account.book for account in await asyncio.gather(*calls)] == [f"b{n}" for n in range(40)]


async def test_a_cancelled_call_leaves_its_place(served: Serve) -> None:
    gate = Gate()
    server = await served(gate, max_in_flight=1)
    call = server.client.channel.unary_unary(f"/{GET}")(b"")
    await gate.arrived()
    call.cancel()
    async with asyncio.timeout(60):
        await gate.cancelled.wait()
    gate.opened.set()
    assert (await server.get(book="b")).book == "b"


async def test_a_request_past_the_limit_is_refused_for_good(served: Serve) -> None:
    server = await served(answer_nothing, max_request_bytes=2000)
    with pytest.raises(RpcFailed) as caught:
        await server.get(book="x" * 2500)
    assert caught.value.code is grpc.StatusCode.OUT_OF_RANGE
    assert caught.value.reason == "REQUEST_TOO_LARGE"
    assert caught.value.metadata == {"size_bytes": "2503", "limit_bytes": "2000"}
    assert not caught.value.details(error_details_pb2.RetryInfo)


async def test_a_request_far_past_the_limit_is_not_taken_in(served: Serve) -> None:
    server = await served(answer_nothing, max_request_bytes=2000)
    with pytest.raises(RpcFailed) as caught:
        await server.get(book="x" * 100_000)
    # grpc core refuses it in its own words, before we see it.
    told = (caught.value.code, caught.value.reason if caught.value.status else "")
    assert told in (
        (grpc.StatusCode.OUT_OF_RANGE, "REQUEST_TOO_LARGE"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, ""),
    )
    assert ("2000" if told[1] else "4000") in caught.value.message


async def test_a_request_past_what_grpcio_takes_is_refused_for_good() -> None:
    """However much the settings allow: grpc.aio holds the event loop while it copies a message."""
    async with serving_by(GrpcServer) as served:
        server = await served(answer_nothing, max_request_bytes=64 * 2**20)
        with pytest.raises(RpcFailed) as caught:
            await server.get(book="x" * 2**24)
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.OUT_OF_RANGE, "REQUEST_TOO_LARGE")
    assert caught.value.metadata == {"size_bytes": str(2**24 + 5), "limit_bytes": str(2**24)}


async def test_a_request_at_the_limit_passes(served: Serve) -> None:
    async def handler(request: Any, _call: Call) -> Any:
        return server.account(book=request.book)

    server = await served(handler, max_request_bytes=MANY)
    book = "x" * (MANY - 5)
    assert (await server.get(book=book)).book == book


async def test_a_response_past_the_limit_is_refused(served: Serve) -> None:
    async def handler(_request: Any, _call: Call) -> Any:
        return server.account(book="x" * 3000)

    server = await served(handler, max_response_bytes=2000)
    with pytest.raises(RpcFailed) as caught:
        await server.get()
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.OUT_OF_RANGE, "RESPONSE_TOO_LARGE")


@pytest.mark.parametrize(
    "body", [b"\x0a\x02\xff\xfe", b"\x0a\x05a", b"\xff\xff\xff", b"\x0b" * 500], ids=repr
)
async def test_bytes_that_are_no_request_are_the_callers_fault(served: Serve, body: bytes) -> None:
    server = await served(answer_nothing)
    with pytest.raises(RpcFailed) as caught:
        await server.raw(body)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.reason == "REQUEST_MALFORMED"
    assert "ledger.v1.GetAccountRequest" in caught.value.message


@pytest.mark.parametrize("method", [f"{SERVICE}/Nothing", "nothing.v1.Nothing/Get"])
async def test_an_unknown_method_is_unimplemented(served: Serve, method: str) -> None:
    server = await served(answer_nothing)
    with pytest.raises(RpcFailed) as caught:
        await server.raw(b"", method)
    assert caught.value.code is grpc.StatusCode.UNIMPLEMENTED


async def test_metadata_past_the_limit_is_refused(served: Serve) -> None:
    server = await served(answer_nothing, max_metadata_bytes=4096)
    stub = server.client.channel.unary_unary(f"/{GET}")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub(b"", metadata=[("x-long", "y" * 8000)])
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_metadata_below_the_limit_passes(served: Serve) -> None:
    gate = Gate()
    gate.opened.set()
    server = await served(gate, max_metadata_bytes=65536)
    stub = server.client.channel.unary_unary(f"/{GET}")
    assert await stub(b"\x0a\x01b", metadata=[("x-long", "y" * 60_000)]) == b"\x0a\x01b"


async def test_status_details_survive_the_way(served: Serve) -> None:
    async def handler(_request: Any, _call: Call) -> None:
        raise InvalidArgument(
            "ä wrong booĸ\n%",
            reason="BOOK_WRONG",
            metadata={"limit": "3"},
            violations=[FieldViolation("account.book", "is wrong", "BOOK_WRONG")],
        )

    server = await served(handler)
    with pytest.raises(RpcFailed) as caught:
        await server.get()
    assert caught.value.message == "ä wrong booĸ\n%"
    assert caught.value.status.message == "ä wrong booĸ\n%"
    assert (caught.value.reason, caught.value.metadata) == ("BOOK_WRONG", {"limit": "3"})
    assert caught.value.fields == ["account.book"]


async def test_an_unexpected_error_is_logged_and_told_without_detail(
    served: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(_request: Any, _call: Call) -> None:
        raise ValueError("a secret")

    server = await served(handler)
    with caplog.at_level(logging.ERROR), pytest.raises(RpcFailed) as caught:
        await server.get()
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert "secret" not in str(caught.value.status) + str(caught.value.trailers)
    assert "a secret" in caplog.text
    assert vars(caplog.records[-1])["request_id"] == caught.value.trailers["x-request-id"]
