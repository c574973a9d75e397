"""Single-row calls: Get and Update by key, many in flight and one at a time."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from bench import contenders
from bench.agreement import compare
from bench.contenders import BY_HAND, GO, ORM
from bench.datasets import DATASETS, ITEMS, Dataset
from bench.load_generator import Load, Requests
from bench.measured_load import loading
from bench.rounds import Turn, take_turns
from bench.testbed import Testbed
from bench.workloads.pgbench import PGBENCH, pgbench

IN_FLIGHT = 128
_UPDATES = 100_000


async def gets(testbed: Testbed) -> None:
    """Measure Get by key, of plain rows and of flights."""
    for dataset in DATASETS:
        await _measure(testbed, "Get", dataset, (IN_FLIGHT, 1))


async def updates(testbed: Testbed) -> None:
    """Measure Update by key, durable, of plain rows and of flights."""
    for dataset in DATASETS:
        await _measure(testbed, "Update", dataset, (IN_FLIGHT,))


def name_of(verb: str, dataset: Dataset, in_flight: int) -> str:
    """Return the workload's name."""
    return f"{verb} {dataset.table}, {in_flight} in flight"


async def _measure(testbed: Testbed, verb: str, dataset: Dataset, in_flight: Sequence[int]) -> None:
    keys = await testbed.fill(dataset, testbed.options.stored)
    requests = (gets_of if verb == "Get" else updates_of)(testbed, dataset, keys)
    async with testbed.running(*_servers(testbed, dataset)) as running:
        await compare(testbed.results, running, dataset, keys[0])
        for calls in in_flight:
            workload = name_of(verb, dataset, calls)
            asked = Load(requests, calls, testbed.options.seconds)
            turns = [Turn(workload, c.name, loading(testbed, c, asked)) for c in running]
            if verb == "Get" and dataset is ITEMS:
                turns.append(Turn(workload, PGBENCH, pgbench(testbed, calls)))
            await take_turns(testbed.results, turns, testbed.options.rounds)


def _servers(testbed: Testbed, dataset: Dataset) -> Iterator[tuple[str, contenders.Start]]:
    yield from contenders.rowgates(testbed.dsn, dataset.protos)
    yield GO, lambda: contenders.go_service(testbed.dsn)
    yield BY_HAND, lambda: contenders.peer(BY_HAND, "asyncpg_service", testbed.dsn)
    if dataset is ITEMS:
        yield ORM, lambda: contenders.peer(ORM, "orm_service", testbed.dsn)


def gets_of(testbed: Testbed, dataset: Dataset, keys: Sequence[Any]) -> Requests:
    """Write a Get for each key."""
    request = dataset.message(f"{dataset.rpc('Get')}Request")
    file = testbed.folder / f"get-{dataset.table}.requests"
    return Requests.write(dataset.path("Get"), (request(id=key) for key in keys), file)


def updates_of(testbed: Testbed, dataset: Dataset, keys: Sequence[Any]) -> Requests:
    """Write many Updates of one field, each with another value."""
    request = dataset.message(f"{dataset.rpc('Update')}Request")
    draw = random.Random(1)  # noqa: S311 - values, no secrets

    def made() -> Iterator[Any]:
        for _ in range(_UPDATES):
            new = {"id": draw.choice(keys), dataset.changed: draw.randrange(1, 10**6)}
            yield request(update_mask={"paths": [dataset.changed]}, **{dataset.resource.lower(): new})

    file = testbed.folder / f"update-{dataset.table}.requests"
    return Requests.write(dataset.path("Update"), made(), file)
