"""What must not grow with size: pages, tables, batches."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import grpc

from bench import contenders
from bench.contenders import GO, Contender
from bench.figures import ROWGATE, Sample
from bench.generator import Load, Requests
from bench.ground import Ground
from bench.loading import loading
from bench.rounds import Measure, Turn, take_turns
from bench.subjects import PLAIN
from bench.works.bulk import STRAIGHT, Upsert, calling, straight
from bench.works.calls import gets_of

PAGES = "List item, page"
TABLES = "Get item, rows in the table"
BATCHES = "BulkUpsert item, rows in the call"
LAST_PAGE = 1_000
SMALLEST_TABLE, LARGEST_TABLE = 10**4, 10**7
_PAGES = (1, 10, 100, 300, LAST_PAGE)
_PAGE_SIZE = 50
_BATCHES = tuple(10**power for power in range(6))


async def pages(ground: Ground) -> None:
    """Measure pages of 50 rows, one call at a time: page 1,000 should cost what page 1 does."""
    await ground.fill(PLAIN, max(ground.options.stored, _PAGE_SIZE * (LAST_PAGE + 1)))
    async with ground.running((ROWGATE, lambda: contenders.rowgate(ground.dsn, PLAIN.protos))) as running:
        for contender in running:
            turns = []
            for page, token in (await _tokens(contender)).items():
                request = PLAIN.message("ListItemsRequest")(page_size=_PAGE_SIZE, page_token=token)
                requests = Requests.write(PLAIN.path("List"), [request], ground.folder / f"page-{page}")
                measure = loading(ground, contender, Load(requests, 1, ground.options.short))
                turns.append(Turn(PAGES, ROWGATE, measure, page))
            await take_turns(ground.figures, turns, ground.options.rounds)


async def _tokens(contender: Contender) -> dict[int, str]:
    """Turn the pages; return the tokens of those that are measured."""
    tokens, token = {}, ""
    async with grpc.aio.insecure_channel(contender.address) as channel:
        turn: grpc.aio.UnaryUnaryMultiCallable[Any, Any] = channel.unary_unary(
            PLAIN.path("List"),
            request_serializer=PLAIN.message("ListItemsRequest").SerializeToString,
            response_deserializer=PLAIN.message("ListItemsResponse").FromString,
        )
        for page in range(1, LAST_PAGE + 1):
            if page in _PAGES:
                tokens[page] = token
            request = PLAIN.message("ListItemsRequest")(page_size=_PAGE_SIZE, page_token=token)
            token = (await turn(request)).next_page_token
    return tokens


async def tables(ground: Ground) -> None:
    """Measure Get one at a time on tables of many sizes, each in a database of its own, in turn."""
    sizes = [10**power for power in range(4, 8 if ground.options.full else 7)]
    async with AsyncExitStack() as stack:
        turns = []
        for size in sizes:
            apart = await stack.enter_async_context(_database(ground, f"rows_{size}"))
            requests = gets_of(apart, PLAIN, await apart.fill(PLAIN, size))
            start = ("Rowgate", _serving(apart))
            for contender in await stack.enter_async_context(apart.running(start)):
                measure = loading(apart, contender, Load(requests, 1, ground.options.short))
                turns.append(Turn(TABLES, ROWGATE, measure, size))
        await take_turns(ground.figures, turns, ground.options.rounds)


def _serving(ground: Ground) -> contenders.Start:
    return lambda: contenders.rowgate(ground.dsn, PLAIN.protos)


@asynccontextmanager
async def _database(ground: Ground, name: str) -> AsyncIterator[Ground]:
    """Make another database on the same server, and drop it at the end."""
    await ground.connection.execute(f"CREATE DATABASE {name}")
    dsn = ground.dsn.replace("/postgres?", f"/{name}?")
    folder = ground.folder / name
    folder.mkdir()
    try:
        contenders.migrate(dsn, PLAIN.protos)
        connection = await asyncpg.connect(dsn)
        try:
            yield replace(ground, dsn=dsn, connection=connection, folder=folder)
        finally:
            await connection.close(timeout=5)
    finally:
        await ground.connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def batches(ground: Ground) -> None:
    """Measure calls of 1 to 100,000 rows that are stored, and change."""
    for size in _BATCHES:
        await ground.fill(PLAIN, 0)
        made = [PLAIN.rows(size, seed) for seed in (1, 2)]
        async with ground.running(
            (ROWGATE, lambda: contenders.rowgate(ground.dsn, PLAIN.protos)),
            (GO, lambda: contenders.go_service(ground.dsn)),
        ) as running:
            ways = {c.name: calling(c, PLAIN, made) for c in running}
            ways[STRAIGHT] = straight(ground, PLAIN, made)
            turns = [Turn(BATCHES, name, _repeated(ground, way, size), size) for name, way in ways.items()]
            await take_turns(ground.figures, turns, ground.options.few)


def _repeated(ground: Ground, upsert: Upsert, size: int) -> Measure:
    """Return what upserts the two batches in turn for a while."""

    async def measured(share: float) -> Sample:
        until, spent, calls = time.perf_counter() + ground.options.short * share, 0.0, 0
        while time.perf_counter() < until or not calls:
            spent += await upsert(calls % 2)
            calls += 1
        return {"rate": size * calls / spent}

    return measured
