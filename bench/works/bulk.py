"""Bulk upserts: many rows in one call."""

import time
from collections.abc import Awaitable, Callable, Sequence

import grpc

from bench import contenders
from bench.contenders import GO, Contender
from bench.figures import ROWGATE, Sample
from bench.ground import Ground
from bench.peers.straight import Straight
from bench.rounds import Measure, Turn, take_turns
from bench.subjects import FLIGHTS, PLAIN, Row, Subject

STRAIGHT = "COPY + MERGE through asyncpg"
EXECUTEMANY = "SQLAlchemy, executemany"
VALUES = "SQLAlchemy, VALUES of many rows"
_SIZE = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
_PATIENCE = 120
Upsert = Callable[[int], Awaitable[float]]
"""Upserts the first batch of rows, or the second: the same keys with other values. Returns the seconds."""


async def bulk(ground: Ground) -> None:
    """Measure BulkUpsert of plain rows and of flights."""
    for subject in (PLAIN, FLIGHTS):
        await _bulk(ground, subject)


async def _bulk(ground: Ground, subject: Subject) -> None:
    await ground.fill(subject, 0)
    batches = [subject.rows(ground.options.rows, seed) for seed in (1, 2)]
    async with ground.running(
        (ROWGATE, lambda: contenders.rowgate(ground.dsn, subject.protos)),
        (GO, lambda: contenders.go_service(ground.dsn)),
        (EXECUTEMANY, lambda: contenders.peer(EXECUTEMANY, "bulk_service", ground.dsn, "executemany")),
        (VALUES, lambda: contenders.peer(VALUES, "bulk_service", ground.dsn, "values")),
    ) as running:
        ways = {STRAIGHT: upserting(ground, subject, straight(ground, subject, batches))}
        for contender in running:
            ways[contender.name] = upserting(ground, subject, calling(contender, subject, batches))
        await _take_turns(ground, [Turn(name_of(subject), name, way) for name, way in ways.items()])


def name_of(subject: Subject) -> str:
    """Return the work's name."""
    return f"BulkUpsert {subject.table}"


async def _take_turns(ground: Ground, turns: Sequence[Turn]) -> None:
    """Take turns; VALUES has a single one, for it takes as long as all the others together."""
    await take_turns(
        ground.figures, [turn for turn in turns if turn.contender != VALUES], ground.options.rounds
    )
    if ground.options.full:
        slow = [turn for turn in turns if turn.contender == VALUES]
        await take_turns(ground.figures, slow, 1, warm_up=False)


def upserting(ground: Ground, subject: Subject, upsert: Upsert) -> Measure:
    """Return what times two upserts into an empty table: of new rows, then of the same with other values."""

    async def measured(_share: float) -> Sample:
        await ground.connection.execute(f"TRUNCATE {subject.table}")
        await ground.connection.execute("CHECKPOINT")
        return {"insert": await upsert(0), "update": await upsert(1)}

    return measured


async def _seconds(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


def straight(ground: Ground, subject: Subject, batches: Sequence[Sequence[Row]]) -> Upsert:
    """Return what upserts ready tuples without a service."""
    by_hand = Straight(subject)
    return lambda batch: _seconds(by_hand.upsert(ground.connection, batches[batch]))


def calling(contender: Contender, subject: Subject, batches: Sequence[Sequence[Row]]) -> Upsert:
    """Return what calls BulkUpsert as a client does: the time to serialise is in it, to connect is not."""
    requests = [subject.upsert(batch) for batch in batches]

    async def call(batch: int) -> float:
        request = requests[batch]
        async with grpc.aio.insecure_channel(contender.address, options=_SIZE) as channel:
            await channel.channel_ready()
            upsert: grpc.aio.UnaryUnaryMultiCallable[object, bytes] = channel.unary_unary(
                subject.path("BulkUpsert"), request_serializer=type(request).SerializeToString
            )
            return await _seconds(upsert(request, timeout=_PATIENCE))

    return call
