"""Beside one that takes all it can, others are served as if alone."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.harness.gateway import RunningGateway
from tests.harness.polling import next_look
from tests.overload.conftest import StartBusy
from tests.overload.load import Clients, Outcome
from tests.overload.slow import slow_statements
from tests.transport.conftest import locked

pytestmark = pytest.mark.alone

SECONDS = 3.0
RATE = 20.0
FACTOR = 5.0
LEAST_SECONDS = 0.4
"""Latencies below this say more of the machine than of the gateway: it makes the load, too.
The crowd's own calls wait for 5 s; how many pass others is counted in tests/transport/http2/test_turns.py."""
TASKS = "/busy.v1.TaskService/ListTasks"
POOL, SHARE = 16, 10
"""Connections, and those that one table may have of them."""
UNDER_WAY = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND state = 'active' AND query LIKE '%task%' HAVING count(*) >= $1"
)


async def quiet_client(gateway: RunningGateway) -> Mapping[str, Outcome]:
    """Call as a client does that asks for little; return what became of its calls, by their method."""
    message = gateway.client.message
    bodies = {
        method: message(f"busy.v1.{method}Request", fields).SerializeToString()
        for method, fields in {"GetNote": {"id": 7}, "ListNotes": {"page_size": 1}}.items()
    }
    async with Clients(gateway.target) as clients:

        def offered(method: str) -> Awaitable[Outcome]:
            path = f"/busy.v1.NoteService/{method}"
            body = bodies[method]
            return clients.offer(path, lambda _: body, rate=RATE, seconds=SECONDS, deadlines=(20, 30))

        return dict(zip(bodies, await asyncio.gather(*map(offered, bodies)), strict=True))


@asynccontextmanager
async def greedy_client(gateway: RunningGateway, in_flight: int) -> AsyncIterator[None]:
    """Keep so many calls for tasks in flight, which hold all the connections that they may."""
    page = gateway.client.message("busy.v1.ListTasksRequest", page_size=1).SerializeToString()
    program = [sys.executable, "-m", "tests.overload.greedy", gateway.target, TASKS, str(in_flight), "30"]
    process = await asyncio.create_subprocess_exec(*program, stdin=asyncio.subprocess.PIPE)
    assert process.stdin is not None
    try:
        process.stdin.write(f"{page.hex()}\n".encode())
        async with asyncio.timeout(20):
            while not await gateway.sql(UNDER_WAY, SHARE):
                await next_look()
        yield
    finally:
        process.stdin.close()
        await process.wait()


@pytest.mark.parametrize("transport", ["http2", "grpcio"])
@pytest.mark.parametrize("beside", ["a client with 1,000 calls in flight", "a lock on another table"])
async def test_a_client_of_a_few_calls_a_second_loses_none(
    start_busy: StartBusy, transport: str, beside: str
) -> None:
    gateway = await start_busy(transport=transport, pool_size=POOL)
    alone = await quiet_client(gateway)
    async with AsyncExitStack() as crowd:
        if beside == "a lock on another table":
            await crowd.enter_async_context(locked(gateway.dsn, "task"))
            await crowd.enter_async_context(greedy_client(gateway, 300))
        else:
            await slow_statements(gateway, "task", 0.1)
            await crowd.enter_async_context(greedy_client(gateway, 1000))
        crowded = await quiet_client(gateway)

    for method, outcome in crowded.items():
        assert outcome.codes == {"OK": len(outcome.calls)}, (method, outcome.messages)
        assert outcome.latency(0.9) <= FACTOR * max(alone[method].latency(0.9), LEAST_SECONDS), method
