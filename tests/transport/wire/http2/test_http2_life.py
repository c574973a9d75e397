"""Calls and connections, from their beginning to their end."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from gateway.config.load import settings_of
from gateway.transport import http_server
from gateway.transport.served_api import ServedApi
from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.errors import ErrorCode, StreamError
from gateway.transport.wire.http2.frames import frame, rst_stream
from gateway.transport.wire.http2.request_body import STREAM_WINDOW, RequestBody, Window
from gateway.transport.wire.request import Gone
from tests.harness.gateway import descriptors_of
from tests.transport.conftest import GET, Gate, Serve
from tests.transport.wire.http2.answering import Answering
from tests.transport.wire.http2.peer import Peer, peer_of

PATH = f"/{GET}"
OK = b"0"
CALL = {":method": "POST", ":scheme": "http", ":path": PATH, "content-type": "application/grpc"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have servers look at their connections often."""
    monkeypatch.setattr(http_server, "_TICK_SECONDS", 0.05)


def begin_in_pieces(peer: Peer) -> int:
    """Make a call that is no plain one: its message comes in two frames."""
    number = peer.begin(PATH)
    peer.send(frame(frames.DATA, 0, number, message_frame(b"")[:2]))
    peer.send(frame(frames.DATA, frames.END_STREAM, number, message_frame(b"")[2:]))
    return number


@pytest.mark.parametrize("begin", [lambda peer: peer.call(PATH), begin_in_pieces], ids=["plain", "pieces"])
async def test_a_reset_cancels_the_call_and_its_siblings_go_on(
    serving: Serve, begin: Callable[[Peer], int]
) -> None:
    gate = Gate()
    server = await serving(gate)
    async with peer_of(server.target) as peer:
        number = begin(peer)
        sibling = peer.call(PATH)
        await gate.arrived(2)
        peer.send(rst_stream(number, ErrorCode.CANCEL))
        async with asyncio.timeout(60):
            await gate.cancelled.wait()
        gate.opened.set()
        assert (await peer.answer(sibling)).headers[b"grpc-status"] == OK
        await peer.settle()
        assert not peer.outcome(number).headers


async def test_what_is_sent_waits_for_no_acknowledgement(serving: Serve) -> None:
    server: Any = await serving(Gate())
    async with peer_of(server.target):
        # Seen from inside: 40 ms would hide in what a busy machine takes.
        (connection,) = server.server._context.connections
        connected = connection._transport.get_extra_info("socket")
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_peer_that_goes_takes_its_calls_along(serving: Serve) -> None:
    gate = Gate()
    server = await serving(gate)
    async with peer_of(server.target) as peer:
        peer.call(PATH)
        await gate.arrived()
    async with asyncio.timeout(60):
        await gate.cancelled.wait()


async def test_a_stop_lets_calls_end_and_sends_the_peer_away(serving: Serve) -> None:
    gate = Gate()
    server = await serving(gate)
    async with peer_of(server.target) as peer:
        number = peer.call(PATH)
        await gate.arrived()
        stopping = asyncio.ensure_future(server.server.stop(10))
        await peer.until(lambda: peer.goaway is not None)
        assert (peer.goaway, peer.last) == (ErrorCode.NO_ERROR, frames.MAX_STREAM)
        kind, _, _, asked = await peer.read() or (None,) * 4
        assert kind == frames.PING
        assert isinstance(asked, bytes)
        # Until the peer knows, its calls are taken: it couldn't have sent them elsewhere.
        crossing = peer.call(PATH)
        await gate.arrived()
        peer.send(frame(frames.PING, frames.ACK, 0, asked))
        await peer.until(lambda: peer.last == crossing)
        assert (await peer.answer(peer.call(PATH))).reset == ErrorCode.REFUSED_STREAM
        gate.opened.set()
        for answered in (number, crossing):
            assert (await peer.answer(answered)).headers[b"grpc-status"] == OK
        assert await peer.end() == ErrorCode.NO_ERROR
        await stopping


async def test_a_stop_that_can_wait_no_longer_answers_that_it_stops(serving: Serve) -> None:
    gate = Gate()
    server = await serving(gate)
    async with peer_of(server.target) as peer:
        numbers = [peer.call(PATH), begin_in_pieces(peer)]
        await gate.arrived(2)
        stopping = asyncio.ensure_future(server.server.stop(0))
        answers = [await peer.answer(number) for number in numbers]
        assert [answer.headers[b"grpc-status"] for answer in answers] == [b"14", b"14"]
        await stopping


async def test_connections_are_renewed_at_their_age_and_no_call_fails(serving: Serve) -> None:
    server = await serving(Answering(), max_connection_age=0.2)
    async with peer_of(server.target) as peer:
        await peer.until(lambda: peer.goaway is not None)
        for _ in range(30):
            assert (await server.get(book="x", timeout=10)).book == "b"
            await asyncio.sleep(0.005)


async def test_a_peer_that_answers_no_pings_is_cut_off(serving: Serve) -> None:
    server = await serving(Answering(), keepalive_interval=0.1, keepalive_timeout=0.1)
    async with peer_of(server.target) as peer:
        assert await peer.end() is None


async def test_an_answer_that_isnt_taken_is_dropped_in_time(serving: Serve) -> None:
    server = await serving(Answering(letters=100_000), stream_send_timeout=0.1)
    async with peer_of(server.target) as peer:
        assert (await peer.answer(peer.call(PATH))).reset == ErrorCode.CANCEL


@pytest.mark.parametrize(
    "wrong",
    [
        {":path": ""},
        {":path": None},
        {":method": None},
        {":scheme": None},
        {":status": "200"},
        {"connection": "close"},
        {"te": "gzip"},
        {"Upper": "x"},
        {"x-line": "a\nb"},
        {"x space": "a"},
        {"content-length": "no"},
        {"content-length": "9" * 5000},  # Python makes no integer of so many
        {"content-length": "6"},
    ],
)
async def test_a_malformed_request_costs_its_stream_alone(
    serving: Serve, wrong: dict[str, str | None]
) -> None:
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        good = peer.call(PATH)
        fields = {key: value for key, value in {**CALL, **wrong}.items() if value is not None}
        ordered = sorted(fields.items(), key=lambda item: not item[0].startswith(":"))
        peer.send(frame(frames.HEADERS, frames.END_HEADERS, 3, peer.encoder.encode(ordered)))
        peer.send(frame(frames.DATA, frames.END_STREAM, 3, message_frame(b"")))
        assert (await peer.answer(3)).reset == ErrorCode.PROTOCOL_ERROR
        peer.next = 5
        for number in (good, peer.call(PATH)):
            assert (await peer.answer(number)).headers[b"grpc-status"] == OK


@pytest.mark.parametrize(
    ("name", "values"), [("host", "ab"), ("content-length", "56"), ("content-length", "x5")]
)
async def test_what_says_one_thing_comes_once(serving: Serve, name: str, values: str) -> None:
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        twice = [*CALL.items(), *((name, value) for value in values)]
        peer.send(frame(frames.HEADERS, frames.END_HEADERS, 1, peer.encoder.encode(twice)))
        peer.send(frame(frames.DATA, frames.END_STREAM, 1, message_frame(b"")))
        assert (await peer.answer(1)).reset == ErrorCode.PROTOCOL_ERROR


async def test_a_request_may_end_by_trailers(serving: Serve) -> None:
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        number = peer.begin(PATH)
        peer.send(frame(frames.DATA, frames.PADDED, number, b"\x03" + message_frame(b"") + bytes(3)))
        trailers = peer.encoder.encode([("x-sum", "1")])
        peer.send(frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, number, trailers))
        assert (await peer.answer(number)).headers[b"grpc-status"] == OK


async def test_a_request_may_be_larger_than_all_windows(serving: Serve) -> None:
    server = await serving(Answering())
    assert (await server.get(book="b" * 12_000_000, timeout=30)).book == "b"


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ([], b"404", b"nothing is served"),
        ([("content-type", "text/html")], b"404", b"nothing is served"),
        ([("content-type", "application/grpc+thrift")], b"415", b"application/grpc"),
        ([("content-type", "application/grpc+proto")], b"405", b"by POST"),
    ],
)
async def test_what_is_no_call_is_told_so(
    serving: Serve, more: list[tuple[str, str]], status: bytes, said: bytes
) -> None:
    """As grpc-go has it: the content type comes first, then the method."""
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        block = peer.encoder.encode([(":method", "GET"), (":scheme", "http"), (":path", "/?x=1"), *more])
        peer.send(frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1, block))
        answer = await peer.answer(1)
        assert answer.headers[b":status"] == status
        assert answer.headers.get(b"allow") == (b"POST" if status == b"405" else None)
        assert said in answer.body


async def test_a_body_past_the_streams_window_is_refused() -> None:
    sent: list[bytes] = []
    window = Window(sent.append, 0, 4 * STREAM_WINDOW)
    body = RequestBody(sent.append, 1, window, None)
    body.take(bytes(STREAM_WINDOW), STREAM_WINDOW)
    with pytest.raises(StreamError) as caught:
        body.take(b"x", 1)
    assert caught.value.code is ErrorCode.FLOW_CONTROL_ERROR
    assert not sent  # nothing was used, so nothing more may come
    assert len(await body.read()) == STREAM_WINDOW
    assert not sent  # handed over, and not used yet
    reading = asyncio.ensure_future(body.read())
    await asyncio.sleep(0)
    assert sent == [frames.window_update(1, STREAM_WINDOW + 1)]
    body.disconnect()
    with pytest.raises(Gone):
        await reading


async def test_a_body_that_is_taken_whole_is_used_once() -> None:
    sent: list[bytes] = []
    body = RequestBody(sent.append, 1, Window(sent.append, 0, 8), None)
    body.take(b"ab", 3)
    assert body.take_all(9) is None  # more may come
    body.take(b"cd", 3)
    body.end()
    assert body.take_all(3) is None  # it is larger
    assert not sent
    assert body.take_all(4) == b"abcd"
    assert sent == [frames.window_update(0, 6)]
    assert await body.read() == b""
    body.disconnect()
    assert len(sent) == 1


async def test_it_listens_on_several_addresses_and_sockets(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    values = settings_of(listen=f"127.0.0.1:0,localhost:0,unix:{path}")
    api = ServedApi({}, descriptors_of("ledger"), values.server, values.limits, authorization=None)
    server = http_server.HttpServer(api, values)
    await server.start()
    first, second, third = map(str, server.addresses)
    for target in (first, second, third):
        async with grpc.aio.insecure_channel(target) as channel:
            assert await channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=10) == b"\x08\x01"
    taken = settings_of(listen=first)
    with pytest.raises(OSError, match="can't listen"):
        await http_server.HttpServer(
            ServedApi({}, descriptors_of("ledger"), taken.server, taken.limits, authorization=None), taken
        ).start()
    await server.stop()
    assert not path.exists()
