"""Events in two tables are told and changed as those in one are; SQL finds each in its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import asyncpg
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from rowgate.v1 import annotations_pb2

from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.divided.events import METHODS, outcome
from tests.harness.databases import Databases
from tests.harness.gateway import client_of, descriptors_of

CALLS = 200
TABLES = {"event_click": ["KIND_CLICK"], '"cold store".event_rest': ["KIND_VIEW", "KIND_BUY"]}
_ROWS = (
    "SELECT kind, id, code, amount, page_id, version, deleted_at IS NULL AS live FROM {} ORDER BY kind, id"
)
_BEFORE = """
    INSERT INTO page VALUES (1, 'one'), (2, 'two');
    INSERT INTO event (kind, id, version, updated_at)
    VALUES ('KIND_CLICK', 1, 1, now()), ('KIND_VIEW', 2, 1, now());
    INSERT INTO note VALUES (1, 'KIND_CLICK', 1, 'n'), (2, 'KIND_VIEW', 2, 'n'), (3, 'KIND_VIEW', 2, 'm');
"""


def in_one_table() -> FileDescriptorSet:
    """Return the schema without the tables' division."""
    whole = FileDescriptorSet()
    whole.CopyFrom(descriptors_of("divided"))
    for file in whole.file:
        for message in file.message_type:
            message.options.Extensions[annotations_pb2.table].ClearField("partition_by")  # type: ignore[index]
            if not message.options.Extensions[annotations_pb2.table].primary_key:  # type: ignore[index]
                message.options.ClearExtension(annotations_pb2.table)  # type: ignore[arg-type]
    return whole


@pytest.fixture(scope="module")
async def both(databases: Databases, transport: str) -> AsyncIterator[Any]:
    async with AsyncExitStack() as stack:
        sides = []
        for name, descriptors in {"divided": descriptors_of("divided"), "whole": in_one_table()}.items():
            dsn = await databases.copy_of(name, build_tables(read_schema(descriptors)).metadata)
            client = await stack.enter_async_context(client_of(descriptors, dsn, transport=transport))
            sql = await asyncpg.connect(dsn)
            stack.push_async_callback(sql.close)
            await sql.execute(_BEFORE)
            sides.append((client, sql))
        yield sides


async def test_each_method_does_what_it_does_in_one_table(both: Any, tell: Callable[[str], None]) -> None:
    (divided, of_tables), (whole, of_whole) = both
    chance, refused, done = Random(63), 0, set[str]()  # noqa: S311 - a seed
    for number in range(CALLS):
        name = chance.choice(list(METHODS))
        request = METHODS[name](chance)
        here = await outcome(divided, name, request, number)
        there = await outcome(whole, name, request, number)
        assert here == there, (number, name, request)
        refused += isinstance(here, tuple)
        done |= {name} if here and not isinstance(here, tuple) else set()
        stored = [tuple(row) for row in await of_whole.fetch(_ROWS.format("event"))]
        for table, kinds in TABLES.items():
            rows = [tuple(row) for row in await of_tables.fetch(_ROWS.format(f"ONLY {table}"))]
            assert rows == [row for row in stored if row[0] in kinds], (number, name, request)
    tell(f"events in two tables: {CALLS} calls as in one, {refused} of them refused alike")
    assert done == METHODS.keys()
    assert CALLS / 5 < refused < CALLS * 4 / 5
