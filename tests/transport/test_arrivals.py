"""Calls that come while the event loop is busy wait in grpc core, and grpc.aio takes them later."""

from collections import Counter
from contextlib import AsyncExitStack
from select import select

from gateway.transport.grpcio.options import MAX_UNTAKEN
from gateway.transport.grpcio.server import GrpcServer
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.frames import frame
from tests.transport.conftest import GET, Gate, Served
from tests.transport.wire.http2.peer import SECONDS, Peer, peer_of

UNKNOWN = "/nobody/Knows"
CALLS = 100
"""Those that one connection may have under way."""
PEERS = MAX_UNTAKEN // 2 // CALLS


def send_at_once(peer: Peer) -> list[int]:
    """Send what a connection may and hold the event loop until grpc core has it all; return the streams."""
    streams = [2 * number + 1 for number in range(CALLS)]
    flags = frames.END_HEADERS | frames.END_STREAM
    begun = (frame(frames.HEADERS, flags, stream, peer.headers(UNKNOWN)) for stream in streams)
    peer.send(*begun, frame(frames.PING, 0, 0, b"all sent"))
    # It answers the ping by threads of its own.
    answered, _, _ = select([peer.socket], [], [], SECONDS)
    assert answered
    return streams


async def test_no_call_is_cancelled_by_another_than_its_caller() -> None:
    server = await Served(GrpcServer, Gate(), max_in_flight=2 * MAX_UNTAKEN).start()
    told = Counter[bytes]()
    async with AsyncExitStack() as connected:
        peers = [await connected.enter_async_context(peer_of(server.target)) for _ in range(PEERS)]
        for peer in peers:
            await peer.settle()
        sent = [(peer, stream) for peer in peers for stream in send_at_once(peer)]
        for peer, stream in sent:
            told[(await peer.answer(stream)).headers[b"grpc-status"]] += 1
    await server.stop()
    assert told == {b"12": PEERS * CALLS}, "not all were answered by the gateway"


async def test_a_client_is_told_to_let_wait_what_would_have_others_wait() -> None:
    server = await Served(GrpcServer, Gate(), max_concurrent_streams=1000).start()
    async with peer_of(server.target) as peer:
        await peer.settle()
        for stream in range(1, 4 * CALLS, 2):
            peer.send(frame(frames.HEADERS, frames.END_HEADERS, stream, peer.headers(f"/{GET}")))
        refused = [await peer.answer(stream) for stream in range(2 * CALLS + 1, 4 * CALLS, 2)]
        assert all(one.reset is not None and not one.headers for one in refused)
        assert not any(peer.outcome(stream).ended for stream in range(1, 2 * CALLS, 2))
    await server.stop()
