"""Bulk upserts: many rows in one call."""

import time
from collections.abc import Awaitable, Callable, Sequence

import grpc

from bench import contenders
from bench.contenders import GO, Contender
from bench.datasets import FLIGHTS, ITEMS, Dataset, Row
from bench.peers.copy_merge import CopyMerge
from bench.results import ROWGATE, Sample
from bench.rounds import Measure, Turn, take_turns
from bench.testbed import Testbed

COPY_MERGE = "COPY + MERGE through asyncpg"
EXECUTEMANY = "SQLAlchemy, executemany"
VALUES = "SQLAlchemy, VALUES of many rows"
_SIZE = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
_CALL_SECONDS = 120
Upsert = Callable[[int], Awaitable[float]]
"""Upserts the first batch of rows, or the second: the same keys with other values. Returns the seconds."""


async def bulk(testbed: Testbed) -> None:
    """Measure BulkUpsert of plain rows and of flights."""
    for dataset in (ITEMS, FLIGHTS):
        await _bulk(testbed, dataset)


async def _bulk(testbed: Testbed, dataset: Dataset) -> None:
    await testbed.fill(dataset, 0)
    batches = [dataset.rows(testbed.options.rows, seed) for seed in (1, 2)]
    async with testbed.running(
        (ROWGATE, lambda: contenders.rowgate(testbed.dsn, dataset.protos)),
        (GO, lambda: contenders.go_service(testbed.dsn)),
        (EXECUTEMANY, lambda: contenders.peer(EXECUTEMANY, "bulk_service", testbed.dsn, "executemany")),
        (VALUES, lambda: contenders.peer(VALUES, "bulk_service", testbed.dsn, "values")),
    ) as running:
        ways = {COPY_MERGE: upserting(testbed, dataset, copy_merge(testbed, dataset, batches))}
        for contender in running:
            ways[contender.name] = upserting(testbed, dataset, calling(contender, dataset, batches))
        await _take_turns(testbed, [Turn(name_of(dataset), name, way) for name, way in ways.items()])


def name_of(dataset: Dataset) -> str:
    """Return the workload's name."""
    return f"BulkUpsert {dataset.table}"


async def _take_turns(testbed: Testbed, turns: Sequence[Turn]) -> None:
    """Take turns; VALUES has a single one, for it takes as long as all the others together."""
    await take_turns(
        testbed.results, [turn for turn in turns if turn.contender != VALUES], testbed.options.rounds
    )
    if testbed.options.full:
        slow = [turn for turn in turns if turn.contender == VALUES]
        await take_turns(testbed.results, slow, 1, warm_up=False)


def upserting(testbed: Testbed, dataset: Dataset, upsert: Upsert) -> Measure:
    """Return what times two upserts into an empty table: of new rows, then of the same with other values."""

    async def measured(_share: float) -> Sample:
        await testbed.connection.execute(f"TRUNCATE {dataset.table} CASCADE")
        await testbed.connection.execute("CHECKPOINT")
        return {"insert": await upsert(0), "update": await upsert(1)}

    return measured


async def _seconds(workload: Awaitable[object]) -> float:
    started = time.perf_counter()
    await workload
    return time.perf_counter() - started


def copy_merge(testbed: Testbed, dataset: Dataset, batches: Sequence[Sequence[Row]]) -> Upsert:
    """Return what upserts ready tuples without a service."""
    by_hand = CopyMerge(dataset)
    return lambda batch: _seconds(by_hand.upsert(testbed.connection, batches[batch]))


def calling(contender: Contender, dataset: Dataset, batches: Sequence[Sequence[Row]]) -> Upsert:
    """Return what calls BulkUpsert as a client does: the time to serialise is in it, to connect is not."""
    requests = [dataset.upsert(batch) for batch in batches]

    async def call(batch: int) -> float:
        request = requests[batch]
        async with grpc.aio.insecure_channel(contender.address, options=_SIZE) as channel:
            await channel.channel_ready()
            upsert: grpc.aio.UnaryUnaryMultiCallable[object, bytes] = channel.unary_unary(
                dataset.path("BulkUpsert"), request_serializer=type(request).SerializeToString
            )
            return await _seconds(upsert(request, timeout=_CALL_SECONDS))

    return call
