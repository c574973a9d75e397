"""Targets that no client may send: refused alike in both versions of HTTP, and the connection goes on."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.frames import frame
from gateway.transport.wire.http2.header_blocks.writer import write_block
from tests.conftest import gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway
from tests.transport.wire.http2.peer import Answered, Peer, peer_of

SECONDS = 60
LIMIT = 2048
WHOLE = b"/v1/parts/whole"
RAW = "/v1/parts/ü".encode()
CASES = [
    (WHOLE, 200),
    (b"/v1/parts/%C3%BC", 200),
    (RAW, 400),
    (WHOLE + b"?note=" + RAW, 400),
    (WHOLE + b"#more", 400),
    (WHOLE + b"?readMask=name#more", 400),
    (b"/v1/parts/who le", 400),
    (b"/v1/parts/\x7f", 400),
    (WHOLE[1:], 400),
    (b"*", 400),
    (b"\xff", 400),
    (b"/" + b"x" * LIMIT, 414),
    (WHOLE + b"?name=" + b"x" * LIMIT, 414),
    (b"/v1/parts/" + b"x" * (LIMIT // 2), 404),
]


@pytest.fixture(scope="module")
async def parts(databases: Databases) -> AsyncIterator[RunningGateway]:
    """Serve two parts, for the module."""
    async with gateways(databases, transport="http", max_metadata_bytes=LIMIT) as start:
        gateway = await start("routed")
        for name in ("whole", "ü"):
            await gateway.call("routed.v1.PartService/CreatePart", part={"name": f"parts/{name}"})
        yield gateway


def get(peer: Peer, target: bytes, *more: tuple[bytes, bytes], method: bytes = b"GET") -> int:
    """Send a request without a body; return its stream."""
    number, peer.next = peer.next, peer.next + 2
    pseudo = [(b":method", method), (b":scheme", b"http"), (b":path", target), (b":authority", b"localhost")]
    block = write_block([*pseudo, *more])
    peer.send(frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, number, block))
    return number


def status_of(answered: Answered) -> int:
    """Return its status of HTTP."""
    return int(answered.headers[b":status"])


async def status_over_http1(target: str, line: bytes) -> int:
    """Return what a request line is answered with."""
    host, _, port = target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(b"%b HTTP/1.1\r\nhost: localhost\r\n\r\n" % line)
        async with asyncio.timeout(SECONDS):
            return int((await reader.readline()).split(b" ")[1])
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(("target", "status"), CASES)
async def test_both_versions_refuse_the_same(parts: RunningGateway, target: bytes, status: int) -> None:
    assert await status_over_http1(parts.target, b"GET " + target) == status


async def test_refusals_leave_the_connection_and_what_it_remembers(parts: RunningGateway) -> None:
    async with peer_of(parts.target) as peer:
        for _ in range(3):
            answers = [await peer.answer(get(peer, target)) for target, _ in CASES]
            assert [status_of(one) for one in answers] == [status for _, status in CASES]
    assert peer.goaway is None


async def test_a_refusal_says_why(parts: RunningGateway) -> None:
    async with peer_of(parts.target) as peer:
        raw, long = [await peer.answer(get(peer, target)) for target in (RAW, b"/" + b"x" * LIMIT)]
    assert b"percent-encoded" in raw.body
    assert b"%d bytes" % LIMIT in long.body
    assert raw.headers[b"content-type"] == b"text/plain; charset=utf-8"


async def test_the_server_itself_may_be_asked_for_its_options(parts: RunningGateway) -> None:
    async with peer_of(parts.target) as peer:
        asked = await peer.answer(get(peer, b"*", method=b"OPTIONS"))
    assert status_of(asked) == await status_over_http1(parts.target, b"OPTIONS *") == 404


async def test_calls_of_grpc_are_refused_in_its_words(parts: RunningGateway) -> None:
    grpc = ((b"content-type", b"application/grpc"), (b"te", b"trailers"))
    async with peer_of(parts.target) as peer:
        unknown = await peer.answer(get(peer, RAW, *grpc, method=b"POST"))
        large = await peer.answer(get(peer, b"/" + b"x" * LIMIT, *grpc, method=b"POST"))
    assert (status_of(unknown), unknown.headers[b"grpc-status"]) == (200, b"12")
    assert (status_of(large), large.headers[b"grpc-status"]) == (200, b"8")
