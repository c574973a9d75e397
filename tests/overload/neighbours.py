"""A client that asks for little, and one beside it that takes all it can."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from tests.harness.gateway import RunningGateway
from tests.harness.polling import next_poll
from tests.overload.load import Clients, Outcome
from tests.overload.slow import slow_statements
from tests.transport.conftest import locked

RATE = 20.0
TASKS = "/busy.v1.TaskService/ListTasks"
POOL, SHARE = 16, 10
"""Connections, and those that one table may have of them."""
CROWD, LOCK = "a client with 1,000 calls in flight", "a lock on another table"
BESIDE = (CROWD, LOCK)
_UNDER_WAY = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND state = 'active' AND query LIKE '%task%' HAVING count(*) >= $1"
)


async def alone_and_beside(
    gateway: RunningGateway, beside: str, seconds: float
) -> Mapping[str, tuple[Outcome, Outcome]]:
    """Call for notes alone, and then beside who is greedy for tasks; return both outcomes by method.

    Args:
        gateway: with a pool of POOL connections.
        beside: one of BESIDE.
        seconds: of each.

    """
    alone = await _quiet_client(gateway, seconds)
    async with AsyncExitStack() as crowd:
        if beside == LOCK:
            await crowd.enter_async_context(locked(gateway.dsn, "task"))
        else:
            await slow_statements(gateway, "task", 0.1)
        await crowd.enter_async_context(_greedy_client(gateway, 300 if beside == LOCK else 1000))
        crowded = await _quiet_client(gateway, seconds)
    return {method: (alone[method], crowded[method]) for method in alone}


async def _quiet_client(gateway: RunningGateway, seconds: float) -> Mapping[str, Outcome]:
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
            return clients.offer(path, lambda _: body, rate=RATE, seconds=seconds, deadlines=(20, 30))

        return dict(zip(bodies, await asyncio.gather(*map(offered, bodies)), strict=True))


@asynccontextmanager
async def _greedy_client(gateway: RunningGateway, in_flight: int) -> AsyncIterator[None]:
    """Keep so many calls for tasks in flight, which hold all the connections that they may."""
    page = gateway.client.message("busy.v1.ListTasksRequest", page_size=1).SerializeToString()
    program = [sys.executable, "-m", "tests.overload.greedy", gateway.target, TASKS, str(in_flight), "30"]
    process = await asyncio.create_subprocess_exec(*program, stdin=asyncio.subprocess.PIPE)
    assert process.stdin is not None
    try:
        process.stdin.write(f"{page.hex()}\n".encode())
        async with asyncio.timeout(60):
            while not await gateway.sql(_UNDER_WAY, SHARE):
                await next_poll()
        yield
    finally:
        process.stdin.close()
        await process.wait()
