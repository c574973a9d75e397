"""What leaves a connection together: a response's headers, and what of its body the peer takes."""

import asyncio

import pytest

from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.frames import DEFAULT_WINDOW, FrameReader, frame, header_frames
from gateway.transport.wire.http2.outbox import Outbox
from gateway.transport.wire.http2.outgoing import Outgoing


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
