"""Requests that don't end: they count as calls, have a deadline, and what they hold is bounded."""

import asyncio

from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.frames import frame
from tests.conftest import GatewayFor
from tests.transport.conftest import GET, Gate, Serve
from tests.transport.reasons import reason_of
from tests.transport.wire.http2.peer import Peer, peer_of

PATH = f"/{GET}"
UNENDED = message_frame(bytes(1000))[:500]


def upload(peer: Peer, path: str = PATH) -> int:
    """Begin a call, send a part of its message, and no more."""
    number = peer.begin(path)
    peer.send(frame(frames.DATA, 0, number, UNENDED))
    return number


async def test_a_body_that_doesnt_end_ends_by_the_deadline(served: Serve) -> None:
    server = await served(Gate(), default_deadline=0.2)
    async with peer_of(server.target) as peer:
        answered = [await peer.answer(number) for number in [upload(peer) for _ in range(5)]]
    assert [reason_of(one.headers) for one in answered] == [(4, "DEADLINE_EXCEEDED")] * 5
    facts = [await asyncio.wait_for(server.ended.get(), 60) for _ in range(5)]
    assert {one.reason for one in facts} == {"DEADLINE_EXCEEDED"}


async def test_a_body_that_doesnt_end_ends_a_stream_of_responses_too(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("flow", default_deadline=0.2)
    async with peer_of(gateway.target) as peer:
        number = upload(peer, "/flow.v1.EventService/StreamEvents")
        assert reason_of((await peer.answer(number)).headers) == (4, "DEADLINE_EXCEEDED")


async def test_the_callers_deadline_is_cut_to_the_longest_from_the_headers_on(served: Serve) -> None:
    server = await served(Gate(), max_deadline=0.2)
    async with peer_of(server.target) as peer:
        number = peer.begin(PATH, ("grpc-timeout", "1H"))
        assert reason_of((await peer.answer(number)).headers) == (4, "DEADLINE_EXCEEDED")


async def test_a_body_that_doesnt_end_is_a_call_in_flight(served: Serve) -> None:
    gate = Gate()
    gate.opened.set()
    server = await served(gate, max_in_flight=3)
    async with peer_of(server.target) as peer, peer_of(server.target) as other, asyncio.timeout(60):
        for _ in range(3):
            upload(peer)
        outcome = 0, ""
        while outcome == (0, ""):
            outcome = reason_of((await other.answer(other.call(PATH))).headers)
        assert outcome == (8, "TOO_MANY_CALLS")
