"""Peers that mean harm, or know no better: each is cut off, refused or waited for; others notice nothing."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.transport import http_server
from gateway.transport.http_server import HttpServer
from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import connection, frames, session
from gateway.transport.wire.http2.errors import ErrorCode
from gateway.transport.wire.http2.frames import frame, rst_stream, window_update
from gateway.transport.wire.http2.header_blocks.writer import write_block
from tests.transport.conftest import GET, Gate, Serve, Served
from tests.transport.reasons import reason_of
from tests.transport.wire.http2.answering import Answering
from tests.transport.wire.http2.peer import EMPTY_SETTINGS, WIDE, Peer, peer_of

PATH = f"/{GET}"
ALREADY = 3_000
"""More than `impatient` allows in the time that they take."""


def flood(peer: Peer, kind: str) -> Iterator[bytes]:
    """Yield frames that do nothing, or nothing but harm."""
    made = {
        "settings": EMPTY_SETTINGS,
        "priorities": frame(frames.PRIORITY, 0, 99, b"\0\0\0\0\1"),
        "windows": window_update(0, 1),
        "unknown": frame(0xEE, 0, 0),
        "goaways": frame(frames.GOAWAY, 0, 0, bytes(8)),
    }
    if kind in made:
        yield from [made[kind]] * ALREADY
    elif kind == "nothing":
        number = peer.begin(PATH)
        yield from [frame(frames.DATA, 0, number)] * ALREADY
    elif kind == "resets":
        block = peer.headers(PATH)
        for number in range(1, 2 * ALREADY, 2):
            yield frame(frames.HEADERS, frames.END_HEADERS, number, block) + rst_stream(
                number, ErrorCode.CANCEL
            )
            block = peer.headers(PATH)
    elif kind == "malformed":
        for number in range(1, 2 * ALREADY, 2):
            yield frame(frames.HEADERS, frames.END_HEADERS, number, b"\x83")


FLOODS = ["settings", "priorities", "windows", "unknown", "goaways", "nothing", "resets", "malformed"]


def buffered(server: Served) -> int:
    """Return the bytes that wait in the server's process to be written."""
    assert isinstance(server.server, HttpServer)
    connections: Any = server.server._context.connections
    transports = [one._transport for one in connections]
    return sum(transport.get_write_buffer_size() for transport in transports)


async def still_answers(server: Served) -> None:
    assert (await server.get(book="x", timeout=10)).book == "b"


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_is_cut_off(serving: Serve, kind: str) -> None:
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        ending = asyncio.ensure_future(peer.end())
        try:
            for sent in flood(peer, kind):
                peer.send(sent)
            await peer.flushed()
        except ConnectionError:
            pass  # it is cut off while it still sends
        assert await ending in (ErrorCode.ENHANCE_YOUR_CALM, None)
    await still_answers(server)


async def test_window_updates_of_calls_are_no_flood(serving: Serve) -> None:
    """C-core sends some with each call; who goes on without calls is cut off."""
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        for _ in range(300):
            number = peer.begin(PATH)
            peer.send(window_update(number, 5), window_update(0, 5), window_update(0, 5))
            peer.send(frame(frames.DATA, frames.END_STREAM, number, message_frame(b"")))
            assert (await peer.answer(number)).headers[b"grpc-status"] == b"0"
        peer.send(window_update(0, 1) * ALREADY)
        assert await peer.end() == ErrorCode.ENHANCE_YOUR_CALM


async def test_window_updates_of_a_long_answer_are_no_flood(serving: Serve) -> None:
    server = await serving(Answering(letters=5_000_000))
    async with peer_of(server.target) as peer:
        number = peer.call(PATH)
        while not (number in peer.answered and peer.answered[number].ended):
            found = await peer.read()
            assert found is not None, f"the connection ended with {peer.goaway}"
            size = len(found[3]) if found[0] == frames.DATA else 0
            if size:
                peer.send((window_update(number, size) + window_update(0, size)) * 3)
        assert len(peer.outcome(number).body) > 5_000_000


async def test_pings_between_answers_are_welcome_and_others_are_not(serving: Serve) -> None:
    server = await serving(Answering(), min_ping_interval=300)
    async with peer_of(server.target) as peer:
        for _ in range(10):
            await peer.answer(peer.call(PATH))
            await peer.settle()
        peer.send(frame(frames.PING, 0, 0, bytes(8)) * 5)
        assert await peer.end() == ErrorCode.ENHANCE_YOUR_CALM


async def test_a_ping_whose_answer_goes_out_with_others_is_welcome(serving: Serve) -> None:
    server = await serving(Answering(), min_ping_interval=300)
    async with peer_of(server.target) as peer:
        for number in range(1, 21, 2):
            peer.send(
                frame(frames.HEADERS, frames.END_HEADERS, number, peer.headers(PATH)),
                frame(frames.DATA, frames.END_STREAM, number, message_frame(b"")),
                frame(frames.PING, 0, 0, bytes(8)),
            )
            assert (await peer.answer(number)).body


@pytest.mark.parametrize("piece", [b"", b"\0" * 1000])
async def test_continuations_without_end_are_cut_off(serving: Serve, piece: bytes) -> None:
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        peer.send(frame(frames.HEADERS, 0, 1, peer.headers(PATH)))
        peer.send(frame(frames.CONTINUATION, 0, 1, piece) * 10_000)
        assert await peer.end() in (ErrorCode.ENHANCE_YOUR_CALM, None)
    await still_answers(server)


async def test_a_header_bomb_is_cut_off(serving: Serve) -> None:
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        peer.begin(PATH, ("x-bomb", "b" * 3000))
        peer.send(frame(frames.HEADERS, frames.END_HEADERS, 3, b"\xbe" * 1000))
        assert await peer.end() == ErrorCode.ENHANCE_YOUR_CALM


async def test_headers_in_pieces_are_a_call_like_others(serving: Serve) -> None:
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        block = peer.headers(PATH)
        peer.send(frame(frames.HEADERS, 0, 1, block[:10]))
        peer.send(frame(frames.CONTINUATION, 0, 1, block[10:20]))
        peer.send(frame(frames.CONTINUATION, frames.END_HEADERS, 1, block[20:]))
        peer.send(frame(frames.DATA, frames.END_STREAM, 1, message_frame(b"")))
        assert (await peer.answer(1)).headers[b"grpc-status"] == b"0"


@pytest.mark.parametrize("begun", [frames.PREFACE[:10], frames.PREFACE])
async def test_who_doesnt_begin_in_time_is_cut_off(
    serving: Serve, begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_BEGINNING_SECONDS", 0.1)
    server = await serving(Answering())
    async with peer_of(server.target, greet=()) as peer:
        peer.send(begun)
        assert await peer.end() == ErrorCode.ENHANCE_YOUR_CALM


async def test_a_header_block_that_stays_in_pieces_is_cut_off(
    serving: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_BEGINNING_SECONDS", 0.1)
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        peer.send(frame(frames.HEADERS, 0, 1, peer.headers(PATH)))
        assert await peer.end() == ErrorCode.ENHANCE_YOUR_CALM


@pytest.mark.parametrize("path", [b"/\xff\xfe/x", b"/%b\xff" % GET.encode()])
async def test_a_path_that_is_not_utf8_ends_its_own_call_alone(serving: Serve, path: bytes) -> None:
    """Also on its connection: what was under way is answered, and what comes after it."""
    gate = Gate()
    server = await serving(gate)
    async with peer_of(server.target) as peer:
        before = peer.call(f"/{GET}")
        await gate.arrived()
        block = write_block(
            [
                *((b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"localhost")),
                *((b":path", path), (b"content-type", b"application/grpc")),
            ]
        )
        refused, peer.next = peer.next, peer.next + 2
        peer.send(frame(frames.HEADERS, frames.END_HEADERS, refused, block))
        peer.send(frame(frames.DATA, frames.END_STREAM, refused, message_frame(b"")))
        assert reason_of((await peer.answer(refused)).headers) == (12, "UNKNOWN_METHOD")
        gate.opened.set()
        after = peer.call(f"/{GET}")
        assert [reason_of((await peer.answer(one)).headers) for one in (before, after)] == [(0, "")] * 2


async def test_streams_past_the_limit_are_refused_and_those_before_answered(serving: Serve) -> None:
    gate = Gate()
    server = await serving(gate, max_concurrent_streams=3)
    async with peer_of(server.target) as peer:
        numbers = [peer.call(PATH) for _ in range(4)]
        await gate.arrived(3)
        assert (await peer.answer(numbers[3])).reset == ErrorCode.REFUSED_STREAM
        gate.opened.set()
        answered = [(await peer.answer(number)).headers[b"grpc-status"] for number in numbers[:3]]
        assert answered == [b"0"] * 3
        assert (await peer.answer(peer.call(PATH))).headers[b"grpc-status"] == b"0"


async def test_connections_past_the_limit_are_closed(serving: Serve) -> None:
    server = await serving(Answering(), max_connections=1)
    async with peer_of(server.target) as first:
        await first.settle()
        async with peer_of(server.target) as second:
            assert await second.end() is None
        await first.settle()


async def test_answers_wait_for_the_peers_windows(serving: Serve) -> None:
    server = await serving(Answering(letters=100_000))
    async with peer_of(server.target) as peer:
        first, second = peer.call(PATH), peer.call(PATH)

        def taken() -> int:
            return len(peer.outcome(first).body) + len(peer.outcome(second).body)

        await peer.until(lambda: taken() == frames.DEFAULT_WINDOW)
        await peer.settle()
        assert taken() == frames.DEFAULT_WINDOW
        peer.send(window_update(0, 2**20), window_update(first, 2**20), window_update(second, 2**20))
        for number in (first, second):
            answer = await peer.answer(number)
            assert len(answer.body) > 100_000
            assert answer.headers[b"grpc-status"] == b"0"


async def test_settings_that_overflow_the_window_of_a_call_end_the_connection(serving: Serve) -> None:
    """Also of a call whose request is on its way, for which the window was made wider before."""
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        number = peer.begin(PATH)
        peer.send(
            window_update(number, frames.MAX_WINDOW - frames.DEFAULT_WINDOW),
            frame(frames.SETTINGS, 0, 0, b"\0\4" + frames.MAX_WINDOW.to_bytes(4, "big")),
        )
        assert await peer.end() == ErrorCode.FLOW_CONTROL_ERROR
    await still_answers(server)


async def test_who_takes_no_answers_gets_no_more_of_them(serving: Serve) -> None:
    handler = Answering(letters=1_000_000)
    server = await serving(handler, max_response_bytes=4 * 2**20)
    async with peer_of(server.target) as peer:
        for _ in range(40):
            peer.call(PATH)
            await peer.settle()
        refused = sum(one.reset == ErrorCode.REFUSED_STREAM for one in peer.answered.values())
        assert handler.calls + refused == 40
        assert handler.calls <= 6
    await still_answers(await serving(Answering()))


async def test_a_peer_that_reads_nothing_is_not_read_either(
    serving: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    for what in ("_IDLE_FRAMES", "_RESETS"):
        monkeypatch.setattr(session, what, 10_000)
    handler = Answering(letters=100_000)
    server = await serving(handler, max_concurrent_streams=50)
    wide = frame(frames.SETTINGS, 0, 0, b"\0\4" + WIDE.to_bytes(4, "big"))
    async with peer_of(server.target, greet=(wide, window_update(0, WIDE - 65_535))) as peer:
        for _ in range(40):
            for _ in range(50):
                peer.call(PATH)
            await asyncio.sleep(0.01)
        calls = handler.calls
        # Those that its socket and ours hold, and those that max_concurrent_streams lets wait.
        assert calls < 400
        assert buffered(server) < 1_000_000
        numbers = range(1, 4_000, 2)
        answered = [await peer.answer(number) for number in numbers]
    assert all(len(one.body) > 100_000 or one.reset == ErrorCode.REFUSED_STREAM for one in answered)
    assert handler.calls == sum(one.reset is None for one in answered) >= calls


async def test_who_reads_no_answers_to_settings_is_read_no_further(
    serving: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_IDLE_FRAMES", 10**9)
    server = await serving(Answering())
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        own.setblocking(False)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(send_settings_for_ever(own, server.target), 1)
        assert buffered(server) < 1_000_000


async def send_settings_for_ever(own: socket.socket, target: str) -> None:
    loop, (name, port) = asyncio.get_running_loop(), target.split(":")
    await loop.sock_connect(own, (name, int(port)))
    await loop.sock_sendall(own, frames.PREFACE)
    while True:
        await loop.sock_sendall(own, EMPTY_SETTINGS * 1000)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have servers look at their connections often, and allow little."""
    monkeypatch.setattr(http_server, "_TICK_SECONDS", 0.05)
    for what in ("_IDLE_FRAMES", "_RESETS"):
        monkeypatch.setattr(session, what, 200)
