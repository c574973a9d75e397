"""Fixtures: a store, and two gateways that share it over one database."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.cache.shelf import Shelves
from tests.cache.store import Store, a_store
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import schema_of, serve

SECRET = "the secret of these gateways"  # noqa: S105 - of tests
ALONE = {"cache_max_bytes": 1}
"""So little room that no gateway keeps a row by itself."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Run a Redis."""
    with a_store(tmp_path) as store:
        yield store


@pytest.fixture
async def two(
    databases: Databases, store: Store, transport: str, request: pytest.FixtureRequest
) -> AsyncIterator[tuple[Shelves, Shelves]]:
    """Serve three shelves twice, where rows are kept together alone; a parameter is further settings."""
    dsn = await databases.copy_of("shelves", build_tables(schema_of("shelves")).metadata)
    await fetch(dsn, "INSERT INTO shelf SELECT number, 'old' FROM generate_series(1, 3) AS number")
    common = {"secret": SECRET, "cache_url": store.url, "cache_timeout": 10, **ALONE}
    common |= getattr(request, "param", {})
    gateways = [await serve("shelves", dsn, transport=transport, **common) for _ in range(2)]
    yield Shelves(gateways[0]), Shelves(gateways[1])
    for gateway in gateways:
        await gateway.stop()
