"""Uploads that are large, many, or without end: what is held of them is bounded, and freed in the end."""

import asyncio
import gc
import gzip
import tracemalloc
from collections import Counter
from typing import Any

from grpc_reflection.v1alpha import reflection_pb2

from gateway.request.calls.memory import RequestMemory
from gateway.transport.exchange import Exchange, Reply
from gateway.transport.http_server import HttpServer
from gateway.transport.served_method import ServedMethod
from gateway.transport.wire.framing import Unframer
from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.frames import MAX_FRAME, frame
from gateway.transport.wire.http2.request_body import CONNECTION_WINDOW, STREAM_WINDOW
from tests.transport.conftest import GET, Gate, Serve, Served
from tests.transport.reasons import reason_of
from tests.transport.wire.http2.answering import Answering
from tests.transport.wire.http2.peer import EMPTY_SETTINGS, Peer, peer_of

PATH = f"/{GET}"
MIB = 2**20
CONNECTION_FULL = (8, "TOO_MANY_REQUEST_BYTES")


def memory(server: Served) -> RequestMemory:
    """Return what counts the bytes of requests."""
    assert isinstance(server.server, HttpServer)
    return server.server._calls.memory


def held(server: Served) -> int:
    """Return the bytes of requests that the server counts."""
    return memory(server).held


async def upload(peer: Peer, size: int, *, ends: bool) -> int:
    """Send a request of so many bytes, at the server's pace; without its last byte where it doesn't end."""
    number = peer.begin(PATH)
    body = message_frame(bytes([10]) + varint(size) + b"b" * size)[: None if ends else -1]
    for start in range(0, len(body), MAX_FRAME):
        if peer.outcome(number).ended:
            break
        piece = body[start : start + MAX_FRAME]
        last = ends and start + MAX_FRAME >= len(body)
        peer.send(frame(frames.DATA, frames.END_STREAM if last else 0, number, piece))
        await peer.settle()
    return number


def varint(number: int) -> bytes:
    """Return protobuf's bytes of a number."""
    low = [number >> shift & 0x7F for shift in range(0, max(7, number.bit_length()), 7)]
    return bytes([part | 0x80 for part in low[:-1]] + low[-1:])


async def test_what_is_held_is_bounded_and_free_when_the_calls_end(serving: Serve) -> None:
    server = await serving(
        Gate(), max_request_bytes=MIB // 2, max_request_bytes_in_flight=2 * MIB, default_deadline=300
    )
    async with peer_of(server.target) as first, peer_of(server.target) as second:
        numbers = [await upload(first, MIB // 2, ends=False) for _ in range(4)]
        outcomes = [reason_of(first.outcome(n).headers) for n in numbers if first.outcome(n).ended]
        assert outcomes == [CONNECTION_FULL] * len(outcomes)
        assert outcomes
        # One connection leaves room for others.
        assert held(server) <= 3 * MIB // 2
        other = await upload(second, MIB // 4, ends=False)
        assert not second.outcome(other).ended
    async with asyncio.timeout(60):
        while held(server):  # noqa: ASYNC110 - the server's own state
            await asyncio.sleep(0.01)


async def test_the_bytes_of_a_call_dont_wait_for_the_garbage_collector(serving: Serve) -> None:
    server = await serving(Gate(), default_deadline=300)
    gc.collect()
    gc.disable()
    try:
        async with peer_of(server.target) as peer:
            await upload(peer, MIB, ends=False)
            assert waiting_bytes() > MIB
        async with asyncio.timeout(60):
            while held(server):  # noqa: ASYNC110 - the server's own state
                await asyncio.sleep(0.01)
        assert waiting_bytes() == 0
    finally:
        gc.enable()


def waiting_bytes() -> int:
    """Return the bytes that are in memory and no message yet."""
    return sum(one.size for one in gc.get_objects() if isinstance(one, Unframer))


async def test_of_uploads_that_want_too_much_together_some_come_through(serving: Serve) -> None:
    server = await serving(Answering(), max_request_bytes=MIB, max_request_bytes_in_flight=2 * MIB)

    async def one() -> tuple[int, str]:
        async with peer_of(server.target) as peer:
            return reason_of((await peer.answer(await upload(peer, MIB - 100, ends=True))).headers)

    outcomes = await asyncio.gather(*(one() for _ in range(6)))
    assert set(outcomes) <= {(0, ""), CONNECTION_FULL}
    assert (0, "") in outcomes
    assert held(server) == 0
    assert await one() == (0, "")


async def test_a_request_past_the_limit_is_told_so_for_good_whatever_may_be_held(serving: Serve) -> None:
    server = await serving(Answering(), max_request_bytes=MIB, max_request_bytes_in_flight=1024)
    async with peer_of(server.target) as peer:
        number = await upload(peer, 2 * MIB - 100, ends=True)
        assert reason_of((await peer.answer(number)).headers) == (11, "REQUEST_TOO_LARGE")


async def test_a_message_of_a_stream_that_doesnt_end_ends_it(serving: Serve) -> None:
    path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    server = await serving(Gate(), max_deadline=0.2)
    async with peer_of(server.target) as peer:
        idle, number = peer.begin(path), peer.begin(path)
        peer.send(frame(frames.DATA, 0, number, message_frame(bytes(100))[:-1]))
        assert reason_of((await peer.answer(number)).headers) == (4, "DEADLINE_EXCEEDED")
        assert not peer.outcome(idle).ended
    assert held(server) == 0


async def test_a_health_check_that_doesnt_end_ends_by_the_default_deadline(serving: Serve) -> None:
    server = await serving(Gate(), default_deadline=0.2)
    async with peer_of(server.target) as peer:
        number = peer.begin("/grpc.health.v1.Health/Check")
        assert reason_of((await peer.answer(number)).headers) == (4, "DEADLINE_EXCEEDED")


class Halting:
    """A stream's handler that reads its second message when it is let, and then no more."""

    def __init__(self) -> None:
        self._second = asyncio.Semaphore(0)
        self._read = asyncio.Semaphore(0)

    async def __call__(self, exchange: Exchange) -> Reply:
        """Read two messages."""
        requests = exchange.messages()
        await requests.receive()
        await self._second.acquire()
        await requests.receive()
        self._read.release()
        await asyncio.Event().wait()
        return Reply()

    async def read_on(self) -> None:
        """Let one read its second message."""
        self._second.release()
        async with asyncio.timeout(60):
            await self._read.acquire()


class Credit:
    """Sends what a peer may, by the windows that it was given."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._windows = Counter({0: CONNECTION_WINDOW})
        self.sent = 0

    @property
    def room(self) -> int:
        """Bytes that may be sent over the connection."""
        return self._windows[0]

    async def begin(self) -> int:
        """Begin a stream with two small messages, of which the handler is waited for to have the first."""
        number = self._peer.begin("/test.Streams/Halt")
        self._windows[number] = STREAM_WINDOW
        self._send(number, message_frame(b"first"))
        await self.settle()
        self._send(number, message_frame(b"second"))
        return number

    def fill(self, number: int) -> None:
        """Send on a stream as much as may be."""
        while (size := min(MAX_FRAME, self._windows[0], self._windows[number])) > 0:
            self._send(number, bytes(size))

    async def settle(self) -> None:
        """Wait until the server has taken all that was sent, and heed what it says meanwhile."""
        self._peer.send(EMPTY_SETTINGS)
        settled = False
        while not settled:
            found = await self._peer.read()
            assert found is not None
            kind, flags, number, payload = found
            if kind == frames.WINDOW_UPDATE:
                self._windows[number] += int.from_bytes(payload, "big")
            settled = kind == frames.SETTINGS and bool(flags & frames.ACK)

    def _send(self, number: int, data: bytes) -> None:
        self._peer.send(frame(frames.DATA, 0, number, data))
        self._windows.subtract({0: len(data), number: len(data)})
        self.sent += len(data)


async def test_what_no_handler_has_taken_is_bounded_by_the_connections_window(serving: Serve) -> None:
    server, handler = await serving(Gate()), Halting()
    assert isinstance(server.server, HttpServer)
    declared = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"].methods[0]
    methods: Any = server.server._calls.methods
    methods["/test.Streams/Halt"] = ServedMethod("/test.Streams/Halt", declared, handler)
    async with peer_of(server.target) as peer:
        await peer.settle()
        credit = Credit(peer)
        while credit.room > MAX_FRAME and credit.sent < 4 * CONNECTION_WINDOW:
            number = await credit.begin()
            credit.fill(number)
            await credit.settle()
            await handler.read_on()
            await credit.settle()
        assert credit.sent <= CONNECTION_WINDOW + held(server)


async def test_what_is_unpacked_counts_as_it_grows(serving: Serve) -> None:
    server = await serving(
        Gate(), max_request_bytes=8 * MIB, max_request_bytes_in_flight=16 * MIB, default_deadline=300
    )
    packed = gzip.compress(bytes(8 * MIB))
    body = b"\x01" + len(packed).to_bytes(4, "big") + packed
    async with peer_of(server.target) as peer:
        await peer.settle()
        tracemalloc.start()
        try:
            numbers = [peer.begin(PATH, ("grpc-encoding", "gzip")) for _ in range(20)]
            for number in numbers:
                peer.send(frame(frames.DATA, frames.END_STREAM, number, body))
            await peer.until(lambda: sum(one.ended for one in peer.answered.values()) == len(numbers))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 3 * 16 * MIB
