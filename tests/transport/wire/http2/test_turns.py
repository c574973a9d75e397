"""Connections are read in turn: who comes beside a crowd waits for a part of it."""

from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.cli.servers import SERVERS
from gateway.request.calls.call import Call
from tests.harness.gateway import schema_of
from tests.transport.conftest import GET, Served
from tests.transport.wire.http2.peer import peer_of

CROWD = 500
AHEAD = 150
"""Calls of a crowd that may begin before one that comes with them: those of the turn or two that it takes."""


async def test_who_comes_with_a_crowd_waits_for_a_part_of_it() -> None:
    begun: list[str] = []
    account = GetMessageClass(schema_of("ledger").resources["ledger.v1.Account"].message)

    async def answer(_request: Any, call: Call) -> Message:
        begun.append(call.caller)
        return account()

    server = await Served(SERVERS["http"], answer).start()
    try:
        async with peer_of(server.target) as crowd, peer_of(server.target) as other:
            await crowd.settle()
            await other.settle()
            calls = [crowd.call(f"/{GET}") for _ in range(CROWD)]
            await other.answer(other.call(f"/{GET}"))
            for number in calls:
                await crowd.answer(number)
    finally:
        await server.stop()
    assert len(begun) == CROWD + 1
    ahead = next(n for n, connection in enumerate(begun) if begun.count(connection) == 1)
    assert ahead <= AHEAD
