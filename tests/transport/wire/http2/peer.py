"""A peer that speaks HTTP/2 frame by frame, also such frames as no client would send."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from hpack import Decoder, Encoder

from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.frames import FrameReader, frame

SECONDS = 60
EMPTY_SETTINGS = frame(frames.SETTINGS, 0, 0)
WIDE = 2**31 - 1


@dataclass(slots=True)
class Answered:
    """What has come of one stream.

    Args:
        headers: of all its header blocks, by name; the last of a name counts.
        body: its DATA.
        reset: the code of its RST_STREAM.
        ended: whether it has ended.

    """

    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    reset: int | None = None
    ended: bool = False


class Peer:
    """One connection to a server.

    Args:
        reader: from it.
        writer: to it.

    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = FrameReader()
        self._frames.greeted = True
        self._waiting: list[frames.Frame] = []
        self._decoder = Decoder(2**20)
        self.encoder = Encoder()
        self.goaway: int | None = None
        self.last: int | None = None
        self.answered: dict[int, Answered] = {}
        self._unsettled = 0
        self.next = 1

    @property
    def socket(self) -> Any:
        """What select.select takes."""
        return self._writer.get_extra_info("socket")

    def send(self, *sent: bytes) -> None:
        """Send bytes."""
        self._writer.write(b"".join(sent))

    def greet(self, *sent: bytes) -> None:
        """Send the preface, with frames the first of which is SETTINGS."""
        self.send(frames.PREFACE, *sent)
        self._unsettled += 1

    async def flushed(self) -> None:
        """Wait until the server has taken what was sent, more or less."""
        async with asyncio.timeout(SECONDS):
            await self._writer.drain()

    def leave(self) -> None:
        """Break the connection off."""
        self._writer.transport.abort()

    def finish(self) -> None:
        """Send nothing more."""
        self._writer.write_eof()

    def headers(self, path: str, *more: tuple[str, str]) -> bytes:
        """Return the header block of a call."""
        fields = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ]
        return self.encoder.encode([*fields, *more])

    def call(self, path: str, message: bytes = b"", *more: tuple[str, str]) -> int:
        """Begin a call with a whole message; return its stream."""
        number = self.begin(path, *more)
        self.send(frame(frames.DATA, frames.END_STREAM, number, message_frame(message)))
        return number

    def begin(self, path: str, *more: tuple[str, str]) -> int:
        """Send a call's headers; return its stream."""
        number, self.next = self.next, self.next + 2
        self.send(frame(frames.HEADERS, frames.END_HEADERS, number, self.headers(path, *more)))
        return number

    async def read(self) -> frames.Frame | None:
        """Return the next frame, None at the end of the connection; what it says is remembered."""
        while not self._waiting:
            try:
                async with asyncio.timeout(SECONDS):
                    data = await self._reader.read(2**16)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._waiting = list(self._frames.feed(data))
        found = self._waiting.pop(0)
        self._note(*found)
        return found

    async def answer(self, number: int) -> Answered:
        """Return what comes of a stream."""
        while not (number in self.answered and self.answered[number].ended):
            if await self.read() is None:
                break
        return self.outcome(number)

    async def end(self) -> int | None:
        """Read to the end of the connection; return the code that it ended with."""
        while await self.read() is not None:
            pass
        return self.goaway

    async def settle(self) -> None:
        """Wait until the server has taken all that was sent."""
        self.send(EMPTY_SETTINGS)
        self._unsettled += 1
        while self._unsettled:
            assert await self.read() is not None, f"the connection ended with {self.goaway}"

    async def until(self, done: Callable[[], bool]) -> None:
        """Read until something is so."""
        while not done():
            assert await self.read() is not None, f"the connection ended with {self.goaway}"

    def outcome(self, number: int) -> Answered:
        """Return what has come of a stream so far."""
        return self.answered.setdefault(number, Answered())

    def _note(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        stream = self.outcome(number)
        if kind == frames.HEADERS:
            stream.headers.update((bytes(k), bytes(v)) for k, v in self._decoder.decode(payload, raw=True))
        elif kind == frames.DATA:
            stream.body += payload
        elif kind == frames.RST_STREAM:
            stream.reset = int.from_bytes(payload, "big")
        elif kind == frames.GOAWAY:
            self.last, self.goaway = struct.unpack_from(">II", payload)
        elif kind == frames.SETTINGS and flags & frames.ACK:
            self._unsettled -= 1
        ends = kind in (frames.HEADERS, frames.DATA) and flags & frames.END_STREAM
        stream.ended = stream.ended or bool(ends) or kind == frames.RST_STREAM


@asynccontextmanager
async def peer_of(target: str, *, greet: Sequence[bytes] = (EMPTY_SETTINGS,)) -> AsyncIterator[Peer]:
    """Connect, and send the preface with these frames."""
    host, _, port = target.rpartition(":")
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(host, int(port))
    peer = Peer(reader, writer)
    if greet:
        peer.greet(*greet)
    try:
        yield peer
    finally:
        writer.transport.abort()
