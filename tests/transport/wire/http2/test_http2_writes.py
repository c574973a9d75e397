"""What leaves a connection: a response's headers, with what of its body the peer takes, and nothing stays."""

import asyncio
import gc
from typing import Any

import pytest

from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import frames, outgoing
from gateway.transport.wire.http2.errors import ErrorCode
from gateway.transport.wire.http2.frames import DEFAULT_WINDOW, FrameReader, frame, header_frames, rst_stream
from gateway.transport.wire.http2.outbox import Outbox
from gateway.transport.wire.http2.outgoing import Outgoing
from tests.transport.conftest import GET, Gate, Serve
from tests.transport.wire.http2.answering import Answering
from tests.transport.wire.http2.peer import Peer, peer_of

PATH = f"/{GET}"
LARGE = DEFAULT_WINDOW + 1
PING = frame(frames.PING, 0, 0, b"how much")


@pytest.mark.parametrize("size", [1, DEFAULT_WINDOW, 2 * DEFAULT_WINDOW])
async def test_a_response_s_body_leaves_with_its_headers(size: int) -> None:
    """A client whose deadline passes between them would take an error for an empty one."""
    written = asyncio.get_running_loop().create_future()
    outgoing = Outgoing(written.set_result, asyncio.get_running_loop())
    outbox = Outbox(outgoing, 1, 0, lambda _ends: None)
    outgoing.put(header_frames(1, b"", ends=False))
    outbox.put(bytes(size))
    outbox.end(frame(frames.DATA, frames.END_STREAM, 1))
    reader = FrameReader()
    reader.greeted = True
    headers, *body = reader.feed(await written)
    assert headers[0] == frames.HEADERS
    assert sum(len(payload) for kind, *_, payload in body if kind == frames.DATA) == min(size, DEFAULT_WINDOW)
    assert bool(body[-1][1] & frames.END_STREAM) == (size <= DEFAULT_WINDOW)


def written_frames(server: Any) -> list[list[int]]:
    """Return the kinds of frames of each write to the only connection, as they are made."""
    (connection,) = server.server._context.connections
    writes: list[list[int]] = []
    write, reader = connection._outgoing._write, FrameReader()
    reader.greeted = True

    def note(data: bytes) -> None:
        writes.append([kind for kind, *_ in reader.feed(data)])
        write(data)

    connection._outgoing._write = note
    return writes


async def test_a_ping_is_answered_with_the_call_that_came_with_it(
    serving: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As grpc-go sends one with nearly each: a write for its answer alone would double the writes."""
    monkeypatch.setattr(outgoing, "_ASIDE_SECONDS", 600)
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        await peer.settle()
        writes = written_frames(server)
        for number in (1, 3):
            call = frame(frames.HEADERS, frames.END_HEADERS, number, peer.headers(PATH))
            peer.send(PING + call + frame(frames.DATA, frames.END_STREAM, number, message_frame(b"")))
            assert (await peer.answer(number)).body
    answer = [frames.HEADERS, frames.DATA, frames.HEADERS]
    assert writes == [[frames.PING, *answer]] * 2


async def test_a_ping_is_answered_though_the_call_beside_it_is_not(serving: Serve) -> None:
    gate = Gate()
    server = await serving(gate)
    async with peer_of(server.target) as peer:
        await peer.settle()
        number = peer.call(PATH)
        await gate.arrived(1)
        peer.send(PING)
        while (found := await peer.read()) != (frames.PING, frames.ACK, 0, b"how much"):
            assert found is not None
        gate.opened.set()
        assert (await peer.answer(number)).headers[b"grpc-status"] == b"0"  # not that its deadline has passed


async def break_off(peer: Peer, number: int) -> None:
    """Reset a stream in the middle of its response."""
    begun = peer.outcome(number)
    await peer.until(lambda: bool(begun.headers))
    peer.send(rst_stream(number, ErrorCode.CANCEL))


def outboxes() -> list[Outbox]:
    """Return all that there are in this process."""
    return [one for one in gc.get_objects() if isinstance(one, Outbox)]


@pytest.mark.parametrize("letters", [1, DEFAULT_WINDOW // 4, LARGE])
async def test_responses_leave_nothing_to_the_garbage_collector(serving: Serve, letters: int) -> None:
    """Whether they were sent whole or reset: of each it would find some 14 objects."""
    server = await serving(Answering(letters))
    gc.collect()
    earlier = outboxes()  # somebody else's, which are still held
    gc.disable()
    try:
        async with peer_of(server.target) as peer:
            whole, in_pieces = peer.call(PATH), peer.begin(PATH)
            peer.send(frame(frames.DATA, 0, in_pieces, message_frame(b"")))
            peer.send(frame(frames.DATA, frames.END_STREAM, in_pieces))
            for number in (whole, in_pieces):
                await (peer.answer(number) if letters < LARGE else break_off(peer, number))
            await peer.settle()
            assert [one for one in outboxes() if one not in earlier] == []
    finally:
        gc.enable()
