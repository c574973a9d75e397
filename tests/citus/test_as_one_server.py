"""Events in shards are told and changed as those of one server are."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import asyncpg
import pytest

from gateway.migrate import apply, connect_to
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.citus.cluster import Cluster
from tests.citus.events import LISTED, events
from tests.divided.events import METHODS, outcome
from tests.harness.databases import Databases
from tests.harness.gateway import client_of

pytestmark = pytest.mark.citus
CALLS = 300
ONE_ROW = frozenset({"CreateEvent", "UpdateEvent", "DeleteEvent", "UndeleteEvent", "GetEvent"})
_ROWS = "SELECT kind, id, code, amount, page_id, version, deleted_at IS NULL AS live FROM event ORDER BY 1, 2"
_BEFORE = (
    "INSERT INTO page VALUES (1, 'one'), (2, 'two')",
    "INSERT INTO event (kind, id, version, updated_at) VALUES ('KIND_CLICK', 1, 1, now())",
    "INSERT INTO event (kind, id, version, updated_at) VALUES ('KIND_VIEW', 2, 1, now())",
    "INSERT INTO note VALUES (1, 'KIND_CLICK', 1, 'n'), (2, 'KIND_VIEW', 2, 'n'), (3, 'KIND_VIEW', 2, 'm')",
)


@pytest.fixture(scope="module")
async def both(cluster: Cluster, databases: Databases, transport: str) -> AsyncIterator[Any]:
    """Give a client and a connection of each: of shards, and of one server."""
    async with AsyncExitStack() as stack:
        sides = []
        for in_shards in (True, False):
            descriptors = events(in_shards=in_shards)
            dsn = await cluster.database() if in_shards else await databases.empty()
            await apply(build_tables(read_schema(descriptors)).metadata, connect_to(dsn))
            client = await stack.enter_async_context(client_of(descriptors, dsn, transport=transport))
            sql = await asyncpg.connect(dsn)
            stack.push_async_callback(sql.close)
            for statement in _BEFORE:
                await sql.execute(statement)
            sides.append((client, sql))
        yield sides


async def test_each_method_does_what_it_does_on_one_server(both: Any, tell: Callable[[str], None]) -> None:
    (shards, of_shards), (whole, of_whole) = both
    chance, refused, done = Random(70), 0, set[str]()  # noqa: S311 - a seed
    for number in range(CALLS):
        name = chance.choice(list(METHODS))
        request = METHODS[name](chance)
        if any(path in LISTED for path in str(request.get("read_mask", "")).split(",")):
            continue
        here = await outcome(shards, name, request, number)
        there = await outcome(whole, name, request, number)
        assert _told(name, here) == _told(name, there), (number, name, request)
        refused += isinstance(here, tuple)
        done |= {name} if here and not isinstance(here, tuple) else set()
        rows = [[tuple(row) for row in await sql.fetch(_ROWS)] for sql in (of_shards, of_whole)]
        assert rows[0] == rows[1], (number, name, request)
    tell(f"events in shards: {CALLS} calls as of one server, {refused} of them refused alike")
    assert done == METHODS.keys()
    assert CALLS / 6 < refused < CALLS * 4 / 5


def _told(name: str, answer: Any) -> Any:
    """Return an answer without which rule is told of several that a call's rows break."""
    if isinstance(answer, tuple):
        return answer if name in ONE_ROW else "refused"
    if isinstance(answer, dict) and "failures" in answer:
        return {**answer, "failures": [failure.get("index", 0) for failure in answer["failures"]]}
    return answer
