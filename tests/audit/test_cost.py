"""What it costs to keep a change: CPU of the gateway's handlers, and of PostgreSQL's sessions."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import process_time

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message_factory import GetMessageClass

from gateway.config.settings import CoalesceSettings
from gateway.db.coalesce import PointReads, RowWrites
from gateway.db.database import Database
from gateway.methods import Engine, handler_of
from gateway.request.call import Call
from gateway.schema.protos.options import TABLE
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.audit.kept import audited_database
from tests.harness.databases import Databases, fetch, opening
from tests.harness.gateway import descriptors_of

IN_FLIGHT, ROWS, UPDATES = 64, 10_000, 12_800
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


async def _cost(dsn: str, database: Database, audit: int) -> tuple[float, float]:
    """Return microseconds of CPU per Update, the gateway's and PostgreSQL's."""
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
    method = methods["audited.v1.OrderService.UpdateOrder"]
    handler = handler_of(method, engine)
    request, random = GetMessageClass(method.descriptor.input_type), Random(1)  # noqa: S311 - a test's own

    async def update(count: int) -> None:
        for _ in range(count):
            order = {"user": "u", "number": random.randrange(ROWS), "text": "b"}
            await handler(request(order=order), Call(method.full_name))  # type: ignore[misc,arg-type]

    async def run(count: int) -> None:
        await asyncio.gather(*(update(count // IN_FLIGHT) for _ in range(IN_FLIGHT)))

    await run(UPDATES // 8)
    begun, sessions = process_time(), await _sessions_seconds(dsn)
    await run(UPDATES)
    own, theirs = process_time() - begun, await _sessions_seconds(dsn) - sessions
    await writes.close()
    await reads.close()
    return own / UPDATES * 1e6, theirs / UPDATES * 1e6


@pytest.mark.alone
async def test_an_audited_update_costs_a_small_multiple(
    databases: Databases, tell: Callable[[str], None]
) -> None:
    dsn = await audited_database(databases)
    numbered = "SELECT 'u', n, 'a', 1 FROM generate_series(0, $1 - 1) AS n"
    await fetch(dsn, f'INSERT INTO "Order" ("user", "Mixed ""Case""", text, version) {numbered}', ROWS)
    async with opening() as open_database:
        database = await open_database(dsn, pool_size=8)
        costs = {name: await _cost(dsn, database, audit) for audit, name in enumerate(("plain", "rows"))}
    for name, (own, theirs) in costs.items():
        tell(f"audit: an Update, {name}: {own:.0f} us of the gateway, {theirs:.0f} us of PostgreSQL")
    assert sum(costs["rows"]) < 5 * sum(costs["plain"])
