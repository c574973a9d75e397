"""What the model of capacity says of this machine, beside what 1, 2 and 4 workers do here."""

import asyncio
import os
from collections.abc import Iterator
from statistics import median

from bench import contenders, golang
from bench.capacity import MANY, generator_cost, measured_costs, on_one_machine
from bench.datasets import ITEMS
from bench.load_generator import Load
from bench.measured_load import loading
from bench.results import ONE_WORKER, Results, Series
from bench.rounds import Turn, take_turns
from bench.run import connected, database
from bench.run_facts import load_average
from bench.testbed import Options, Testbed
from bench.workloads.calls import gets_of, name_of, updates_of

WORKERS = (1, 2, 4)
IN_FLIGHT = (32, MANY, 512)
_OPTIONS = Options(seconds=2.0, rounds=3, short=1, few=1, sparse=1, rows=0, stored=100_000, full=False)


def check(options: Options = _OPTIONS) -> None:
    """Measure, and print the model's figures beside the measured ones."""
    print(f"load of the machine before: {load_average()}")
    results = asyncio.run(measured(options))
    for line in compared(results):
        print(line)


async def measured(options: Options) -> Results:
    """Measure a call alone and many, with one worker; then many with more workers."""
    results = Results()
    await asyncio.to_thread(golang.build)
    async with database() as (dsn, postmaster, folder), connected(dsn) as connection:
        testbed = Testbed(dsn, postmaster, connection, folder, options, results)
        keys = await testbed.fill(ITEMS, options.stored)
        gets, updates = gets_of(testbed, ITEMS, keys), updates_of(testbed, ITEMS, keys)
        servers = [(name, _start(dsn, workers, name)) for workers in WORKERS for name in [name_by(workers)]]
        async with testbed.running(*servers) as running:
            turns = [
                Turn(
                    name_of("Get", ITEMS, calls),
                    one.name,
                    loading(testbed, one, Load(gets, calls, options.seconds)),
                )
                for calls in (1, *IN_FLIGHT)
                for one in (running if calls > 1 else running[:1])
            ]
            many = Load(updates, MANY, options.seconds)
            turns.append(Turn(name_of("Update", ITEMS, MANY), ONE_WORKER, loading(testbed, running[0], many)))
            await take_turns(results, turns, options.rounds)
    return results


def _start(dsn: str, workers: int, name: str) -> contenders.Start:
    return lambda: contenders.rowgate(dsn, ITEMS.protos, "--workers", str(workers), name=name)


def name_by(workers: int) -> str:
    """Return what Rowgate with so many workers is called."""
    return ONE_WORKER if workers == 1 else f"Rowgate, {workers} workers"


def compared(results: Results) -> Iterator[str]:
    """Yield a table of Markdown: Gets a second, as the costs of one worker say, and as they were."""
    series = [one.as_json() for one in results.series.values()]
    costs, generator = measured_costs(series), generator_cost(series)
    processors = len(os.sched_getaffinity(0))
    yield f"processors: {processors}; a Get alone and among {MANY}, of one worker, costs µs:"
    parts = {"gateway": costs.read, "PostgreSQL": costs.read_in_postgres, "generator": generator}
    yield ", ".join(f"{name} {cost.at(1):.1f} and {cost.at(MANY):.1f}" for name, cost in parts.items())
    yield ""
    heads = (
        "workers",
        "in flight",
        "calls/s, model",
        "measured",
        "lowest to highest",
        "µs, model",
        "measured",
    )
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for workers in WORKERS:
        for in_flight in IN_FLIGHT:
            model = on_one_machine(costs, workers, in_flight, processors, generator)
            whole = sum(cost.at(in_flight / workers) for cost in parts.values())
            found = results.get(name_of("Get", ITEMS, in_flight), name_by(workers))
            if found is not None:
                yield _row(workers, in_flight, model, whole, found)


def _row(workers: int, in_flight: int, model: float, whole: float, found: Series) -> str:
    """Return what the model says and what was found: calls a second, and what all parts spent on one."""
    rates = found.values("rate")
    spent = [sum(sample[name] for name in ("cpu_both", "cpu_load")) for sample in found.samples]
    spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
    told = (f"{model:,.0f}", f"{median(rates):,.0f}", spread, f"{whole:.1f}", f"{median(spent):.1f}")
    return f"| {workers} | {in_flight} | {' | '.join(told)} |"
