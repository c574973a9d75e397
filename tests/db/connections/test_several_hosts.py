"""Several hosts: writes follow the one that takes them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.db.embedded import EmbeddedPostgres
from gateway.errors import Unavailable
from gateway.request.calls.call import Call
from tests.db.proxy import proxied
from tests.db.servers import FAST, sql, statement, write
from tests.harness.databases import Open
from tests.harness.polling import next_poll

WHERE = statement("SELECT current_setting('cluster_name')")
NEITHER = -1
WRITE = write("INSERT INTO item VALUES (1)")


@pytest.fixture(scope="module")
def pair(data_folder: Path) -> Iterator[list[str]]:
    """Run two servers, named a and b; give their DSNs."""
    servers = [
        EmbeddedPostgres(data_folder / f"host_{name}", settings={**FAST, "cluster_name": name})
        for name in "ab"
    ]
    yield [server.start() for server in servers]
    for server in servers:
        server.stop()


@pytest.fixture
async def both(pair: list[str]) -> AsyncIterator[str]:
    """Give a DSN of both hosts, in this order."""
    async with AsyncExitStack() as stack:
        places = [urlsplit((await stack.enter_async_context(proxied(dsn)))[1]).netloc for dsn in pair]
        yield f"postgresql://postgres@{','.join(place.partition('@')[2] for place in places)}/postgres"


async def make_primary(pair: list[str], primary: int) -> None:
    """Let one server take writes and the other refuse them, for the sessions that are open too."""
    for number, dsn in enumerate(pair):
        state = "off" if number == primary else "on"
        await sql(dsn, f"ALTER SYSTEM SET default_transaction_read_only = {state}")
        await sql(dsn, "SELECT pg_reload_conf()")
        async with asyncio.timeout(60):
            while await sql(dsn, "SHOW default_transaction_read_only") != [(state,)]:
                pass


def soon() -> Call:
    return Call("test", deadline=asyncio.get_running_loop().time() + 60)


async def test_writes_follow_the_primary(pair: list[str], both: str, open_database: Open) -> None:
    await make_primary(pair, 0)
    await sql(pair[0], "CREATE TABLE IF NOT EXISTS item (id int)")
    await make_primary(pair, 1)
    await sql(pair[1], "CREATE TABLE IF NOT EXISTS item (id int)")
    database = await open_database(both, pool_size=1)
    assert await database.fetch(WHERE, [], soon()) == [("b",)]

    await make_primary(pair, 0)
    # No write has to be refused for it.
    async with asyncio.timeout(60):
        while await database.fetch(WHERE, [], soon()) != [("a",)]:
            await next_poll()
    await database.fetch(WRITE, [], soon())


async def test_a_primary_may_refuse_writes_by_default(
    pair: list[str], both: str, open_database: Open
) -> None:
    await make_primary(pair, NEITHER)

    database = await open_database(f"{both}?target_session_attrs=primary", pool_size=1)

    assert await database.fetch(WHERE, [], soon()) in ([("a",)], [("b",)])
    with pytest.raises(Unavailable) as refused:
        await open_database(both, pool_size=1, start_timeout=0.1)
    assert refused.value.message.count("a host that takes no writes") == len(pair)
    await make_primary(pair, 0)


async def test_a_host_that_is_away_is_passed_over(pair: list[str], both: str, open_database: Open) -> None:
    await make_primary(pair, 1)
    dead = both.replace("@", "@127.0.0.1:1,")

    database = await open_database(dead, pool_size=1)

    assert await database.fetch(WHERE, [], soon()) == [("b",)]
    await make_primary(pair, 0)
