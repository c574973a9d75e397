"""More calls than the database answers: as many are answered as ever, and the others are refused in time.

Small here, with capacities set by pg_sleep; whole by `python -m tests.soak.overload`.
"""

import pytest

from tests.harness.gateway import RunningGateway
from tests.overload.conftest import StartBusy
from tests.overload.load import Clients, Outcome
from tests.overload.slow import ROWS, slow_rows, slow_statements

pytestmark = pytest.mark.alone

SECONDS = 3.0
DEADLINES = (0.3, 0.7)
STATEMENT = 0.2
POOL = 4
"""Of which one table has three."""
CAPACITY = 3 / STATEMENT
ROW = 0.1
ROW_CAPACITY = 3 / ROW
LEAST = 0.4
"""Of the capacity: a queue in order of arrival leaves a tenth and less, and machines are shared. On one
of its own it is 0.85 and more, which the soak holds it to."""


def check(outcome: Outcome, capacity: float) -> None:
    """Check that a load past the capacity was answered as it should."""
    assert outcome.goodput >= LEAST * capacity, outcome.codes
    refused = [call for call in outcome.calls if call.refused]
    assert all(call.retry_after for call in refused)
    # Those whose deadline passed after all are few beside those that were told in time.
    assert outcome.codes["DEADLINE_EXCEEDED"] <= 0.2 * len(outcome.calls), outcome.codes
    assert sum(outcome.codes.values()) == sum(
        outcome.codes[name] for name in ("OK", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED")
    )


async def offer(gateway: RunningGateway, path: str, bodies: list[bytes], capacity: float) -> None:
    """Offer five times the capacity, then as much as there is, and check both."""
    async with Clients(gateway.target, 4) as clients:

        async def load(factor: float, seconds: float) -> Outcome:
            rate = factor * capacity
            return await clients.offer(
                path, lambda n: bodies[n % len(bodies)], rate=rate, seconds=seconds, deadlines=DEADLINES
            )

        await load(0.5, 1)
        check(await load(5, SECONDS), capacity)
        after = await load(0.7, 2)
        assert after.goodput >= LEAST * 0.7 * capacity, after.codes


@pytest.mark.parametrize("transport", ["http", "grpcio"])
async def test_slow_statements(start_busy: StartBusy, transport: str) -> None:
    gateway = await start_busy(transport=transport, pool_size=POOL)
    await slow_statements(gateway, "task", STATEMENT)
    body = gateway.client.message("busy.v1.ListTasksRequest", page_size=1).SerializeToString()
    await offer(gateway, "/busy.v1.TaskService/ListTasks", [body], CAPACITY)


async def test_shared_reads(start_busy: StartBusy) -> None:
    gateway = await start_busy(transport="http", pool_size=POOL)
    await slow_rows(gateway, "task", ROW)
    bodies = [gateway.client.message("busy.v1.GetTaskRequest", id=n + 1) for n in range(ROWS)]
    await offer(
        gateway, "/busy.v1.TaskService/GetTask", [body.SerializeToString() for body in bodies], ROW_CAPACITY
    )
