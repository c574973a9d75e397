"""Requests that are refused before they are whole: the peer may end them, and what it sends is bounded."""

import asyncio
import json
from asyncio.subprocess import PIPE, STDOUT, create_subprocess_exec
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest

from gateway.transport import http_server
from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import frames, session, streams
from gateway.transport.wire.http2.errors import ErrorCode
from gateway.transport.wire.http2.frames import MAX_FRAME, frame, rst_stream, window_update
from gateway.transport.wire.http2.request_body import CONNECTION_WINDOW, STREAM_WINDOW
from tests.harness.certificates import Certificate
from tests.harness.polling import next_poll
from tests.harness.tools import tool
from tests.transport.conftest import GET, Gate, Serve, Served
from tests.transport.reasons import reason_of
from tests.transport.wire.http2.answering import Answering
from tests.transport.wire.http2.peer import Peer, peer_of

PATH = f"/{GET}"
NOWHERE = "/nowhere"
UNKNOWN = (12, "UNKNOWN_METHOD")
CURLS = 40


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have servers look at their connections often, and wait a moment for the ends of requests."""
    monkeypatch.setattr(http_server, "_TICK_SECONDS", 0.05)
    monkeypatch.setattr(streams, "DRAIN_SECONDS", 0.1)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have servers look at their connections often, and wait long for the ends of requests."""
    monkeypatch.setattr(http_server, "_TICK_SECONDS", 0.05)
    monkeypatch.setattr(streams, "DRAIN_SECONDS", 300)


def connection_of(served: Served) -> Any:
    """Return the only one that is open."""
    server: Any = served.server
    (connection,) = server._context.connections
    return connection


async def refused(peer: Peer, *more: tuple[str, str]) -> int:
    """Begin a call that is refused by its headers, and wait for that; return its stream."""
    number = peer.begin(NOWHERE, *more)
    assert reason_of((await peer.answer(number)).headers) == UNKNOWN
    await peer.settle()
    return number


def ending(how: str, peer: Peer, number: int) -> bytes:
    """Return what ends a request."""
    if how == "message":
        return frame(frames.DATA, frames.END_STREAM, number, message_frame(b""))
    if how == "pieces":
        return frame(frames.DATA, 0, number, b"\0" * 3) + frame(frames.DATA, frames.END_STREAM, number)
    if how == "trailers":
        trailers = peer.encoder.encode([("x-sum", "1")])
        return frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, number, trailers)
    return window_update(number, 5) + rst_stream(number, ErrorCode.CANCEL)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("how", ["message", "pieces", "trailers", "reset"])
async def test_a_request_that_ends_behind_its_answer_is_not_reset(serving: Serve, how: str) -> None:
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        number = await refused(peer)
        assert peer.outcome(number).reset is None
        assert not connection_of(server).is_idle
        peer.send(ending(how, peer, number))
        await peer.settle()
        assert peer.outcome(number).reset is None
        assert connection_of(server).is_idle
        assert (await peer.answer(peer.call(PATH))).headers[b"grpc-status"] == b"0"


@pytest.mark.usefixtures("patient")
async def test_more_after_such_an_end_is_an_error_as_ever(serving: Serve) -> None:
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        number = await refused(peer)
        peer.send(ending("message", peer, number) * 2)
        assert await peer.end() == ErrorCode.STREAM_CLOSED


@pytest.mark.usefixtures("patient")
async def test_a_body_that_is_not_as_long_as_it_was_said_to_be_is_malformed_as_ever(serving: Serve) -> None:
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        number = await refused(peer, ("content-length", "6"))
        peer.send(ending("message", peer, number))
        await peer.settle()
        assert peer.outcome(number).reset == ErrorCode.PROTOCOL_ERROR


@pytest.mark.usefixtures("impatient")
async def test_a_request_that_never_ends_is_reset_in_time(serving: Serve) -> None:
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        number = await refused(peer)
        await peer.until(lambda: peer.outcome(number).reset is not None)
        assert peer.outcome(number).reset == ErrorCode.NO_ERROR
        assert connection_of(server).is_idle
        peer.send(ending("message", peer, number))  # it couldn't know yet
        assert (await peer.answer(peer.call(PATH))).headers[b"grpc-status"] == b"0"


@pytest.mark.usefixtures("patient")
async def test_what_is_dropped_is_bounded_by_the_streams_window_and_costs_the_connection_none(
    serving: Serve,
) -> None:
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        for _ in range(2 * CONNECTION_WINDOW // STREAM_WINDOW):
            number = await refused(peer)
            for _ in range(STREAM_WINDOW // MAX_FRAME - 1):
                peer.send(frame(frames.DATA, 0, number, bytes(MAX_FRAME)))
            await peer.settle()
            assert peer.outcome(number).reset is None
            peer.send(frame(frames.DATA, 0, number, bytes(MAX_FRAME)))
            await peer.settle()
            assert peer.outcome(number).reset == ErrorCode.NO_ERROR
        assert connection_of(server).is_idle


@pytest.mark.usefixtures("patient")
async def test_of_many_that_never_end_the_oldest_are_reset(serving: Serve) -> None:
    gate = Gate()
    server = await serving(gate, max_concurrent_streams=8)
    async with peer_of(server.target) as peer:
        numbers = [await refused(peer) for _ in range(100)]
        resets = [peer.outcome(number).reset for number in numbers]
        assert resets == [ErrorCode.NO_ERROR] * 98 + [None] * 2
        # Those two count: six more calls make eight, and a ninth is one too many.
        calls = [peer.call(PATH) for _ in range(7)]
        await gate.arrived(6)
        assert (await peer.answer(calls[6])).reset == ErrorCode.REFUSED_STREAM
        gate.opened.set()
        for number in calls[:6]:
            assert (await peer.answer(number)).headers[b"grpc-status"] == b"0"


@pytest.mark.usefixtures("patient")
async def test_a_peer_that_goes_leaves_nothing(serving: Serve) -> None:
    server: Any = await serving(Answering())
    async with peer_of(server.target) as peer:
        await refused(peer)
        connection = connection_of(server)
    async with asyncio.timeout(60):
        while server.server._context.connections:
            await next_poll()
    assert connection.is_idle


async def test_a_flood_of_what_is_dropped_is_cut_off(serving: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_IDLE_FRAMES", 200)
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        number = await refused(peer)
        peer.send(frame(frames.DATA, 0, number, b"x") * 3000)
        assert await peer.end() == ErrorCode.ENHANCE_YOUR_CALM


@pytest.mark.parametrize("size", [2, 200_000])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_curl_reads_each_refusal(serving: Serve, tmp_path: Path, scheme: str, size: int) -> None:
    """Version 7.88 loses some where their streams are reset while it has yet to send its body."""
    curl, own = tool("curl"), Certificate(tmp_path, "server")
    tls = {"tls_cert": own.cert_path, "tls_key": own.key_path} if scheme == "https" else {}
    server = await serving(Answering(), **tls)
    version = ("--http2", "--insecure") if tls else ("--http2-prior-knowledge",)
    body = tmp_path / "body"
    body.write_bytes(bytes(size))
    command = [str(curl), "--silent", "--show-error", "--max-time", "30", *version, "--json", f"@{body}"]
    printed = [await run([*command, f"{scheme}://{server.target}{NOWHERE}"]) for _ in range(CURLS)]
    assert Counter(printed) == {printed[0]: CURLS}
    assert json.loads(printed[0])["code"] == grpc.StatusCode.NOT_FOUND.value[0]


async def run(command: Sequence[str]) -> str:
    """Run a program; return what it prints."""
    process = await create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    return out.decode()
