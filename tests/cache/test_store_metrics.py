"""What a gateway tells of the store, and what it doesn't let it touch."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.cache.conftest import ALONE, SECRET
from tests.cache.shelf import Shelves
from tests.cache.store import Store
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import schema_of, serve
from tests.harness.polling import next_poll
from tests.harness.sample import free_port


class Watched(NamedTuple):
    """A gateway, and where it is watched.

    Args:
        shelves: what it serves.
        admin: its port for operators.

    """

    shelves: Shelves
    admin: int

    async def page(self, path: str) -> str:
        """Return a page of the admin address; raises HTTPError for one that says no."""
        return await asyncio.to_thread(_read, f"http://127.0.0.1:{self.admin}{path}")

    async def figures(self) -> Mapping[str, float]:
        """Return what it tells of the store."""
        lines = (await self.page("/metrics")).splitlines()
        told = (line.rpartition(" ") for line in lines if line.startswith("rowgate_shared_cache"))
        return {name.removeprefix("rowgate_shared_cache_"): float(value) for name, _, value in told}


def _read(url: str) -> str:
    with urlopen(url, timeout=10) as answer:  # noqa: S310 - http, of this test
        return str(answer.read().decode())


@pytest.fixture
async def watched(databases: Databases, store: Store, tmp_path: Path) -> AsyncIterator[Watched]:
    """Serve a shelf, which is shared, with an admin address."""
    for name, text in (("url", store.url), ("secret", SECRET)):
        (tmp_path / name).write_text(text)
    dsn = await databases.copy_of("shelves", build_tables(schema_of("shelves")).metadata)
    await fetch(dsn, "INSERT INTO shelf VALUES (1, 'old')")
    admin, files = free_port(), {"secret_file": tmp_path / "secret", "cache_url_file": tmp_path / "url"}
    common = {"workers": 1, "admin_listen": f"127.0.0.1:{admin}", "cache_timeout": 1, **files, **ALONE}
    gateway = await serve("shelves", dsn, transport="http", apart=True, **common)
    yield Watched(Shelves(gateway), admin)
    await gateway.stop()


async def test_figures_tell_what_becomes_of_reads_and_rows(watched: Watched, store: Store) -> None:
    while not store.rows():
        await watched.shelves.name("any")
        await next_poll()
    await watched.shelves.name("any")
    found = await watched.figures()
    table = '{table="public.shelf"}'
    assert (found["up"], found["failures_total"], found["changes_heard_total"]) == (1, 0, 0)
    assert found[f"hits_total{table}"] >= 1
    assert found[f"misses_total{table}"] >= 1
    assert found['fills_total{outcome="kept"}'] >= 1
    assert found['fills_total{outcome="refused"}'] == 0


async def test_a_store_that_is_away_is_told_of_and_leaves_the_gateway_ready(
    watched: Watched, store: Store
) -> None:
    while not (await watched.figures())["up"]:
        await next_poll()
    store.end()
    async with asyncio.timeout(20):
        while (await watched.figures())["up"]:
            await watched.shelves.name("any")
            await next_poll()
    assert (await watched.figures())["failures_total"] >= 1
    assert await watched.page("/ready")
    assert await watched.shelves.rename("new")
    assert await watched.shelves.name("any") == "new"
