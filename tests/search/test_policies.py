"""Searches of callers: neither rows nor columns that they may not read count in what they find."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, serve, start_gateway
from tests.search.books import SEARCH, Asked, fill, found

CALLERS = (Caller("ann"), Caller("lib", ["librarian"]))
LIKE = {"like": {"text": "see wolfs", "threshold": 0.1}, "near": {"field": "taste", "vector": [1, 2, 3]}}


class Served(NamedTuple):
    """Books that are served to callers, and a client of each."""

    gateway: RunningGateway
    clients: Mapping[str, Client]


@pytest.fixture
async def served(databases: Databases, tmp_path: Path, transport: str) -> AsyncIterator[Served]:
    unlimited = await start_gateway("finds", databases, transport=transport)
    await fill(unlimited.dsn, 60)
    keys = write_keys(tmp_path / "keys.json", CALLERS)
    given = {"auth_providers": "api_key", "auth_api_keys": tmp_path / "keys.json"}
    gateway = await serve("finds", unlimited.dsn, transport=transport, **given)
    async with clients_of(gateway, "finds", keys) as clients:
        yield Served(unlimited, clients)
    await gateway.stop()
    await unlimited.stop()


@pytest.mark.parametrize(("name", "where"), [("ann", "NOT secret"), ("lib", "true")])
async def test_hidden_rows_have_no_place(served: Served, name: str, where: str) -> None:
    """The places and scores of those that are seen are as if the others weren't stored."""
    hits = (await served.clients[name].call(SEARCH, **LIKE, page_size=1000)).hits
    wanted = await found(served.gateway, Asked(LIKE, where))
    assert [(one.book.shelf, one.book.id) for one in hits] == [key for key, _, _ in wanted]
    assert [one.score for one in hits] == pytest.approx([score for _, score, _ in wanted], rel=1e-12)
    assert len({one.book.secret for one in hits}) == (1 if name == "ann" else 2)


async def test_hidden_rows_take_nothing_from_the_nearest(served: Served) -> None:
    """An index gives up after so many rows: it counts hidden ones, too."""
    database = served.gateway.dsn.rpartition("/")[2].partition("?")[0]
    near = {"near": {"field": "taste", "vector": [1, 2, 3]}}
    before = (await served.clients["ann"].call(SEARCH, near, page_size=1000)).hits
    await served.gateway.sql(
        "INSERT INTO book (shelf, id, title, taste, place, product, secret)"
        " SELECT 1, 1000 + n, '', '[1,2,3]', '[1,1]', '[1,1,1,1]', true FROM generate_series(1, 300) n"
    )
    for setting in ("hnsw.max_scan_tuples = 1", "enable_seqscan = off", "enable_sort = off"):
        await served.gateway.sql(f'ALTER DATABASE "{database}" SET {setting}')
    await served.gateway.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    hits = (await served.clients["ann"].call(SEARCH, near, page_size=1000)).hits
    assert [one.book.id for one in hits] == [one.book.id for one in before]


@pytest.mark.parametrize(
    ("asked", "reason", "field"),
    [
        ({"words": {"query": "sea"}}, "NOT_SEARCHABLE", "words"),
        ({"near": {"field": "product", "vector": [1, 2, 3, 4]}}, "INVALID_SEARCH_FIELD", "near.field"),
        ({**LIKE, "filter": 'text = "x"'}, "INVALID_FILTER", "filter"),
        ({**LIKE, "read_mask": "text"}, "INVALID_FIELD_MASK", "read_mask"),
    ],
)
async def test_hidden_columns_are_no_way(served: Served, asked: Any, reason: str, field: str) -> None:
    """Words of a hidden text would tell what it says; so they are no way to find anything."""
    with pytest.raises(RpcFailed) as failed:
        await served.clients["ann"].call(SEARCH, asked)
    assert (failed.value.reason, failed.value.fields) == (reason, [field])
    assert "product" not in failed.value.message.replace('"product"', "")
    assert (await served.clients["lib"].call(SEARCH, asked)) is not None


LOGIN, SEEKER = "rowgate_search_login", "rowgate_seeker"
_SHELF = "shelf = (current_setting('request.jwt.claims')::json ->> 'shelf')::int"
WALLS = (
    *(
        f"DO $$ BEGIN IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role} {how}; END IF; END $$"
        for role, how in ((LOGIN, "LOGIN NOINHERIT"), (SEEKER, "NOLOGIN"))
    ),
    f"GRANT {SEEKER} TO {LOGIN}",
    f"GRANT USAGE ON SCHEMA public, rowgate TO {LOGIN}, {SEEKER}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rowgate TO {LOGIN}",
    f"GRANT SELECT ON book, shelf TO {SEEKER}",
    "ALTER TABLE book ENABLE ROW LEVEL SECURITY",
    f"CREATE POLICY of_shelf ON book USING ({_SHELF})",
)


async def test_policies_of_postgresql_hold(databases: Databases, tmp_path: Path, transport: str) -> None:
    """Beside the schema's own: in each part, and so in places and scores."""
    unlimited = await start_gateway("finds", databases, transport=transport)
    await fill(unlimited.dsn, 60)
    for statement in WALLS:
        await unlimited.sql(statement)
    keys = write_keys(tmp_path / "keys.json", [Caller("two", ["librarian"], {"shelf": 2})])
    gateway = await serve(
        "finds",
        unlimited.dsn.replace("//postgres@", f"//{LOGIN}@"),
        transport=transport,
        auth_providers="api_key",
        auth_api_keys=tmp_path / "keys.json",
        auth_row_security="postgres",
        auth_database_role=SEEKER,
    )
    parts = {**LIKE, "words": {"query": "sea"}}
    async with clients_of(gateway, "finds", keys) as clients:
        hits = (await clients["two"].call(SEARCH, **parts, page_size=1000)).hits
    wanted = await found(unlimited, Asked(parts, "shelf = 2"))
    assert [(one.book.shelf, one.book.id) for one in hits] == [key for key, _, _ in wanted]
    assert [one.score for one in hits] == pytest.approx([score for _, score, _ in wanted], rel=1e-12)
    await gateway.stop()
    await unlimited.stop()
