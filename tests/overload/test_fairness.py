"""Beside one that takes all it can, others are served as if alone."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.harness.gateway import RunningGateway
from tests.overload.conftest import StartBusy
from tests.overload.load import Clients, Outcome
from tests.overload.slow import slow_statements
from tests.transport.conftest import locked

SECONDS = 3.0
RATE = 20.0
FACTOR = 5.0
LEAST_SECONDS = 0.02
"""Latencies below this say more of the machine than of the gateway."""
TASKS = "/busy.v1.TaskService/ListTasks"
Busy = Callable[[RunningGateway, Callable[[], Awaitable[None]]], Awaitable[None]]


async def quiet_client(gateway: RunningGateway, path: str, body: bytes) -> Outcome:
    """Call as a client does that asks for little."""
    async with Clients(gateway.target) as clients:
        return await clients.offer(path, lambda _: body, rate=RATE, seconds=SECONDS, deadlines=(2, 3))


@pytest.mark.parametrize("transport", ["http2", "grpcio"])
@pytest.mark.parametrize("method", ["GetNote", "ListNotes"])
@pytest.mark.parametrize("beside", ["a client with 1,000 calls in flight", "a lock on another table"])
async def test_a_client_of_a_few_calls_a_second_loses_none(
    start_busy: StartBusy, transport: str, method: str, beside: str
) -> None:
    gateway = await start_busy(transport=transport, pool_size=16)
    fields = {"id": 7} if method == "GetNote" else {"page_size": 1}
    body = gateway.client.message(f"busy.v1.{method}Request", **fields).SerializeToString()
    path = f"/busy.v1.NoteService/{method}"
    alone = await quiet_client(gateway, path, body)
    page = gateway.client.message("busy.v1.ListTasksRequest", page_size=1).SerializeToString()
    async with Clients(gateway.target) as clients, asyncio.TaskGroup() as group:
        if beside == "a lock on another table":
            async with locked(gateway.dsn, "task"):
                group.create_task(
                    clients.keep(TASKS, page, in_flight=300, seconds=SECONDS + 1, deadline=SECONDS + 1)
                )
                await asyncio.sleep(0.5)
                crowded = await quiet_client(gateway, path, body)
        else:
            await slow_statements(gateway, "task", 0.1)
            group.create_task(clients.keep(TASKS, page, in_flight=1000, seconds=SECONDS + 1, deadline=30))
            await asyncio.sleep(0.5)
            crowded = await quiet_client(gateway, path, body)

    assert crowded.codes == {"OK": len(crowded.calls)}, crowded.messages
    assert crowded.latency(0.9) <= FACTOR * max(alone.latency(0.9), LEAST_SECONDS)
