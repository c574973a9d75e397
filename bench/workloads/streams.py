"""Streams: a whole table in one call."""

import time

from bench import contenders, usage
from bench.contenders import GO
from bench.datasets import FLIGHTS, ITEMS, Dataset
from bench.load_generator import Load, Requests
from bench.measured_load import loading
from bench.results import ROWGATE, Sample
from bench.rounds import Measure, Turn, take_turns
from bench.testbed import Testbed

FETCH = "asyncpg's fetch"
MEMORY = "Stream item, memory"
MEMORY_ROWS = (10**5, 10**6, 10**7)
_TIMEOUT = 90.0


async def streams(testbed: Testbed) -> None:
    """Measure the speed over plain rows and flights, and the memory over tables that grow."""
    for dataset in (ITEMS, FLIGHTS):
        await testbed.fill(dataset, testbed.options.stored)
        async with testbed.running(
            *contenders.rowgates(testbed.dsn, dataset.protos),
            (GO, lambda: contenders.go_service(testbed.dsn)),
        ) as running:
            asked = Load(_request(testbed, dataset), 1, testbed.options.seconds, timeout=_TIMEOUT)
            ways = {c.name: _rows(loading(testbed, c, asked), testbed.options.stored) for c in running}
            ways[FETCH] = _fetch(testbed, dataset)
            turns = [Turn(name_of(dataset), name, way) for name, way in ways.items()]
            await take_turns(testbed.results, turns, testbed.options.rounds)
    await _memory(testbed)


def name_of(dataset: Dataset) -> str:
    """Return the workload's name."""
    return f"Stream {dataset.table}"


def _request(testbed: Testbed, dataset: Dataset) -> Requests:
    request = dataset.message(f"{dataset.rpc('Stream')}Request")()
    return Requests.write(dataset.path("Stream"), [request], testbed.folder / f"{dataset.table}.stream")


def _rows(measure: Measure, count: int) -> Measure:
    """Return what measures rows, not calls: a call takes about its mean latency."""

    async def measured(share: float) -> Sample:
        call = await measure(share)
        costs = {name: call[name] / count for name in call if name.startswith("cpu")}
        return {"rate": count * 1e6 / call["mean"], **costs, "memory": call["memory"]}

    return measured


def _fetch(testbed: Testbed, dataset: Dataset) -> Measure:
    statement = f"SELECT {', '.join(dataset.fields)} FROM {dataset.table} ORDER BY id"  # noqa: S608 - our names

    async def measured(share: float) -> Sample:
        started, rows = time.perf_counter(), 0
        while (took := time.perf_counter() - started) < testbed.options.seconds * share or not rows:
            rows += len(await testbed.connection.fetch(statement))
        return {"rate": rows / took}

    return measured


async def _memory(testbed: Testbed) -> None:
    """Stream tables of several sizes through one server, the smallest first."""
    async with testbed.running((ROWGATE, lambda: contenders.rowgate(testbed.dsn, ITEMS.protos))) as running:
        for contender in running:
            idle = usage.resident(contender.pid)
            for count in MEMORY_ROWS if testbed.options.full else MEMORY_ROWS[:-1]:
                await testbed.fill(ITEMS, count)
                # One call: the time is up before it ends.
                asked = Load(_request(testbed, ITEMS), 1, 0.1, timeout=_TIMEOUT)
                measure = _above(idle, _rows(loading(testbed, contender, asked), count))
                turn = Turn(MEMORY, ROWGATE, measure, count)
                await take_turns(testbed.results, [turn], 1, warm_up=False)


def _above(idle: float, measure: Measure) -> Measure:
    """Return what tells the memory above an idle server's too."""

    async def measured(share: float) -> Sample:
        sample = await measure(share)
        return {**sample, "growth": sample["memory"] - idle}

    return measured
