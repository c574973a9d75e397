"""All ways to change rows, by one of two gateways that keep rows together: the other reads what is stored."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.cache.conftest import SECRET
from tests.cache.garden import Gardener, changed, seen, stored
from tests.cache.store import Store
from tests.cache.test_hearing import listening
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.harness.polling import next_poll
from tests.replicas.caller import Caller

STEPS = 40
MUCH = 1 << 20


@pytest.fixture(params=[1, MUCH], ids=["together alone", "by themselves, too"])
async def gardens(
    databases: Databases, store: Store, transport: str, request: pytest.FixtureRequest
) -> AsyncIterator[tuple[RunningGateway, RunningGateway]]:
    """Serve a garden twice, by gateways that keep rows together."""
    dsn = await databases.copy_of("plots", build_tables(schema_of("plots")).metadata)
    common = {"secret": SECRET, "cache_url": store.url, "cache_timeout": 10, "cache_max_bytes": request.param}
    gateways = [await serve("plots", dsn, transport=transport, **common) for _ in range(2)]
    while listening(store) < 2:
        await next_poll()
    yield gateways[0], gateways[1]
    for gateway in gateways:
        await gateway.stop()


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_one_gateway_changes_the_other_reads(
    gardens: tuple[RunningGateway, RunningGateway],
    store: Store,
    request: pytest.FixtureRequest,
    seed: int,
) -> None:
    """At once where nothing is kept but in the store, and by a token; else when it has heard of it."""
    callers, gardener, shared = [Caller(one.client) for one in gardens], Gardener(seed), 0
    at_once = "alone" in request.node.name
    for step in range(STEPS):
        writer, reader = callers[step % 2], callers[1 - step % 2]
        change = gardener.change()
        told = await changed(writer, change)
        expected = await stored(gardens[0])
        if told:
            assert await seen(reader, told) == expected, change
        async with asyncio.timeout(10):
            while await seen(reader, "any") != expected:
                assert not at_once, change
                await next_poll()
            while at_once and any(expected) and not store.rows():
                await seen(reader, "any")
                await next_poll()
        shared += bool(store.rows())
    assert shared > STEPS / 2 or not at_once
