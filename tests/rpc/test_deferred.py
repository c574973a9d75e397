"""Tables with constraints that can be deferred: ON CONFLICT takes none, and COMMIT alone may refuse rows."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.schema.tables import build_tables
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import RunningGateway, schema_of, serve

SERVICE = "guarded.v1.ThingService"
BULK = f"{SERVICE}/BulkUpsertThings"


async def _served(databases: Databases, transport: str, *statements: str) -> RunningGateway:
    """Serve things whose table an administrator altered before."""
    dsn = await databases.copy_of("guarded", build_tables(schema_of("guarded")).metadata)
    for statement in statements:
        await fetch(dsn, statement)
    return await serve("guarded", dsn, transport=transport)


@pytest.fixture
async def numbered(databases: Databases, transport: str) -> AsyncIterator[RunningGateway]:
    """Serve things with a deferrable key that the protos don't name."""
    gateway = await _served(
        databases, transport, "ALTER TABLE thing ADD CONSTRAINT theirs UNIQUE (number) DEFERRABLE"
    )
    yield gateway
    await gateway.stop()


async def test_rows_are_created_beside_a_deferrable_key_of_others(numbered: RunningGateway) -> None:
    things = [{"id": n, "number": n} for n in range(1, 9)]
    calls = (numbered.call(f"{SERVICE}/CreateThing", thing=thing) for thing in things)
    assert [thing.id for thing in await asyncio.gather(*calls)] == list(range(1, 9))
    changes = [{"thing": {"id": n, "number": n}, "allow_missing": True} for n in (8, 9)]
    await numbered.call(f"{SERVICE}/BatchUpdateThings", requests=changes)
    creations = [{"thing": {"id": n, "number": n}} for n in (10, 11)]
    await numbered.call(f"{SERVICE}/BatchCreateThings", requests=creations)
    await numbered.call(BULK, things=[{"id": n, "number": n} for n in (11, 12)])
    assert await numbered.sql("SELECT FROM thing WHERE id <> number") == []
    assert len(await numbered.sql("SELECT FROM thing")) == 12


@pytest.mark.parametrize("thing", [{"id": 1, "number": 3}, {"id": 3, "number": 1}])
async def test_a_taken_key_is_refused_beside_it(numbered: RunningGateway, thing: dict[str, int]) -> None:
    await numbered.call(f"{SERVICE}/CreateThing", thing={"id": 1, "number": 1})
    sent = [thing, *({"id": n, "number": n} for n in (20, 21, 22))]
    calls = (numbered.call(f"{SERVICE}/CreateThing", thing=one) for one in sent)
    refused, *created = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(refused, RpcFailed)
    assert refused.reason == "UNIQUE_VIOLATION"
    assert [one.id for one in created if not isinstance(one, BaseException)] == [20, 21, 22]
