"""Streams whose clients take nothing: they keep nobody else from reading, and lose nothing themselves."""

import asyncio
import json
from collections.abc import AsyncIterator

import grpc
import pytest

from tests.conftest import GatewayFor, gateways
from tests.harness.client import Client
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, descriptors_of

pytestmark = pytest.mark.alone

STREAM = "busy.v1.TaskService/StreamTasks"
ROWS = 20_000
CURSORS = 4
SHARE = 3


@pytest.fixture(params=["http", "grpcio"])
async def gateway(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[RunningGateway]:
    """Serve many rows, of which a client that reads nothing gets a part, to four streams."""
    async with gateways(databases, transport=request.param) as start:
        yield await filled(start)


async def filled(start: GatewayFor) -> RunningGateway:
    gateway = await start("busy", max_cursors=CURSORS, cursor_stall_timeout=0.1, stream_send_timeout=600)
    rows = "SELECT i, '', repeat('x', 1000) FROM generate_series(1, $1::int) AS i"
    await gateway.sql(f"INSERT INTO task (id, name, text) {rows}", ROWS)
    return gateway


async def test_stalled_readers_make_room_and_go_on_by_their_tokens(gateway: RunningGateway) -> None:
    clients = [Client(gateway.target, descriptors_of("busy")) for _ in range(SHARE)]
    try:
        stalled = [client.stream(STREAM) for client in clients]
        for responses in stalled:
            await anext(responses)
        # A table has three of the places, which all stand still: one of them ends for the fourth reader.
        taken, error = list[int](), None
        async with asyncio.timeout(60):
            while not taken:
                taken, _, error = await gateway.client.stream(STREAM).take("tasks")
        assert error is None
        assert taken == list(range(1, ROWS + 1))

        ended = [await responses.take("tasks") for responses in stalled]
        [(ids, token, error)] = [one for one in ended if one[2] is not None]
        assert error is not None
        assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "CLIENT_TOO_SLOW")
        assert error.metadata == {"resume_token": token}
        rest, _, error = await gateway.client.stream(STREAM, resume_token=token).take("tasks")
        assert error is None
        assert [*ids, *rest] == list(range(ids[0], ROWS + 1))
    finally:
        await asyncio.gather(*(client.close() for client in clients))


async def test_a_retry_policy_waits_for_a_place(gateway: RunningGateway) -> None:
    """As docs/clients.md says of RESOURCE_EXHAUSTED, whose waits are the gateway's."""
    policy = {
        "maxAttempts": 5,
        "initialBackoff": "0.001s",
        "maxBackoff": "0.001s",
        "backoffMultiplier": 1,
        "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
    }
    config = json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": policy}]})
    reading = [gateway.client.channel.unary_stream(f"/{STREAM}")(b"") for _ in range(SHARE)]
    for responses in reading:
        await responses.read()
    async with grpc.aio.insecure_channel(gateway.target, [("grpc.service_config", config)]) as channel:
        waiting = channel.unary_stream(f"/{STREAM}")(b"")
        first = asyncio.create_task(waiting.read())
        refused = gateway.client.channel.unary_stream(f"/{STREAM}")(b"")
        assert await refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert not first.done()
        for responses in reading:
            responses.cancel()
        assert await asyncio.wait_for(first, 60) is not grpc.aio.EOF
        waiting.cancel()


async def test_readers_that_read_are_left_alone(gateway: RunningGateway) -> None:
    reading = [gateway.client.stream(STREAM) for _ in range(SHARE)]
    for responses in reading:
        await anext(responses)
    readers = [asyncio.create_task(responses.take("tasks")) for responses in reading]
    refusals = 0
    while not all(reader.done() for reader in readers):
        _, _, error = await gateway.client.stream(STREAM).take("tasks")
        refusals += error is not None and error.reason == "TOO_MANY_STREAMS"
    assert refusals
    assert [error for _, _, error in await asyncio.gather(*readers)] == [None] * SHARE
