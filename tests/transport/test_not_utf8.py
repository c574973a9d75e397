"""Requests whose path or metadata isn't UTF-8: each is refused, or answered, and nobody else notices."""

import asyncio
from collections.abc import Sequence

import grpc
import pytest

from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.frames import frame
from gateway.transport.wire.http2.header_blocks.writer import write_block
from gateway.transport.wire.request import Header
from tests.harness.client import RpcFailed
from tests.transport.conftest import GET, Gate, Serve, Served
from tests.transport.wire.http2.peer import Answered, peer_of

NOT_UTF8 = b"/\xff\xfe/x"
REQUEST = message_frame(b"\x0a\x01b")
NOT_TAKEN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


def request(path: bytes, *more: Header) -> list[Header]:
    """Return the headers of a call."""
    return [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path),
        (b":authority", b"localhost"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
        *more,
    ]


async def answered(server: Served, headers: Sequence[Header]) -> Answered:
    """Return what comes of a call, over a connection of its own."""
    async with peer_of(server.target) as peer:
        peer.send(frame(frames.HEADERS, frames.END_HEADERS, 1, write_block(headers)))
        peer.send(frame(frames.DATA, frames.END_STREAM, 1, REQUEST))
        return await peer.answer(1)


async def until_answered(server: Served) -> None:
    """Call until there is an answer."""
    async with asyncio.timeout(60):
        while True:
            try:
                assert (await server.get(book="b")).book == "b"
            except RpcFailed as error:
                # There may be no server for a moment, which clients that try again don't notice; and grpc
                # core cancels what came to the server that ended, and that grpc.aio never took.
                assert error.code in NOT_TAKEN  # noqa: PT017 - the loop goes on
            else:
                return


async def test_a_path_ends_its_own_call_alone(served: Serve) -> None:
    gate = Gate()
    server = await served(gate)
    under_way = asyncio.ensure_future(server.get(book="held"))
    await gate.arrived()
    for _ in range(3):
        outcome = await answered(server, request(NOT_UTF8))
        assert outcome.headers.get(b"grpc-status", b"") != b"0"
        gate.opened.set()
        await until_answered(server)
    assert (await under_way).book == "held"


@pytest.mark.parametrize("name", [b"x-request-id", b"x-name", b"grpc-encoding", b"user-agent"])
async def test_metadata_ends_its_own_call_at_most(served: Serve, name: bytes) -> None:
    gate = Gate()
    gate.opened.set()
    server = await served(gate)
    await answered(server, request(f"/{GET}".encode(), (name, b"\xff\xfe")))
    await answered(server, request(f"/{GET}".encode(), (b"x-\xff", b"name")))
    await until_answered(server)


async def test_a_server_stops_while_it_is_renewed(served: Serve) -> None:
    server = await served(Gate())
    await answered(server, request(NOT_UTF8))
    await server.stop()
    await server.server.stop()
