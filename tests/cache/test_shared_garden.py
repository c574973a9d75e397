"""All ways to change rows, by one of two gateways that keep rows together: the other reads what is stored."""

from collections.abc import AsyncIterator

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.cache.conftest import SECRET
from tests.cache.garden import Gardener, changed, seen, stored
from tests.cache.store import Store
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.harness.polling import next_poll
from tests.replicas.caller import Caller

STEPS = 60


@pytest.fixture
async def gardens(
    databases: Databases, store: Store, transport: str
) -> AsyncIterator[tuple[RunningGateway, RunningGateway]]:
    """Serve a garden twice, by gateways that keep rows together alone."""
    dsn = await databases.copy_of("plots", build_tables(schema_of("plots")).metadata)
    common = {"secret": SECRET, "cache_url": store.url, "cache_timeout": 10, "cache_max_bytes": 1}
    gateways = [await serve("plots", dsn, transport=transport, **common) for _ in range(2)]
    yield gateways[0], gateways[1]
    for gateway in gateways:
        await gateway.stop()


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_one_gateway_changes_the_other_reads(
    gardens: tuple[RunningGateway, RunningGateway], store: Store, seed: int
) -> None:
    writer, reader = Caller(gardens[0].client), Caller(gardens[1].client)
    gardener, shared = Gardener(seed), 0
    while not store.ask("DBSIZE"):  # both are connected before there is anything to keep
        for caller in (writer, reader):
            await seen(caller, "any")
        await next_poll()
    for _ in range(STEPS):
        request = gardener.change()
        told = await changed(writer, request)
        expected = await stored(gardens[0])
        assert await seen(reader, "any") == expected, request
        if told:
            assert await seen(reader, told) == expected, request
        while store.ask("DBSIZE") and not store.rows() and any(expected):
            await seen(reader, "any")
            await next_poll()
        shared += bool(store.rows())
    assert shared > STEPS / 2
