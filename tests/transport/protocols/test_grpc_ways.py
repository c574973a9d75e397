"""Calls of gRPC: the plain way and the general way say the same, and what ends them reaches both sides."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.load import settings_of
from gateway.transport.exchange import Exchange, Reply, ResponseMetadata
from gateway.transport.http_server import HttpServer
from gateway.transport.served_method import ServedMethod
from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.headers import read_metadata
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.frames import MAX_FRAME, frame, window_update
from gateway.transport.wire.http2.settings import INITIAL_WINDOW_SIZE
from tests.harness.gateway import schema_of
from tests.harness.mounted import start_methods
from tests.transport.conftest import GET, SERVICE
from tests.transport.reasons import reason_of
from tests.transport.wire.http2.peer import WIDE, Answered, Peer, peer_of

ECHO = "/test.Ways/Echo"
CHECK = health_pb2.DESCRIPTOR.services_by_name["Health"].methods_by_name["Check"]
WIDE_WINDOWS = frame(frames.SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, WIDE))
ID = ("x-request-id", "the-same")
SIZES = st.sampled_from([0, 1, MAX_FRAME - 5, MAX_FRAME - 4, 70_000])
TEXTS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)


async def echo(exchange: Exchange) -> Reply:
    """Answer a size with so many bytes, metadata with itself at both ends, and a code with its error."""
    told = read_metadata(exchange.headers)
    echoed = [(key, value) for key, value in told if key.startswith("echo-")]
    if echoed:
        exchange.metadata = ResponseMetadata(echoed, [(f"after-{key}", value) for key, value in echoed])
    code = int(dict(told).get("x-code", 0))
    if code:
        status = Status(code=code, message="wrong: ümlaut\n%")
        status.details.add().Pack(ErrorInfo(reason="ASKED_FOR", domain="test"))
        return Reply(status=status)
    return Reply(bytes(int(exchange.request)))


@asynccontextmanager
async def serving(
    answer: Callable[[Exchange], Awaitable[Reply]], declared: MethodDescriptor = CHECK
) -> AsyncIterator[HttpServer]:
    """Serve one method."""
    methods = [ServedMethod(ECHO, declared, answer)]
    server = await start_methods(methods, settings_of(listen="127.0.0.1:0"), HttpServer)
    assert isinstance(server, HttpServer)
    try:
        yield server
    finally:
        await server.stop(0)


@pytest.fixture(scope="module")
async def peer() -> AsyncIterator[Peer]:
    """Connect to a server whose method echoes."""
    async with serving(echo) as server, peer_of(str(server.addresses[0]), greet=[WIDE_WINDOWS]) as connected:
        connected.send(window_update(0, 2**30))
        yield connected


async def in_pieces(peer: Peer, message: bytes, cut: int, more: Iterable[tuple[str, str]]) -> Answered:
    """Make a call whose message comes in two frames, and its end in a third."""
    number, body = peer.begin(ECHO, *more), message_frame(message)
    for piece in (body[:cut], body[cut:]):
        peer.send(frame(frames.DATA, 0, number, piece))
    peer.send(frame(frames.DATA, frames.END_STREAM, number))
    return await peer.answer(number)


@given(SIZES, st.integers(1, 6), st.sampled_from([None, 5, 13, 16]), st.lists(TEXTS, max_size=2))
async def test_both_ways_say_the_same(
    peer: Peer, size: int, cut: int, code: int | None, echoed: list[str]
) -> None:
    more = [ID, *((f"echo-{number}", text) for number, text in enumerate(echoed))]
    if code is not None:
        more.append(("x-code", str(code)))
    message = str(size).encode()
    plain = await peer.answer(peer.call(ECHO, message, *more))
    general = await in_pieces(peer, message, cut, more)
    assert general == plain
    assert plain.headers[b"grpc-status"] == str(code or 0).encode()
    assert plain.body == (b"" if code else message_frame(bytes(size)))
    for number, text in enumerate(echoed):
        assert plain.headers[b"echo-%d" % number] == plain.headers[b"after-echo-%d" % number] == text.encode()


async def test_a_response_that_json_cant_hold_is_an_error_and_not_a_reset() -> None:
    get_account = next(m for m in schema_of("ledger").services[SERVICE].methods if m.path == f"/{GET}")
    account: Any = GetMessageClass(get_account.descriptor.output_type)
    later = account(opened_at={"seconds": 2**50})  # JSON's years have four digits

    async def beyond(_exchange: Exchange) -> Reply:
        return Reply(later.SerializeToString())

    async with serving(beyond, get_account.descriptor) as server, peer_of(str(server.addresses[0])) as peer:
        fields = [(":method", "POST"), (":scheme", "http"), (":path", ECHO)]
        block = peer.encoder.encode([*fields, ("content-type", "application/grpc+json")])
        peer.send(frame(frames.HEADERS, frames.END_HEADERS, 1, block))
        peer.send(frame(frames.DATA, frames.END_STREAM, 1, message_frame(b"{}")))
        answer = await peer.answer(1)
    assert reason_of(answer.headers) == (15, "UNREPRESENTABLE_VALUE")


async def test_a_stop_tells_calls_of_both_ways_and_forgets_their_bytes() -> None:
    begun = asyncio.Semaphore(0)

    async def wait(_exchange: Exchange) -> Reply:
        begun.release()
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(wait) as server, peer_of(str(server.addresses[0])) as peer:
        plain = peer.call(ECHO)
        general = asyncio.ensure_future(in_pieces(peer, b"x" * 1000, 3, ()))
        async with asyncio.timeout(60):
            await begun.acquire()
            await begun.acquire()
        assert server._calls.memory.held == 1000
        stopping = asyncio.ensure_future(server.stop(0))
        assert reason_of((await general).headers) == (14, "SHUTTING_DOWN")
        assert reason_of((await peer.answer(plain)).headers) == (14, "SHUTTING_DOWN")
        await stopping
    assert server._calls.memory.held == 0
