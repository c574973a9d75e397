"""Large bulk upserts of the same rows lock them in orders of their own: none is refused, and none is lost."""

import asyncio
import random
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from gateway.db.bulk.target_table import SMALL
from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import RunningGateway, schema_of, serve

BULK = "guarded.v1.ThingService/BulkUpsertThings"
_ROWS = SMALL + 200
_WRITERS = 6
_ROUNDS = 2


@pytest.fixture
async def gateway(databases: Databases, transport: str) -> AsyncIterator[RunningGateway]:
    """Serve things from a database that looks for deadlocks at once."""
    dsn = await databases.copy_of("guarded", build_tables(schema_of("guarded")).metadata)
    await fetch(dsn, f'ALTER DATABASE "{urlsplit(dsn).path[1:]}" SET deadlock_timeout = 20')
    gateway = await serve("guarded", dsn, transport=transport)
    yield gateway
    await gateway.stop()


async def test_writers_in_any_order_and_by_any_key_all_end(gateway: RunningGateway) -> None:
    things = [{"id": n, "code": f"{n:05}"} for n in range(_ROWS)]
    random.Random(1).shuffle(things)  # noqa: S311 - the table's own order is to be nobody's
    await gateway.call(BULK, things=things)

    async def writer(number: int) -> None:
        rows = sorted(things, key=lambda thing: str(thing["id"]), reverse=number % 2 == 0)
        target = [["id"], ["code"], []][number % 3]
        for at in range(number, _WRITERS * _ROUNDS, _WRITERS):
            sent = [{**row, "number": at + 1} for row in rows]
            new = {"id": _ROWS + at, "code": f"new {at}"}
            answer = await gateway.call(BULK, things=[*sent, new], conflict_target=target)
            assert (answer.inserted_count, answer.updated_count) == (1, _ROWS)

    await asyncio.gather(*map(writer, range(_WRITERS)))
    [written] = await gateway.sql(
        "SELECT count(DISTINCT number) AS numbers, count(*) AS rows FROM thing WHERE id < $1", _ROWS
    )
    assert (written["numbers"], written["rows"]) == (1, _ROWS)
    assert len(await gateway.sql("SELECT FROM thing WHERE id >= $1", _ROWS)) == _WRITERS * _ROUNDS
