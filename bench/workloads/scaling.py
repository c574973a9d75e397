"""Get by key as its circumstances grow: calls in flight, idle connections."""

from bench import contenders, usage
from bench.contenders import BY_HAND, GO
from bench.datasets import ITEMS
from bench.load_generator import Load, idle_connections
from bench.measured_load import loading
from bench.results import ROWGATE, Sample
from bench.rounds import Measure, Turn, take_turns
from bench.testbed import Testbed
from bench.workloads.calls import IN_FLIGHT, gets_of

CONCURRENCY = "Get item, calls in flight"
IDLE = "Get item, idle connections"
_CALLS = tuple(4**power for power in range(6))
_IDLE = 10_000
_KIBIBYTES = 1024
"""A MiB has so many."""


async def concurrency(testbed: Testbed) -> None:
    """Measure from 1 to 1,024 calls in flight."""
    requests = gets_of(testbed, ITEMS, await testbed.fill(ITEMS, testbed.options.stored))
    async with testbed.running(
        # By default one server takes 1,000 calls at once, and refuses more.
        *contenders.rowgates(testbed.dsn, ITEMS.protos, "--max-in-flight", str(2 * _CALLS[-1])),
        (GO, lambda: contenders.go_service(testbed.dsn)),
        (BY_HAND, lambda: contenders.peer(BY_HAND, "asyncpg_service", testbed.dsn)),
    ) as running:
        for calls in _CALLS[:: testbed.options.sparse]:
            asked = Load(requests, calls, testbed.options.short)
            turns = [Turn(CONCURRENCY, c.name, loading(testbed, c, asked), calls) for c in running]
            await take_turns(testbed.results, turns, testbed.options.few)


async def idle(testbed: Testbed) -> None:
    """Measure without idle connections, and with ten thousand; a connection's memory is the difference."""
    requests = gets_of(testbed, ITEMS, await testbed.fill(ITEMS, testbed.options.stored))
    asked = Load(requests, IN_FLIGHT, testbed.options.seconds)
    async with testbed.running((ROWGATE, lambda: contenders.rowgate(testbed.dsn, ITEMS.protos))) as running:
        for contender in running:
            measure = loading(testbed, contender, asked)
            await take_turns(testbed.results, [Turn(IDLE, ROWGATE, measure, 0)], 1)
            before = usage.resident(contender.pid)
            async with idle_connections(contender.address, _IDLE):
                grown = (usage.resident(contender.pid) - before) * _KIBIBYTES / _IDLE
                turn = Turn(IDLE, ROWGATE, _adding(measure, {"kib_per_connection": grown}), _IDLE)
                await take_turns(testbed.results, [turn], 1)


def _adding(measure: Measure, known: Sample) -> Measure:
    async def measured(share: float) -> Sample:
        return {**await measure(share), **known}

    return measured
