"""Views are read like tables, by the key that the schema declares, and written where PostgreSQL can."""

import asyncio
from typing import Any

import pytest

from gateway.schema.diagnostics import SchemaError
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import SCHEMAS, RunningGateway, serve

VIEWS = "views.v1.Views"


async def shop(databases: Databases) -> str:
    """Make the tables and views that others made; return the database's DSN."""
    dsn = await databases.empty()
    for statement in (SCHEMAS / "views" / "tables.sql").read_text().split(";\n"):
        await fetch(dsn, statement)
    return dsn


@pytest.fixture(scope="module")
async def served(databases: Databases, transport: str) -> Any:
    """Serve the views."""
    gateway = await serve("views", await shop(databases), transport=transport)
    yield gateway
    await gateway.stop()


@pytest.fixture
async def gateway(served: RunningGateway) -> RunningGateway:
    """Return the gateway over three customers."""
    await served.sql("TRUNCATE shop.customer")
    await served.sql("INSERT INTO shop.customer VALUES ('a', 1, 'n'), ('b', 2, NULL), ('c', 3, 'm')")
    await served.sql("REFRESH MATERIALIZED VIEW shop.total")
    return served


async def test_a_view_is_read_by_its_key_and_in_pages(gateway: RunningGateway) -> None:
    assert (await gateway.call(f"{VIEWS}/GetNote", email="b")).points == 2
    page = {"order_by": "note desc", "page_size": 2}
    first = await gateway.call(f"{VIEWS}/ListNotes", page)
    second = await gateway.call(f"{VIEWS}/ListNotes", **page, page_token=first.next_page_token)
    assert [note.email for note in (*first.notes, *second.notes)] == ["b", "a", "c"]
    assert (await gateway.call(f"{VIEWS}/GetTotal", many=True)).points == 3
    assert (await gateway.call(f"{VIEWS}/CountTotals", filter="customers = 2")).count == 1
    await gateway.sql("UPDATE shop.customer SET points = 9")
    await gateway.sql("REFRESH MATERIALIZED VIEW shop.total")
    with pytest.raises(RpcFailed, match="NOT_FOUND"):
        await gateway.call(f"{VIEWS}/GetTotal", many=False)


async def test_calls_that_arrive_together_write_a_view(gateway: RunningGateway) -> None:
    """Those of a table share a statement, by the places of its rows: a view's have none."""
    notes = [{"email": name, "note": f"{name}!", "points": 9} for name in "abc"]
    await asyncio.gather(*(gateway.call(f"{VIEWS}/UpdateNote", note=note) for note in notes * 5))
    await asyncio.gather(
        *(gateway.call(f"{VIEWS}/CreateNote", note={"email": f"new {n}", "points": 1}) for n in range(10))
    )
    await asyncio.gather(*(gateway.call(f"{VIEWS}/DeleteNote", email=f"new {n}") for n in range(9)))
    stored = await gateway.sql("SELECT email, note, points FROM shop.customer ORDER BY 1")
    assert [tuple(row.values()) for row in stored] == [
        *(("a", "a!", 9), ("b", "b!", 9), ("c", "c!", 9), ("new 9", None, 1))
    ]


async def test_methods_that_a_view_cannot_answer_are_named_at_the_start(
    databases: Databases, transport: str
) -> None:
    dsn = await shop(databases)
    await fetch(dsn, "DROP VIEW shop.note")
    await fetch(dsn, "CREATE VIEW shop.note AS SELECT DISTINCT email, note, points FROM shop.customer")
    with pytest.raises(SchemaError) as refused:
        await serve("views", dsn, transport=transport)
    wrong = [(one.where.rpartition(".")[2], one.wrong) for one in refused.value.diagnostics]
    takes_no = "shop.note is a view that takes no"
    assert wrong == [
        ("CreateNote", f"{takes_no} INSERT"),
        ("DeleteNote", f"{takes_no} DELETE"),
        ("UpdateNote", f"{takes_no} UPDATE"),
    ]
