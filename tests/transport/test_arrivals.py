"""Calls that come while the event loop is busy wait in grpc core, and grpc.aio takes them later."""

from collections import Counter
from select import select

from gateway.transport.grpcio.options import MAX_UNTAKEN
from gateway.transport.grpcio.server import GrpcServer
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.frames import frame
from tests.transport.conftest import Gate, Served
from tests.transport.wire.http2.peer import SECONDS, Peer, peer_of

UNKNOWN = "/nobody/Knows"


def send_at_once(peer: Peer, calls: int) -> list[int]:
    """Send so many calls and hold the event loop until grpc core has them all; return their streams."""
    streams = [2 * number + 1 for number in range(calls)]
    flags = frames.END_HEADERS | frames.END_STREAM
    begun = (frame(frames.HEADERS, flags, stream, peer.headers(UNKNOWN)) for stream in streams)
    peer.send(*begun, frame(frames.PING, 0, 0, b"all sent"))
    # It answers the ping by threads of its own.
    answered, _, _ = select([peer.socket], [], [], SECONDS)
    assert answered
    return streams


async def test_no_call_is_cancelled_by_another_than_its_caller() -> None:
    calls = MAX_UNTAKEN // 2
    server = await Served(GrpcServer, Gate(), max_concurrent_streams=calls, max_in_flight=2 * calls).start()
    async with peer_of(server.target) as peer:
        await peer.settle()
        streams = send_at_once(peer, calls)
        told = Counter([(await peer.answer(stream)).headers[b"grpc-status"] for stream in streams])
    await server.stop()
    assert told == {b"12": calls}, "not all were answered by the gateway"
