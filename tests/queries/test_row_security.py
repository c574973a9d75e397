"""PostgreSQL's own policies hold in queries of methods, also behind a pooler."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.db.bouncer import bouncer
from tests.harness.client import fresh_name
from tests.harness.databases import Databases
from tests.rpc.test_pgbouncer import BEHIND_A_POOLER
from tests.rpc.walls import ACME, EVIL, LOGIN, Walled, walled_database, walled_items

SCHEMA = "walled_queries"
QUERIES = "walled.v1.ItemQueries"


@pytest.fixture(params=["PostgreSQL 18", "PostgreSQL 15", "PgBouncer"])
async def walled(
    request: pytest.FixtureRequest, databases: Databases, data_folder: Path, tmp_path: Path, transport: str
) -> AsyncIterator[Walled]:
    """Serve the items by a role that has no right to them of its own."""
    if request.param == "PostgreSQL 15":
        databases = Databases(request.getfixturevalue("debian_15"))
    dsn = await walled_database(databases)
    if request.param != "PgBouncer":
        async with walled_items(dsn, tmp_path, transport, schema=SCHEMA, pool_size=1) as served:
            yield served
        return
    login = dsn.replace("//postgres@", f"//{LOGIN}@")
    with bouncer(data_folder / fresh_name("bouncer"), login, size=2) as pooled:
        async with walled_items(
            dsn, tmp_path, transport, schema=SCHEMA, login=pooled, **BEHIND_A_POOLER
        ) as served:
            yield served


@pytest.mark.parametrize(("name", "mine"), [("ann", ACME), ("eve", EVIL), ("non", set[int]())])
async def test_a_caller_has_its_own_rows(walled: Walled, name: str, mine: set[int]) -> None:
    client = walled.clients[name]
    for method in ("FindItems", "FindItemsSlowly"):
        assert {one.id for one in (await client.call(f"{QUERIES}/{method}")).items} == mine
    assert {one.id async for one in client.stream(f"{QUERIES}/StreamFound")} == mine
    assert (await client.call(f"{QUERIES}/Overwrite", text="new")).affected_rows == len(mine)
    assert {number for number, _, text in await walled.stored() if text == "new"} == mine
