"""Get by key as its circumstances grow: calls in flight, workers, idle connections."""

from collections.abc import Iterator

from bench import contenders, usage
from bench.contenders import BY_HAND, GO
from bench.figures import ROWGATE, Sample
from bench.generator import Load, idle_connections
from bench.ground import Ground
from bench.loading import loading
from bench.rounds import Measure, Turn, take_turns
from bench.subjects import PLAIN
from bench.works.calls import IN_FLIGHT, gets_of

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


async def concurrency(ground: Ground) -> None:
    """Measure from 1 to 1,024 calls in flight."""
    requests = gets_of(ground, PLAIN, await ground.fill(PLAIN, ground.options.stored))
    async with ground.running(
        # By default one server takes 1,000 calls at once, and refuses more.
        *contenders.rowgates(ground.dsn, PLAIN.protos, "--max-in-flight", str(2 * _CALLS[-1])),
        (GO, lambda: contenders.go_service(ground.dsn)),
        (BY_HAND, lambda: contenders.peer(BY_HAND, "asyncpg_service", ground.dsn)),
    ) as running:
        for calls in _CALLS[:: ground.options.sparse]:
            asked = Load(requests, calls, ground.options.short)
            turns = [Turn(CONCURRENCY, c.name, loading(ground, c, asked), calls) for c in running]
            await take_turns(ground.figures, turns, ground.options.few)


async def workers(ground: Ground) -> None:
    """Measure one worker and two, beside the Go service, which takes all processors by itself."""
    requests = gets_of(ground, PLAIN, await ground.fill(PLAIN, ground.options.stored))
    asked = Load(requests, WORKERS_IN_FLIGHT, ground.options.seconds, connections=_CONNECTIONS)
    servers = [(n, *one) for n in _WORKERS for one in _with_workers(ground, n)]
    servers.append((1, GO, lambda: contenders.go_service(ground.dsn)))
    async with ground.running(*((name, start) for _, name, start in servers)) as running:
        turns = [
            Turn(WORKERS, contender.name, loading(ground, contender, asked), count)
            for (count, _, _), contender in zip(servers, running, strict=True)
        ]
        await take_turns(ground.figures, turns, ground.options.rounds)


def _with_workers(ground: Ground, count: int) -> Iterator[tuple[str, contenders.Start]]:
    yield ROWGATE, lambda: contenders.rowgate(ground.dsn, PLAIN.protos, "--workers", str(count))


async def idle(ground: Ground) -> None:
    """Measure without idle connections, and with ten thousand; a connection's memory is the difference."""
    requests = gets_of(ground, PLAIN, await ground.fill(PLAIN, ground.options.stored))
    asked = Load(requests, IN_FLIGHT, ground.options.seconds)
    async with ground.running((ROWGATE, lambda: contenders.rowgate(ground.dsn, PLAIN.protos))) as running:
        for contender in running:
            measure = loading(ground, contender, asked)
            await take_turns(ground.figures, [Turn(IDLE, ROWGATE, measure, 0)], 1)
            before = usage.resident(contender.pid)
            async with idle_connections(contender.address, _IDLE):
                grown = (usage.resident(contender.pid) - before) * _KIBIBYTES / _IDLE
                turn = Turn(IDLE, ROWGATE, _adding(measure, {"kib_per_connection": grown}), _IDLE)
                await take_turns(ground.figures, [turn], 1)


def _adding(measure: Measure, known: Sample) -> Measure:
    async def measured(share: float) -> Sample:
        return {**await measure(share), **known}

    return measured
