"""What handlers reach of tables behind PostgreSQL's own policies."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.handlers.generated import generate
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import descriptors_of
from tests.rpc.walls import ACME, EVIL, LOGIN, Walled, walled_database, walled_items

APP = Path(__file__).parent / "walled_app.py"


@pytest.fixture(scope="module")
async def walled(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, transport: str
) -> AsyncIterator[Walled]:
    """Serve the items, to all of which the gateway's own role has a right."""
    folder = tmp_path_factory.mktemp("walled")
    generate(descriptors_of("walled"), folder)
    dsn = await walled_database(databases)
    await fetch(dsn, f"GRANT SELECT ON item TO {LOGIN}")
    await fetch(dsn, f"CREATE POLICY of_gateway ON item TO {LOGIN} USING (true)")
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(folder)
        # One connection: whoever needed a second one beside a transaction would wait for ever.
        async with walled_items(dsn, folder, transport, handlers=str(APP), pool_size=1) as served:
            yield served


@pytest.mark.parametrize(("caller", "mine"), [("ann", ACME), ("eve", EVIL), ("non", set[int]())])
async def test_each_way_shows_the_callers_rows_unless_policies_are_bypassed(
    walled: Walled, caller: str, mine: set[int]
) -> None:
    seen = sys.modules["rowgate_handlers_walled_app"].seen
    seen.clear()
    await walled.call(caller, "CountItems")
    every = sorted(ACME | EVIL)
    expected = {way: every if way.endswith("past") else sorted(mine) for way in seen}
    assert seen == expected
    assert len(seen) == 11
