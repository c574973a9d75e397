"""Whatever bytes come: a connection answers or ends, and leaves nothing behind."""

import asyncio
import logging
import random
from collections.abc import Iterator
from contextlib import suppress

import pytest

from gateway.transport.http_server import HttpServer
from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.errors import ErrorCode, Http2Error
from gateway.transport.wire.http2.frames import frame, rst_stream, window_update
from tests.transport.conftest import GET, Serve, Served
from tests.transport.wire.http2.answering import Answering
from tests.transport.wire.http2.peer import EMPTY_SETTINGS, Peer, peer_of

PATH = f"/{GET}"
SESSIONS = 400
TOGETHER = 20


def valid_session(peer: Peer, draw: random.Random) -> list[bytes]:
    """Return the frames of some calls, in order."""
    sent = [EMPTY_SETTINGS, window_update(0, draw.randrange(1, 2**20))]
    for number in range(1, 2 * draw.randrange(2, 8), 2):
        block = peer.headers(draw.choice([PATH, "/x/Y"]), ("grpc-timeout", f"{draw.randrange(1, 9)}S"))
        message = message_frame(bytes(draw.randrange(3)))
        sent.append(frame(frames.HEADERS, frames.END_HEADERS, number, block))
        if draw.random() < 0.3:
            sent.append(frame(frames.DATA, 0, number, message[:3]))
            message = message[3:]
        sent.append(frame(frames.DATA, frames.END_STREAM, number, message))
        sent += draw.sample(
            [rst_stream(number, ErrorCode.CANCEL), window_update(number, 9)], draw.randrange(3)
        )
    return sent


def mutated(data: bytes, draw: random.Random) -> bytes:
    """Return bytes with some of them changed, moved, lost or doubled."""
    changed = bytearray(data)
    for _ in range(draw.randrange(1, 6)):
        at = draw.randrange(len(changed))
        match draw.randrange(4):
            case 0:
                changed[at] = draw.randrange(256)
            case 1:
                del changed[at : at + draw.randrange(1, 12)]
            case 2:
                changed[at:at] = draw.randbytes(draw.randrange(1, 12))
            case _:
                changed[at:at] = changed[max(0, at - 30) : at]
    return bytes(changed)


def hostile_sessions(peer: Peer, draw: random.Random) -> Iterator[bytes]:
    """Yield the pieces of one session."""
    session = valid_session(peer, draw)
    match draw.randrange(4):
        case 0:
            data = frames.PREFACE + EMPTY_SETTINGS + draw.randbytes(draw.randrange(1, 400))
        case 1:
            draw.shuffle(session)
            data = frames.PREFACE + EMPTY_SETTINGS + b"".join(session)
        case 2:
            data = mutated(frames.PREFACE + b"".join(session), draw)
        case _:
            data = frames.PREFACE + mutated(b"".join(session), draw)
    while data:
        size = draw.randrange(1, len(data) + 1)
        yield data[:size]
        data = data[size:]


async def play(target: str, seed: int) -> None:
    """Play one session, and read until the server ends it, or has nothing more to say."""
    draw = random.Random(seed)  # noqa: S311 - a test's
    async with peer_of(target, greet=()) as peer:
        try:
            for piece in hostile_sessions(peer, draw):
                peer.send(piece)
                await peer.flushed()
        except ConnectionError:
            return
        peer.finish()
        # What doesn't begin as HTTP/2 does is answered in HTTP/1.1.
        with suppress(Http2Error):
            await peer.end()


def open_connections(server: Served) -> int:
    """Return how many there are."""
    assert isinstance(server.server, HttpServer)
    return len(server.server._context.connections)


async def test_hostile_bytes_neither_hang_nor_leak_nor_raise(
    serving: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = await serving(Answering())
    await server.get(book="x")
    tasks = len(asyncio.all_tasks())
    for first in range(0, SESSIONS, TOGETHER):
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for seed in range(first, first + TOGETHER):
                group.create_task(play(server.target, seed))
    assert (await server.get(book="x", timeout=10)).book == "b"
    # The one that is left is the client's own.
    async with asyncio.timeout(60):
        while open_connections(server) > 1 or len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110 - theirs
            await asyncio.sleep(0.01)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
