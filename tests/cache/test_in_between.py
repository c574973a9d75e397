"""Reads and writes that meet: what is kept of rows that are changed meanwhile, or when nobody waits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.cache.shelf import SHELVES, Shelves
from tests.conftest import GatewayFor
from tests.db.standby import WAITS, Standby, synchronous_standby
from tests.handlers.generated import generate
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import descriptors_of, schema_of, serve
from tests.harness.polling import next_poll

SECRET = "the secret of these tests"  # noqa: S105 - of tests
LOOKS = 300
"""So many looks take longer than the pause between two questions for the primary's log."""
HOOKS = '''
import shelves_pb2  # the generated code has to be there

from gateway.handlers import after, before


@after("shelves.v1.ShelfService/UpdateShelf")
async def retitle(request, response, context):
    """Call the shelf's tomes as the shelf."""
    await context.bypass_policies().fetch("UPDATE tome SET title = :name", name=response.name)


@before("shelves.v1.ShelfService/GetTome")
async def rename(request, context):
    """Call shelves otherwise where a tome is read."""
    if request.place == 2:
        await context.bypass_policies().fetch("UPDATE shelf SET name = 'read'")
'''


@pytest.fixture
async def dsn(databases: Databases) -> str:
    """Return the DSN of a database with three shelves."""
    dsn = await databases.copy_of("shelves", build_tables(schema_of("shelves")).metadata)
    await fetch(dsn, "INSERT INTO shelf SELECT number, 'old' FROM generate_series(1, 3) AS number")
    return dsn


@pytest.fixture
async def standby(databases: Databases) -> AsyncIterator[Standby]:
    """Give the synchronous standby of the server."""
    async with synchronous_standby(databases.dsn) as standby:
        yield standby


@pytest.fixture
async def two(dsn: str, transport: str) -> AsyncIterator[tuple[Shelves, Shelves]]:
    """Serve the shelves twice."""
    gateways = [await serve("shelves", dsn, transport=transport, secret=SECRET) for _ in range(2)]
    yield Shelves(gateways[0]), Shelves(gateways[1])
    for gateway in gateways:
        await gateway.stop()


async def waiting(dsn: str, number: int) -> None:
    """Wait until so many commits wait for the standby."""
    while (await fetch(dsn, f"SELECT count(*) {WAITS}"))[0]["count"] < number:
        await next_poll()


async def test_a_commit_that_the_primary_does_not_show_yet_is_later_than_what_is_read(
    dsn: str, standby: Standby, two: tuple[Shelves, Shelves]
) -> None:
    """Its record is in the log before; the log's end says nothing of what a read has seen."""
    reader, writer = two
    await standby.stop()
    renamed = asyncio.create_task(writer.rename("new"))
    await waiting(dsn, 1)
    for _ in range(LOOKS):
        assert await reader.name("strong") == "old"
    await standby.start()
    assert await reader.name(await renamed) == "new"


@pytest.mark.parametrize("shelf", [1, 2])
async def test_a_write_whose_caller_has_left_is_heard_of_when_it_is_done(
    dsn: str, standby: Standby, two: tuple[Shelves, Shelves], shelf: int
) -> None:
    """The first shelf's is carried out for itself, and broken off; the second's runs on."""
    shelves, _ = two
    await standby.stop()
    calls = []
    for number in (1, 2):
        calls.append(asyncio.create_task(shelves.rename("new", number)))
        await waiting(dsn, number)
    calls[shelf - 1].cancel()
    await asyncio.wait([calls[shelf - 1]])
    await shelves.name("any", shelf)
    await standby.start()
    await asyncio.wait(calls)
    async with asyncio.timeout(10):
        while await shelves.name("any", shelf) != "new":
            await next_poll()


async def test_what_hooks_change_is_forgotten(
    gateway_for: GatewayFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(descriptors_of("shelves"), tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "shelf_hooks.py").write_text(HOOKS)
    shelves = Shelves(await gateway_for("shelves", handlers=str(tmp_path / "shelf_hooks.py")))
    await shelves.gateway.sql("INSERT INTO shelf VALUES (1, 'old')")
    await shelves.gateway.sql("INSERT INTO tome VALUES (1, 1, 'old', ''), (1, 2, 'old', '')")
    get = f"{SHELVES}/GetTome"
    assert (await shelves.caller.call(get, consistency="any", shelf=1, place=1)).title == "old"
    await shelves.rename("new")
    assert (await shelves.caller.call(get, consistency="any", shelf=1, place=1)).title == "new"
    assert await shelves.name() == "new"
    await shelves.caller.call(get, consistency="any", shelf=1, place=2)
    assert await shelves.name() == "read"
