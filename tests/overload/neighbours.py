"""A client that asks for little, and one beside it that takes all it can."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.gateway import RunningGateway
from tests.harness.polling import next_poll
from tests.overload.load import Clients, Outcome
from tests.overload.slow import slow_statements
from tests.policy.keys import key_of
from tests.transport.conftest import locked

RATE = 20.0
TASKS = "/busy.v1.TaskService/ListTasks"
POOL, SHARE = 16, 10
"""Connections, and those that one table may have of them."""
CROWD, LOCK = "a client with 1,000 calls in flight", "a lock on another table"
PRINCIPAL = "a principal with 1,000 calls in flight on 50 connections"
BESIDE = (CROWD, LOCK)
_CONNECTIONS = {PRINCIPAL: 50}
_CALLED = {
    "Note": {"GetNote": {"id": 7}, "ListNotes": {"page_size": 1}},
    "Task": {"ListTasks": {"page_size": 1}},
}
_UNDER_WAY = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND state = 'active' AND query LIKE '%task%' HAVING count(*) >= $1"
)


@dataclass(frozen=True, slots=True)
class Keys:
    """What calls say of who makes them; nothing by default.

    Args:
        quiet: of the client that asks for little.
        greedy: of the one that takes all it can.

    """

    quiet: str = ""
    greedy: str = ""

    @classmethod
    def of(cls, file: Path) -> "Keys":
        """Return two of a new file of API keys."""
        return cls(*(key_of(file, name) for name in ("quiet", "greedy")))


async def alone_and_beside(
    gateway: RunningGateway, beside: str, seconds: float, keys: Keys = Keys()
) -> Mapping[str, tuple[Outcome, Outcome]]:
    """Call for notes alone, and then beside who is greedy for tasks; return both outcomes by method.

    Beside a PRINCIPAL for tasks, too.

    Args:
        gateway: with a pool of POOL connections.
        beside: one of BESIDE, or PRINCIPAL.
        seconds: of each.
        keys: of the two.

    """
    called = ("Note", "Task") if beside == PRINCIPAL else ("Note",)
    if beside != LOCK:
        await slow_statements(gateway, "task", 0.1)
    alone = await _quiet_client(gateway, seconds, called, keys)
    async with AsyncExitStack() as crowd:
        if beside == LOCK:
            await crowd.enter_async_context(locked(gateway.dsn, "task"))
        in_flight, connections = 300 if beside == LOCK else 1000, _CONNECTIONS.get(beside, 1)
        await crowd.enter_async_context(_greedy_client(gateway, in_flight, connections, keys))
        crowded = await _quiet_client(gateway, seconds, called, keys)
    return {method: (alone[method], crowded[method]) for method in alone}


async def _quiet_client(
    gateway: RunningGateway, seconds: float, called: Iterable[str], keys: Keys
) -> Mapping[str, Outcome]:
    """Call as a client does that asks for little; return what became of its calls, by their method."""
    message = gateway.client.message
    bodies = {
        f"/busy.v1.{one}Service/{method}": message(f"busy.v1.{method}Request", fields).SerializeToString()
        for one in called
        for method, fields in _CALLED[one].items()
    }
    async with Clients(gateway.target, authorization=keys.quiet) as clients:

        def offered(path: str) -> Awaitable[Outcome]:
            body = bodies[path]
            return clients.offer(path, lambda _: body, rate=RATE, seconds=seconds, deadlines=(20, 30))

        outcomes = await asyncio.gather(*map(offered, bodies))
        return {path.rpartition("/")[2]: one for path, one in zip(bodies, outcomes, strict=True)}


@asynccontextmanager
async def _greedy_client(
    gateway: RunningGateway, in_flight: int, connections: int, keys: Keys
) -> AsyncIterator[None]:
    """Keep so many calls for tasks in flight, which hold all the connections that they may."""
    page = gateway.client.message("busy.v1.ListTasksRequest", page_size=1).SerializeToString()
    how = [str(in_flight), "30", str(connections)]
    program = [sys.executable, "-m", "tests.overload.greedy", gateway.target, TASKS, *how]
    process = await asyncio.create_subprocess_exec(*program, stdin=asyncio.subprocess.PIPE)
    assert process.stdin is not None
    try:
        process.stdin.write(f"{page.hex()}\n{keys.greedy}\n".encode())
        async with asyncio.timeout(60):
            while not await gateway.sql(_UNDER_WAY, SHARE):
                await next_poll()
        yield
    finally:
        process.stdin.close()
        await process.wait()
