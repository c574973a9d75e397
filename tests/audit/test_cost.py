"""What it costs to keep a change: CPU of the gateway's handlers, and of PostgreSQL's sessions."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message_factory import GetMessageClass

from gateway.config.settings import CoalesceSettings
from gateway.db.coalesce import PointReads, RowWrites
from gateway.db.database import Database
from gateway.methods import Engine, handler_of
from gateway.observe.log import AUDIT_LOGGER
from gateway.request.calls.call import Call
from gateway.schema.protos.options import TABLE
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.audit.kept import audited_database
from tests.harness.databases import Databases, fetch, opening
from tests.harness.gateway import descriptors_of

IN_FLIGHT, ROWS, UPDATES, BULK = 64, 10_000, 12_800, 50_000
WAYS = ("plain", "rows", "log")
"""The ways to keep changes, by their numbers in the protos."""
SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def _sessions_seconds(dsn: str) -> float:
    """Return the CPU that PostgreSQL's sessions have taken."""
    return sum(_seconds(row["pid"]) for row in await fetch(dsn, SESSIONS))


def _seconds(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def _descriptors(audit: int) -> FileDescriptorSet:
    descriptors = FileDescriptorSet()
    descriptors.CopyFrom(descriptors_of("audited"))
    for message in (message for file in descriptors.file for message in file.message_type):
        if message.options.HasExtension(TABLE):
            message.options.Extensions[TABLE].audit = audit
    return descriptors


@asynccontextmanager
async def _called(database: Database, name: str, audit: int) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Give what calls a method of the orders, whose changes are kept in this way."""
    schema = read_schema(_descriptors(audit))
    writes, reads = RowWrites(database, CoalesceSettings()), PointReads(database, CoalesceSettings())
    engine = Engine(
        database=database,
        reads=reads,
        writes=writes,
        tables=build_tables(schema).tables,
        rules={},
        presets={},
        caller_roles=None,
        identified=False,
    )
    methods = {method.full_name: method for one in schema.services.values() for method in one.methods}
    method = methods[f"audited.v1.OrderService.{name}"]
    handler: Any = handler_of(method, engine)
    request = GetMessageClass(method.descriptor.input_type)

    async def call(**fields: Any) -> Any:
        return await handler(request(**fields), Call(method.full_name))

    yield call
    await writes.close()
    await reads.close()


async def _cost(dsn: str, work: Awaitable[object], count: int) -> tuple[float, float]:
    """Return microseconds of CPU for each of so many rows, the gateway's and PostgreSQL's."""
    begun, sessions = process_time(), await _sessions_seconds(dsn)
    await work
    own, theirs = process_time() - begun, await _sessions_seconds(dsn) - sessions
    return own / count * 1e6, theirs / count * 1e6


async def _updates(call: Callable[..., Awaitable[Any]], count: int) -> None:
    random = Random(1)  # noqa: S311 - a test's own

    async def update() -> None:
        for _ in range(count // IN_FLIGHT):
            await call(order={"user": "u", "number": random.randrange(ROWS), "text": "b"})

    await asyncio.gather(*(update() for _ in range(IN_FLIGHT)))


async def _upserts(call: Callable[..., Awaitable[Any]]) -> None:
    """Write new rows."""
    orders = [{"user": "u", "number": number} for number in range(BULK)]
    assert (await call(orders=orders)).inserted_count == BULK


def _tell(tell: Callable[[str], None], what: str, costs: Mapping[str, tuple[float, float]]) -> None:
    for name, (own, theirs) in costs.items():
        tell(f"audit: {what}, {name}: {own:.0f} us of the gateway, {theirs:.0f} us of PostgreSQL")


@pytest.mark.alone
async def test_an_audited_update_costs_a_small_multiple(
    databases: Databases, tell: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    dsn = await audited_database(databases)
    numbered = "SELECT 'u', n, 'a', 1 FROM generate_series(0, $1 - 1) AS n"
    await fetch(dsn, f'INSERT INTO "Order" ("user", "Mixed ""Case""", text, version) {numbered}', ROWS)
    costs = {}
    async with opening() as open_database:
        database = await open_database(dsn, pool_size=8)
        for audit, name in enumerate(WAYS):
            async with _called(database, "UpdateOrder", audit) as call:
                await _updates(call, UPDATES // 8)
                costs[name] = await _cost(dsn, _updates(call, UPDATES), UPDATES)
    _tell(tell, "an Update", costs)
    assert sum(costs["rows"]) < 5 * sum(costs["plain"])
    assert sum(costs["log"]) < 5 * sum(costs["plain"])


@pytest.mark.alone
async def test_an_audited_bulk_upsert_costs_a_small_multiple(
    databases: Databases, tell: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Of new rows in an empty table: plain ones are copied, which tells of no row."""
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    dsn = await audited_database(databases)
    costs = {}
    async with opening() as open_database:
        database = await open_database(dsn, pool_size=8)
        for audit, name in enumerate(WAYS):
            async with _called(database, "BulkUpsertOrders", audit) as call:
                await call(orders=[{"user": "u", "number": 1}])
                await fetch(dsn, 'TRUNCATE "Order"')
                costs[name] = await _cost(dsn, _upserts(call), BULK)
    _tell(tell, "a row of BulkUpsert", costs)
    assert sum(costs["log"]) < 10 * sum(costs["plain"])
    assert sum(costs["rows"]) < 10 * sum(costs["plain"])
