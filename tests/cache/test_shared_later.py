"""Rows that are shared once the primary was heard of."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import pytest

from gateway.db.cache.shared.shared_reads import SharedReads
from gateway.db.cache.shared.shared_rows import SharedRows
from gateway.db.replicas.primary_log import PrimaryLog
from gateway.request.calls.log_position import ANYWHERE, LogPosition
from tests.cache.store import Store
from tests.cache.test_shared_rows import STATEMENT, at, found, read, rows_in, way
from tests.harness.polling import next_poll


@pytest.fixture
async def rows(store: Store) -> AsyncIterator[SharedRows]:
    """Give the rows of a store."""
    async with rows_in(store) as rows:
        yield rows


@pytest.fixture
async def log() -> PrimaryLog:
    """Give the log of a primary that was heard of."""
    log = PrimaryLog()
    log.add(monotonic(), at(6))
    return log


@pytest.fixture
async def reads(rows: SharedRows, log: PrimaryLog) -> AsyncIterator[SharedReads]:
    """Give the reads that share them."""
    reads = SharedReads(rows, log)
    reads.start()
    yield reads
    await reads.stop()


async def offer(reads: SharedReads, row: int, position: LogPosition) -> None:
    """Read a row, and offer it."""
    sought = await reads.find(way(row), STATEMENT)
    assert sought is not None
    reads.offer(sought, read(position), of_replica=False)


async def until_found(rows: SharedRows, row: int) -> None:
    """Wait until a row is shared."""
    async with asyncio.timeout(10):
        while await found(rows, way(row)) is None:
            await next_poll()


async def test_a_row_is_shared_once_the_primary_was_heard_of(
    rows: SharedRows, reads: SharedReads, log: PrimaryLog
) -> None:
    await offer(reads, 1, at(5))
    asked_at = monotonic()
    await offer(reads, 2, at(5))
    log.add(asked_at, at(6))
    await until_found(rows, 1)
    assert await found(rows, way(2)) is None
    log.add(monotonic(), at(6))
    await until_found(rows, 2)


async def test_a_row_that_another_primary_may_have_answered_is_not_shared(
    rows: SharedRows, reads: SharedReads, log: PrimaryLog
) -> None:
    await offer(reads, 1, at(5))
    await offer(reads, 2, ANYWHERE)
    log.add(monotonic(), at(5, timeline=2))
    await until_found(rows, 2)
    assert await found(rows, way(1)) is None


async def test_no_more_waits_than_there_is_room_for(
    rows: SharedRows, reads: SharedReads, log: PrimaryLog
) -> None:
    sought = await reads.find(way(1), STATEMENT)
    assert sought is not None
    for _ in range(20):
        reads.offer(sought, read()._replace(row=("x" * 2**20,)), of_replica=False)
    await offer(reads, 2, at(5))
    assert len(reads._late) < 10
    log.add(monotonic(), at(6))
    await until_found(rows, 2)
    while reads._late:
        await next_poll()
    assert await found(rows, way(1)) is None  # which is too large to be shared
    await offer(reads, 3, at(5))
    log.add(monotonic(), at(6))
    await until_found(rows, 3)
