"""Writes by filter beside other writers: a row that changes meanwhile is judged as it is when locked."""

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.conftest import GatewayFor
from tests.harness.polling import next_poll
from tests.rpc.test_by_filter import ARTICLES, BOXES, boxes, stock

WAITING = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
MEANWHILE = [
    # (what another transaction does, how many rows are changed then, of three whose quantity is 2)
    ("UPDATE article SET quantity = 3 WHERE warehouse = 'a' AND sku = 'S2'", 2),
    ("UPDATE article SET deleted_at = now() WHERE warehouse = 'a' AND sku = 'S2'", 2),
    ("UPDATE article SET warehouse = 'z' WHERE warehouse = 'a' AND sku = 'S2'", 2),
    ("DELETE FROM article WHERE warehouse = 'a' AND sku = 'S2'", 2),
    ("UPDATE article SET looks = 1000 WHERE warehouse = 'a' AND sku = 'S2'", 3),
    ("UPDATE article SET quantity = quantity WHERE quantity = 2", 3),
    ("UPDATE article SET quantity = 3 WHERE quantity = 2", 0),
]


async def _beside(sql: asyncpg.Connection, statement: str, call: Any) -> Any:
    """Make a call that meets a statement's rows while that isn't committed; return its answer."""
    transaction = sql.transaction()
    await transaction.start()
    await sql.execute(statement)
    asked = asyncio.create_task(call)
    while not await sql.fetch(WAITING):
        assert not asked.done(), asked
        await next_poll()
    await transaction.commit()
    return await asked


@pytest.mark.parametrize(("statement", "count"), MEANWHILE)
@pytest.mark.parametrize("method", ["UpdateArticlesByFilter", "DeleteArticlesByFilter"])
async def test_a_row_that_no_longer_fits_is_left_alone(
    gateway_for: GatewayFor, method: str, statement: str, count: int
) -> None:
    gateway, sql = await stock(gateway_for)
    request = {"filter": "quantity = 2", "max_rows": 3}
    request |= {"article": {"room": 77}} if method.startswith("Update") else {}
    answer = await _beside(sql, statement, gateway.call(f"{ARTICLES}/{method}", request))
    changed = "room = 77" if method.startswith("Update") else "deleted_at IS NOT NULL AND version = 2"
    found = await sql.fetch(f"SELECT quantity, looks FROM article WHERE {changed}")  # noqa: S608 - constants
    assert (answer.count, len(found)) == (count, count)
    assert {row["quantity"] for row in found} <= {2}
    if "1000" in statement:
        assert sorted(row["looks"] for row in found) == [2, 2, 1000]
    await sql.close()


@pytest.mark.parametrize(
    ("statement", "gone"),
    [
        ("UPDATE box SET label = 'z' WHERE id = 1", {2, 3}),
        ("UPDATE box SET id = 9 WHERE id = 1", {2, 3}),
        ("UPDATE box SET outer_id = NULL WHERE id = 3", {1, 2, 3}),
    ],
)
@pytest.mark.parametrize("force", [False, True])
async def test_a_row_that_no_longer_fits_stays(
    gateway_for: GatewayFor, *, statement: str, gone: set[int], force: bool
) -> None:
    gateway, sql = await boxes(gateway_for)
    call = gateway.call(
        f"{BOXES}/DeleteBoxesByFilter", {"filter": "label < 'd'", "max_rows": 9, "force": force}
    )
    answer = await _beside(sql, statement, call)
    left = {row["label"] for row in await sql.fetch("SELECT label FROM box")}
    assert answer.count == len(gone)
    assert left == {"d"} | ({"z"} if "label" in statement else {"a"} if "9" in statement else set())
    await sql.close()


async def test_rows_that_change_meanwhile_are_not_found_twice(gateway_for: GatewayFor) -> None:
    """A limit that holds when the rows are found holds: what comes to fit meanwhile isn't among them."""
    gateway, sql = await stock(gateway_for)
    call = gateway.call(
        f"{ARTICLES}/UpdateArticlesByFilter",
        {"filter": "quantity = 2", "article": {"room": 77}, "max_rows": 3},
    )
    answer = await _beside(sql, "UPDATE article SET quantity = 2", call)
    assert answer.count == 3
    assert await sql.fetchval("SELECT count(*) FROM article WHERE room = 77") == 3
    await sql.close()


async def test_many_callers_of_the_same_rows_end(gateway_for: GatewayFor) -> None:
    """They lock rows in the order of keys, however PostgreSQL finds them, and so don't deadlock."""
    gateway, sql = await stock(gateway_for)
    filters = ["*", "quantity >= 0", "room < 9", 'sku = "S*"', "warehouse = (b OR a)"]

    async def change(number: int) -> None:
        request = {"filter": filters[number % len(filters)], "max_rows": 20, "article": {"looks": number + 1}}
        await gateway.call(f"{ARTICLES}/UpdateArticlesByFilter", request)

    await asyncio.gather(*(change(number) for number in range(60)))
    versions = await sql.fetch("SELECT DISTINCT version FROM article WHERE warehouse IN ('a', 'b')")
    assert [row["version"] for row in versions] == [61]
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert await sql.fetchval(deadlocks) == 0
    await sql.close()
