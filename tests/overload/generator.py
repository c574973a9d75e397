"""A load of unary calls in a process of its own, by hand over HTTP/2: a call costs it some microseconds.

python -m tests.overload.generator, with an Offer in JSON on its standard input. It prints what became of the
calls in JSON, as arguments of tests.overload.load.Ended.

It calls as a Poisson process does, whatever becomes of those before, and heeds what gRPC's clients heed: the
server's SETTINGS_MAX_CONCURRENT_STREAMS, past which calls wait here, and deadlines, at which they are reset.
"""

import asyncio
import json
import random
import socket
import sys
from base64 import b64decode
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from heapq import heappop, heappush
from itertools import count
from struct import Struct
from time import monotonic, time
from typing import cast

import grpc
from hpack import Encoder

from gateway.transport.protocols.grpc.headers import read_message
from gateway.transport.wire.caller_headers import NONE_OF_CALLER
from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.errors import ErrorCode
from gateway.transport.wire.http2.header_blocks.reader import HeaderReader
from gateway.transport.wire.http2.settings import MAX_CONCURRENT_STREAMS, read_settings
from gateway.transport.wire.request import Header
from tests.overload.load import Ended, Outcome, retry_after

TICK = 0.002
DEADLINES = 16
"""How many there are between the shortest and the longest: clients send texts that they have sent before."""
HEADERS_LIMIT = 2**20
_TIMESPEC = Struct("@ll")
_SO_TIMESTAMPNS = 35
"""Linux's, which Python doesn't name (socket(7), SO_TIMESTAMP)."""
_CODES = {str(code.value[0]).encode(): code for code in grpc.StatusCode}
_DETAILS = b"grpc-status-details-bin"
Ending = tuple[str, float | None, str]
"""A status, RetryInfo's delay and the message."""
_TOO_LATE = (grpc.StatusCode.DEADLINE_EXCEEDED.name, None, "")
_RESET = (grpc.StatusCode.UNAVAILABLE.name, None, "reset by the server")


@dataclass(frozen=True, slots=True)
class Offer:
    """A load.

    Args:
        target: the server's address.
        path: `/package.Service/Method`.
        bodies: the requests, in hexadecimal digits; calls take them in turn.
        rate: calls a second.
        seconds: how long calls are made for.
        deadlines: the shortest and the longest, in seconds.
        connections: how many.

    """

    target: str
    path: str
    bodies: Sequence[str]
    rate: float
    seconds: float
    deadlines: tuple[float, float]
    connections: int = 8


async def offer(offered: Offer) -> Outcome:
    """Have a process make a load's calls; return what became of them."""
    pipe = asyncio.subprocess.PIPE
    program = [sys.executable, "-m", "tests.overload.generator"]
    process = await asyncio.create_subprocess_exec(*program, stdin=pipe, stdout=pipe)
    printed, _ = await process.communicate(json.dumps(asdict(offered)).encode())
    assert process.returncode == 0
    calls = [Ended(**{**call, "code": grpc.StatusCode[call["code"]]}) for call in json.loads(printed)]
    return Outcome(offered.seconds, calls)


class StampedSocket(socket.socket):
    """One whose bytes tell when they came, however late they are read."""

    arrived = 0.0
    """When the last bytes came that were read, by time.monotonic."""

    def connect_to(self, host: str, port: int) -> None:
        """Connect."""
        self.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        # As gRPC's clients do. asyncio does it only for sockets that were made with the protocol's number.
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connect((host, port))
        self.setblocking(False)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Read, and note when that came."""
        data, ancillary, _, _ = self.recvmsg(size, socket.CMSG_SPACE(_TIMESPEC.size), flags)
        wall, self.arrived = time(), monotonic()
        for _, _, stamp in ancillary:
            seconds, nanoseconds = _TIMESPEC.unpack(stamp)
            self.arrived -= max(0.0, wall - seconds - nanoseconds / 1e9)
        return data


class Called:
    """A call under way.

    Args:
        begun: when it was due.
        deadline: seconds that it has.
        body: its request.

    """

    __slots__ = ("begun", "body", "deadline", "number", "sent")

    def __init__(self, begun: float, deadline: float, body: bytes) -> None:
        self.begun = begun
        self.deadline = deadline
        self.body = body
        self.number = 0
        self.sent = 0.0


class Channel(asyncio.Protocol):
    """A connection, with the calls that wait for it and those under way.

    Args:
        path: the method's.
        stamped: the connection's socket.

    """

    def __init__(self, path: str, stamped: StampedSocket) -> None:
        self._socket = stamped
        self._headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ]
        self._frames = frames.FrameReader()
        self._frames.greeted = True
        self._endings: HeaderReader[Ending] = HeaderReader(
            HEADERS_LIMIT, HEADERS_LIMIT, lambda headers: (_ending(headers), NONE_OF_CALLER), lambda *_: None
        )
        self._encoder = Encoder()
        self._sent: set[str] = set()
        self._blocks: dict[str, bytes] = {}
        self._waiting: deque[Called] = deque()
        self._open: dict[int, Called] = {}
        self._due: list[tuple[float, int, Called]] = []
        self._numbers, self._streams = count(), count(1, 2)
        self._most = 0
        self._writable = True
        self.ready = asyncio.Event()
        self.ended: list[Mapping[str, object]] = []
        """What became of its calls."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast("asyncio.Transport", transport)
        window = frames.window_update(0, frames.MAX_WINDOW - frames.DEFAULT_WINDOW)
        self._transport.write(frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0) + window)

    def pause_writing(self) -> None:
        """Let calls wait here while the server reads nothing."""
        self._writable = False

    def resume_writing(self) -> None:
        """Go on."""
        self._writable = True

    def data_received(self, data: bytes) -> None:
        """Take the server's frames."""
        for kind, flags, number, payload in self._frames.feed(data):
            if kind == frames.HEADERS:
                ending, _ = self._endings.read(payload)
                if flags & frames.END_STREAM:
                    self._end(number, ending)
            elif kind == frames.RST_STREAM:
                self._end(number, _RESET)
            elif kind == frames.SETTINGS and not flags & frames.ACK:
                self._most = dict(read_settings(payload)).get(MAX_CONCURRENT_STREAMS, frames.MAX_STREAM)
                self._transport.write(frames.frame(frames.SETTINGS, frames.ACK, 0))
                self.ready.set()
            elif kind == frames.PING and not flags & frames.ACK:
                self._transport.write(frames.frame(frames.PING, frames.ACK, 0, payload))
        self.send()

    def call(self, called: Called) -> None:
        """Make a call, when there is room for it."""
        self._waiting.append(called)
        heappush(self._due, (called.begun + called.deadline, next(self._numbers), called))

    def send(self) -> None:
        """Send the calls that there is room for."""
        sent, now = [], monotonic()
        while self._waiting and self._writable and len(self._open) < self._most:
            called = self._waiting.popleft()
            called.number = number = next(self._streams)
            called.sent = now
            self._open[number] = called
            block = self._block(f"{1000 * called.deadline:.0f}m")
            sent.append(frames.frame(frames.HEADERS, frames.END_HEADERS, number, block))
            sent.append(frames.frame(frames.DATA, frames.END_STREAM, number, message_frame(called.body)))
        if sent:
            self._transport.write(b"".join(sent))

    def give_up(self, now: float) -> None:
        """End the calls whose deadline has passed."""
        while self._due and self._due[0][0] < now:
            called = heappop(self._due)[2]
            if called.number in self._open:
                self._transport.write(frames.rst_stream(called.number, ErrorCode.CANCEL))
                self._end(called.number, _TOO_LATE)
            elif not called.number:
                self._waiting.remove(called)
                self._note(called, _TOO_LATE)

    @property
    def is_idle(self) -> bool:
        """Whether all calls have ended."""
        return not self._open and not self._waiting

    def _block(self, timeout: str) -> bytes:
        """Return a header block: by the table alone, once it has all the deadlines that there are."""
        block = self._blocks.get(timeout)
        if block is None:
            block = self._encoder.encode([*self._headers, ("grpc-timeout", timeout)])
            if len(self._sent) == DEADLINES:
                self._blocks[timeout] = block
            self._sent.add(timeout)
        return block

    def _end(self, number: int, ending: Ending) -> None:
        called = self._open.pop(number, None)
        if called is not None:
            self._note(called, ending)

    def _note(self, called: Called, ending: Ending) -> None:
        code, retry, message = ending
        seconds = monotonic() - called.begun
        self.ended.append(
            {
                "begun": called.begun,
                "seconds": seconds,
                "sent": called.sent,
                "answered": self._socket.arrived,
                "deadline": called.deadline,
                "code": code,
                "retry_after": retry,
                "message": message,
            }
        )


def _ending(headers: list[Header]) -> Ending:
    found = dict(headers)
    details = found.get(_DETAILS, b"")
    retry = retry_after(b64decode(details + b"=" * (-len(details) % 4)))
    return _CODES[found.get(b"grpc-status", b"0")].name, retry, read_message(found.get(b"grpc-message", b""))


async def _connect(path: str, host: str, port: int) -> Channel:
    stamped = StampedSocket()
    stamped.connect_to(host, port)
    loop = asyncio.get_running_loop()
    return (await loop.create_connection(lambda: Channel(path, stamped), sock=stamped))[1]


async def main(offered: Offer) -> Sequence[Mapping[str, object]]:
    """Make a load's calls; return what became of them."""
    bodies = [bytes.fromhex(body) for body in offered.bodies]
    host, _, port = offered.target.rpartition(":")
    channels = [await _connect(offered.path, host, int(port)) for _ in range(offered.connections)]
    await asyncio.gather(*(channel.ready.wait() for channel in channels))
    chance = random.Random(offered.rate)  # noqa: S311 - a load, no secret
    shortest, longest = offered.deadlines
    step = (longest - shortest) / (DEADLINES - 1)
    due, made = monotonic(), 0
    end = due + offered.seconds
    while due < end or not all(channel.is_idle for channel in channels):
        now = monotonic()
        while due <= now and due < end:
            deadline = shortest + step * chance.randrange(DEADLINES)
            channels[made % len(channels)].call(Called(due, deadline, bodies[made % len(bodies)]))
            made += 1
            due += chance.expovariate(offered.rate)
        for channel in channels:
            channel.send()
            channel.give_up(now)
        await asyncio.sleep(TICK)
    return [call for channel in channels for call in channel.ended]


if __name__ == "__main__":
    json.dump(asyncio.run(main(Offer(**json.load(sys.stdin)))), sys.stdout)
