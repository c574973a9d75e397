"""Streams: a whole table in one call."""

import time

from bench import contenders, usage
from bench.contenders import GO
from bench.figures import ROWGATE, Sample
from bench.generator import Load, Requests
from bench.ground import Ground
from bench.loading import loading
from bench.rounds import Measure, Turn, take_turns
from bench.subjects import FLIGHTS, PLAIN, Subject

FETCH = "asyncpg's fetch"
MEMORY = "Stream item, memory"
MEMORY_ROWS = (10**5, 10**6, 10**7)
_TIMEOUT = 600.0


async def streams(ground: Ground) -> None:
    """Measure the speed over plain rows and flights, and the memory over tables that grow."""
    for subject in (PLAIN, FLIGHTS):
        await ground.fill(subject, ground.options.stored)
        async with ground.running(
            *contenders.rowgates(ground.dsn, subject.protos),
            (GO, lambda: contenders.go_service(ground.dsn)),
        ) as running:
            asked = Load(_request(ground, subject), 1, ground.options.seconds, timeout=_TIMEOUT)
            ways = {c.name: _rows(loading(ground, c, asked), ground.options.stored) for c in running}
            ways[FETCH] = _fetch(ground, subject)
            turns = [Turn(name_of(subject), name, way) for name, way in ways.items()]
            await take_turns(ground.figures, turns, ground.options.rounds)
    await _memory(ground)


def name_of(subject: Subject) -> str:
    """Return the work's name."""
    return f"Stream {subject.table}"


def _request(ground: Ground, subject: Subject) -> Requests:
    request = subject.message(f"{subject.rpc('Stream')}Request")()
    return Requests.write(subject.path("Stream"), [request], ground.folder / f"{subject.table}.stream")


def _rows(measure: Measure, count: int) -> Measure:
    """Return what measures rows, not calls: a call takes about its mean latency."""

    async def measured(share: float) -> Sample:
        call = await measure(share)
        costs = {name: call[name] / count for name in call if name.startswith("cpu")}
        return {"rate": count * 1e6 / call["mean"], **costs, "memory": call["memory"]}

    return measured


def _fetch(ground: Ground, subject: Subject) -> Measure:
    statement = f"SELECT {', '.join(subject.fields)} FROM {subject.table} ORDER BY id"  # noqa: S608 - our names

    async def measured(share: float) -> Sample:
        started, rows = time.perf_counter(), 0
        while (took := time.perf_counter() - started) < ground.options.seconds * share or not rows:
            rows += len(await ground.connection.fetch(statement))
        return {"rate": rows / took}

    return measured


async def _memory(ground: Ground) -> None:
    """Stream tables of several sizes through one server, the smallest first."""
    async with ground.running((ROWGATE, lambda: contenders.rowgate(ground.dsn, PLAIN.protos))) as running:
        for contender in running:
            idle = usage.resident(contender.pid)
            for count in MEMORY_ROWS if ground.options.full else MEMORY_ROWS[:-1]:
                await ground.fill(PLAIN, count)
                # One call: the time is up before it ends.
                asked = Load(_request(ground, PLAIN), 1, 0.1, timeout=_TIMEOUT)
                measure = _above(idle, _rows(loading(ground, contender, asked), count))
                turn = Turn(MEMORY, ROWGATE, measure, count)
                await take_turns(ground.figures, [turn], 1, warm_up=False)


def _above(idle: float, measure: Measure) -> Measure:
    """Return what tells the memory above an idle server's too."""

    async def measured(share: float) -> Sample:
        sample = await measure(share)
        return {**sample, "growth": sample["memory"] - idle}

    return measured
