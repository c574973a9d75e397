"""Get by key as its circumstances grow: calls in flight, workers, idle connections."""

from collections.abc import Iterator

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
WORKERS = "Get item, workers"
IDLE = "Get item, idle connections"
WORKERS_IN_FLIGHT = 2 * IN_FLIGHT
_CALLS = tuple(2**power for power in range(11))
_WORKERS = (1, 2)
_IDLE = 10_000
_KIBIBYTES = 1024
"""A MiB has so many."""
_CONNECTIONS = 8


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


async def workers(testbed: Testbed) -> None:
    """Measure one worker and two, beside the Go service, which takes all processors by itself."""
    requests = gets_of(testbed, ITEMS, await testbed.fill(ITEMS, testbed.options.stored))
    asked = Load(requests, WORKERS_IN_FLIGHT, testbed.options.seconds, connections=_CONNECTIONS)
    servers = [(n, *one) for n in _WORKERS for one in _with_workers(testbed, n)]
    servers.append((1, GO, lambda: contenders.go_service(testbed.dsn)))
    async with testbed.running(*((name, start) for _, name, start in servers)) as running:
        turns = [
            Turn(WORKERS, contender.name, loading(testbed, contender, asked), count)
            for (count, _, _), contender in zip(servers, running, strict=True)
        ]
        await take_turns(testbed.results, turns, testbed.options.rounds)


def _with_workers(testbed: Testbed, count: int) -> Iterator[tuple[str, contenders.Start]]:
    yield ROWGATE, lambda: contenders.rowgate(testbed.dsn, ITEMS.protos, "--workers", str(count))


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
