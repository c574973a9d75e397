"""Where the frames are ours, so is every status: each says why, by ErrorInfo."""

import asyncio

import pytest

from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.frames import frame
from tests.transport.conftest import Gate, Serve
from tests.transport.reasons import reason_of
from tests.transport.refused_calls import PATH, WHERE_FRAMES_ARE_OURS, refused
from tests.transport.wire.http2.peer import peer_of


@pytest.mark.parametrize("name", WHERE_FRAMES_ARE_OURS)
async def test_a_refusal_says_why(serving: Serve, name: str) -> None:
    server = await serving(Gate(), max_request_bytes=4000, max_metadata_bytes=4096)
    async with peer_of(server.target) as peer:
        assert await refused(peer, WHERE_FRAMES_ARE_OURS[name]) == WHERE_FRAMES_ARE_OURS[name][3:]


@pytest.mark.parametrize("ends", [frames.END_STREAM, 0], ids=["whole", "unended"])
async def test_a_call_that_a_stop_ends_says_why(serving: Serve, ends: int) -> None:
    gate = Gate()
    server = await serving(gate)
    async with peer_of(server.target) as peer:
        number = peer.begin(PATH)
        peer.send(frame(frames.DATA, ends, number, message_frame(b"")))
        if ends:
            await gate.arrived()
        await peer.settle()
        stopping = asyncio.ensure_future(server.server.stop(0))
        assert reason_of((await peer.answer(number)).headers) == (14, "SHUTTING_DOWN")
        await stopping
