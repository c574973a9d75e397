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
from bench.datasets import ITEMS
from bench.load_generator import Load, Requests
from bench.measured_load import loading
from bench.results import ROWGATE, Sample
from bench.rounds import Measure, Turn, take_turns
from bench.testbed import Testbed
from bench.workloads.bulk import COPY_MERGE, Upsert, calling, copy_merge
from bench.workloads.calls import gets_of

PAGES = "List item, page"
TABLES = "Get item, rows in the table"
BATCHES = "BulkUpsert item, rows in the call"
LAST_PAGE = 1_000
SMALLEST_TABLE, LARGEST_TABLE = 10**4, 10**7
_PAGES = (1, 10, 100, 300, LAST_PAGE)
_PAGE_SIZE = 50
_BATCHES = (1, 100, 10_000, 100_000)


async def pages(testbed: Testbed) -> None:
    """Measure pages of 50 rows, one call at a time: page 1,000 should cost what page 1 does."""
    await testbed.fill(ITEMS, max(testbed.options.stored, _PAGE_SIZE * (LAST_PAGE + 1)))
    async with testbed.running((ROWGATE, lambda: contenders.rowgate(testbed.dsn, ITEMS.protos))) as running:
        for contender in running:
            turns = []
            for page, token in (await _tokens(contender)).items():
                request = ITEMS.message("ListItemsRequest")(page_size=_PAGE_SIZE, page_token=token)
                requests = Requests.write(ITEMS.path("List"), [request], testbed.folder / f"page-{page}")
                measure = loading(testbed, contender, Load(requests, 1, testbed.options.short))
                turns.append(Turn(PAGES, ROWGATE, measure, page))
            await take_turns(testbed.results, turns, testbed.options.rounds)


async def _tokens(contender: Contender) -> dict[int, str]:
    """Turn the pages; return the tokens of those that are measured."""
    tokens, token = {}, ""
    async with grpc.aio.insecure_channel(contender.address) as channel:
        turn: grpc.aio.UnaryUnaryMultiCallable[Any, Any] = channel.unary_unary(
            ITEMS.path("List"),
            request_serializer=ITEMS.message("ListItemsRequest").SerializeToString,
            response_deserializer=ITEMS.message("ListItemsResponse").FromString,
        )
        for page in range(1, LAST_PAGE + 1):
            if page in _PAGES:
                tokens[page] = token
            request = ITEMS.message("ListItemsRequest")(page_size=_PAGE_SIZE, page_token=token)
            token = (await turn(request)).next_page_token
    return tokens


async def tables(testbed: Testbed) -> None:
    """Measure Get one at a time on tables of many sizes, each in a database of its own, in turn."""
    sizes = [10**power for power in range(4, 8 if testbed.options.full else 7)]
    async with AsyncExitStack() as stack:
        turns = []
        for size in sizes:
            apart = await stack.enter_async_context(_database(testbed, f"rows_{size}"))
            requests = gets_of(apart, ITEMS, await apart.fill(ITEMS, size))
            start = ("Rowgate", _serving(apart))
            for contender in await stack.enter_async_context(apart.running(start)):
                measure = loading(apart, contender, Load(requests, 1, testbed.options.short))
                turns.append(Turn(TABLES, ROWGATE, measure, size))
        await take_turns(testbed.results, turns, testbed.options.rounds)


def _serving(testbed: Testbed) -> contenders.Start:
    return lambda: contenders.rowgate(testbed.dsn, ITEMS.protos)


@asynccontextmanager
async def _database(testbed: Testbed, name: str) -> AsyncIterator[Testbed]:
    """Make another database on the same server, and drop it at the end."""
    await testbed.connection.execute(f"CREATE DATABASE {name}")
    dsn = testbed.dsn.replace("/postgres?", f"/{name}?")
    folder = testbed.folder / name
    folder.mkdir()
    try:
        contenders.migrate(dsn, ITEMS.protos)
        connection = await asyncpg.connect(dsn)
        try:
            yield replace(testbed, dsn=dsn, connection=connection, folder=folder)
        finally:
            await connection.close(timeout=5)
    finally:
        await testbed.connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def batches(testbed: Testbed) -> None:
    """Measure calls of 1 to 100,000 rows that are stored, and change."""
    async with testbed.running(
        (ROWGATE, lambda: contenders.rowgate(testbed.dsn, ITEMS.protos)),
        (GO, lambda: contenders.go_service(testbed.dsn)),
    ) as running:
        for size in _BATCHES:
            await testbed.fill(ITEMS, 0)
            made = [ITEMS.rows(size, seed) for seed in (1, 2)]
            ways = {c.name: calling(c, ITEMS, made) for c in running}
            ways[COPY_MERGE] = copy_merge(testbed, ITEMS, made)
            turns = [Turn(BATCHES, name, _repeated(testbed, way, size), size) for name, way in ways.items()]
            await take_turns(testbed.results, turns, testbed.options.few)


def _repeated(testbed: Testbed, upsert: Upsert, size: int) -> Measure:
    """Return what upserts the two batches in turn for a while."""

    async def measured(share: float) -> Sample:
        until, spent, calls = time.perf_counter() + testbed.options.short * share, 0.0, 0
        while time.perf_counter() < until or not calls:
            spent += await upsert(calls % 2)
            calls += 1
        return {"rate": size * calls / spent}

    return measured
