"""UpdateByFilter and DeleteByFilter change what a filter finds, all of it or nothing, as SQL by hand does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.sql.writes.by_filter import SAMPLE
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

ARTICLES = "stock.v1.ArticleService"
BOXES = "stock.v1.BoxService"

ARTICLE_ROWS = """
    INSERT INTO article (warehouse, sku, quantity, sold, price, room, looks, labels, shelves, state, version)
    SELECT w, 'S' || i, i, nullif(i % 3, 0), i * 1.25, i, i, ARRAY['l' || i % 2], ARRAY[i], 'new', 1
    FROM unnest(ARRAY['a', 'b', 'ß']) AS w, generate_series(1, 4) AS i
"""


async def stock(gateway_for: GatewayFor) -> tuple[RunningGateway, asyncpg.Connection]:
    """Serve the schema with twelve articles; return it with a connection past it."""
    gateway = await gateway_for("stock")
    sql = await asyncpg.connect(gateway.dsn)
    await sql.execute(ARTICLE_ROWS)
    return gateway, sql


async def test_all_rows_that_are_found_are_changed_and_no_others(gateway_for: GatewayFor) -> None:
    gateway, sql = await stock(gateway_for)
    before = await sql.fetch("SELECT * FROM article WHERE quantity < 3 OR warehouse <> 'a' ORDER BY 1, 2")
    request = {"article": {"room": 7, "state": "full"}, "update_mask": "room,state", "max_rows": 2}
    answer = await gateway.call(
        f"{ARTICLES}/UpdateArticlesByFilter", {"filter": "quantity >= 3", "warehouse": "a", **request}
    )
    assert (answer.count, list(answer.sample)) == (2, [])
    assert before == await sql.fetch(
        "SELECT * FROM article WHERE quantity < 3 OR warehouse <> 'a' ORDER BY 1, 2"
    )
    changed = await sql.fetch("SELECT sku, room, state, version, quantity FROM article WHERE state = 'full'")
    assert sorted(map(tuple, changed)) == [("S3", 7, "full", 2, 3), ("S4", 7, "full", 2, 4)]
    await sql.close()


async def test_nothing_is_changed_where_too_many_are_found(gateway_for: GatewayFor) -> None:
    gateway, sql = await stock(gateway_for)
    before = await sql.fetch("SELECT * FROM article ORDER BY 1, 2")
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(
            f"{ARTICLES}/UpdateArticlesByFilter", {"filter": "*", "article": {"room": 7}, "max_rows": 11}
        )
    assert failed.value.reason == "TOO_MANY_ROWS_FOUND"
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(f"{ARTICLES}/DeleteArticlesByFilter", {"filter": "*"})
    assert failed.value.metadata == {"max_rows": "5", "limit": "50"}
    assert before == await sql.fetch("SELECT * FROM article ORDER BY 1, 2")
    answer = await gateway.call(f"{ARTICLES}/DeleteArticlesByFilter", {"filter": "*", "max_rows": 12})
    assert answer.count == await sql.fetchval("SELECT count(*) FROM article WHERE deleted_at IS NOT NULL")
    await sql.close()


REFUSED = [
    ({}, "REQUIRED", "filter"),
    ({"filter": ""}, "REQUIRED", "filter"),
    ({"filter": "*", "max_rows": 0}, "REQUIRED", "max_rows"),
    ({"filter": "*", "max_rows": -1}, "OUT_OF_RANGE", "max_rows"),
    ({"filter": "*", "max_rows": 10_001}, "OUT_OF_RANGE", "max_rows"),
    ({"filter": "quality > 1"}, "INVALID_FILTER", "filter"),
    ({"filter": "*", "article": {}}, "REQUIRED", "article"),
    ({"filter": "*", "article": {"version": 7}}, "REQUIRED", "article"),
    ({"filter": "*", "update_mask": "warehouse,version"}, "REQUIRED", "article"),
    ({"filter": "*", "article": {"sku": "S1", "room": 1}}, "KEY_NOT_TAKEN", "article.sku"),
    ({"filter": "*", "update_mask": "rooms"}, "INVALID_FIELD_MASK", "update_mask"),
    ({"filter": "*", "article": {"quantity": -2000}}, "CHECK_VIOLATION", "article.quantity"),
    ({"filter": "*", "article": {"barcode": "1"}}, "UNIQUE_VIOLATION", "article.barcode"),
    ({"filter": "*", "article": {"price": {"value": "1.234"}}}, "INEXACT", "article.price"),
]


@pytest.mark.parametrize(("fields", "reason", "path"), REFUSED)
async def test_what_is_wrong_is_told_and_changes_nothing(
    gateway_for: GatewayFor, fields: dict[str, Any], reason: str, path: str
) -> None:
    gateway, sql = await stock(gateway_for)
    before = await sql.fetch("SELECT * FROM article ORDER BY 1, 2")
    for checks in (False, True):
        request = {"article": {"room": 1}, "max_rows": 100, "validate_only": checks, **fields}
        with pytest.raises(RpcFailed) as failed:
            await gateway.call(f"{ARTICLES}/UpdateArticlesByFilter", request)
        assert (failed.value.reason, path in failed.value.fields) == (reason, True), failed.value
    assert before == await sql.fetch("SELECT * FROM article ORDER BY 1, 2")
    await sql.close()


async def test_equality_alone_says_which_rows(gateway_for: GatewayFor) -> None:
    gateway, sql = await stock(gateway_for)
    request = {"warehouse": "ß", "article": {"room": 99}, "max_rows": 10}
    assert (await gateway.call(f"{ARTICLES}/UpdateArticlesByFilter", request)).count == 4
    assert await sql.fetchval("SELECT count(*) FROM article WHERE room = 99 AND warehouse = 'ß'") == 4
    # A field that knows that it is set asks for its zero too, and finds nothing.
    request = {"state": "", "article": {"room": 1}, "max_rows": 10}
    assert (await gateway.call(f"{ARTICLES}/UpdateArticlesByFilter", request)).count == 0
    await sql.close()


async def test_a_dry_run_shows_some_rows_as_they_would_be(gateway_for: GatewayFor) -> None:
    gateway, sql = await stock(gateway_for)
    before = await sql.fetch("SELECT * FROM article ORDER BY 1, 2")
    request = {"filter": "*", "article": {"room": 77}, "max_rows": 12, "validate_only": True}
    answer = await gateway.call(f"{ARTICLES}/UpdateArticlesByFilter", request)
    keys = [(row["warehouse"], row["sku"]) for row in sorted(before, key=lambda row: (row[0], row[1]))]
    assert answer.count == 12
    assert [(row.warehouse, row.sku, row.room, row.version) for row in answer.sample] == [
        (*key, 77, 2) for key in keys[:SAMPLE]
    ]
    answer = await gateway.call(
        f"{ARTICLES}/DeleteArticlesByFilter", {"filter": "sold = null", "max_rows": 12, "validate_only": True}
    )
    assert [(row.sku, row.HasField("deleted_at")) for row in answer.articles] == [("S3", True)] * 3
    assert before == await sql.fetch("SELECT * FROM article ORDER BY 1, 2")
    await sql.close()


async def test_a_row_that_is_deleted_is_not_found(gateway_for: GatewayFor) -> None:
    gateway, sql = await stock(gateway_for)
    await sql.execute("UPDATE article SET deleted_at = '2020-01-01Z' WHERE warehouse = 'a'")
    before = await sql.fetch("SELECT * FROM article WHERE warehouse = 'a'")
    request = {"filter": "*", "article": {"room": 77}, "max_rows": 8}
    assert (await gateway.call(f"{ARTICLES}/UpdateArticlesByFilter", request)).count == 8
    request = {"filter": "*", "max_rows": 8}
    assert (await gateway.call(f"{ARTICLES}/DeleteArticlesByFilter", request)).count == 8
    assert before == await sql.fetch("SELECT * FROM article WHERE warehouse = 'a'")
    await sql.close()


async def test_a_repeated_request_is_carried_out_once(gateway_for: GatewayFor) -> None:
    gateway, sql = await stock(gateway_for)
    request = {"filter": "room < 3", "article": {"room": 2}, "max_rows": 100, "request_id": str(uuid4())}
    for _ in range(3):
        assert (await gateway.call(f"{ARTICLES}/UpdateArticlesByFilter", request)).count == 6
    assert await sql.fetchval("SELECT max(version) FROM article") == 2
    await sql.close()


async def test_a_masked_field_that_is_unset_takes_its_default_or_null(gateway_for: GatewayFor) -> None:
    gateway, sql = await stock(gateway_for)
    await sql.execute("UPDATE article SET state = 'full'")
    request = {"filter": "*", "article": {}, "update_mask": "state,sold,labels", "max_rows": 100}
    assert (await gateway.call(f"{ARTICLES}/UpdateArticlesByFilter", request)).count == 12
    assert [tuple(row) for row in await sql.fetch("SELECT DISTINCT state, sold, labels FROM article")] == [
        ("new", None, [])
    ]
    await sql.close()


async def boxes(gateway_for: GatewayFor) -> tuple[RunningGateway, asyncpg.Connection]:
    """Serve the schema with boxes: 3 stands in 2, and 4 holds a thing that goes with it."""
    gateway = await gateway_for("stock")
    sql = await asyncpg.connect(gateway.dsn)
    await sql.execute("INSERT INTO box VALUES (1, 'a', NULL), (2, 'b', NULL), (3, 'c', 2), (4, 'd', NULL)")
    await sql.execute("INSERT INTO thing VALUES (1, 4), (2, 4)")
    return gateway, sql


@pytest.mark.parametrize(
    ("filter_", "force", "gone", "count"),
    [
        ("id = 1", False, {1}, 1),
        ("id = 1", True, {1}, 1),
        ("id = 2", False, set(), "ROW_IS_REFERENCED"),
        ("id = 2", True, {2, 3}, 1),
        ("id = (2 OR 3)", False, {2, 3}, 2),
        ("id = 4", False, set(), "ROW_IS_REFERENCED"),
        ("*", False, set(), "ROW_IS_REFERENCED"),
        ("*", True, {1, 2, 3, 4}, 4),
        ("id > 9", True, set(), 0),
    ],
)
async def test_rows_that_others_refer_to_go_as_delete_has_it(
    gateway_for: GatewayFor, *, filter_: str, force: bool, gone: set[int], count: int | str
) -> None:
    gateway, sql = await boxes(gateway_for)
    for checks in (True, False):
        assert len(await sql.fetch("SELECT FROM box")) == 4
        request = {"filter": filter_, "max_rows": 4, "force": force, "validate_only": checks}
        if isinstance(count, str):
            with pytest.raises(RpcFailed) as failed:
                await gateway.call(f"{BOXES}/DeleteBoxesByFilter", request)
            assert failed.value.reason == count
        else:
            answer = await gateway.call(f"{BOXES}/DeleteBoxesByFilter", request)
            assert (answer.count, len(answer.sample)) == (count, count if checks else 0)
    assert {row[0] for row in await sql.fetch("SELECT id FROM box")} == {1, 2, 3, 4} - gone
    assert len(await sql.fetch("SELECT FROM thing")) == (0 if 4 in gone else 2)
    await sql.close()


async def test_a_row_that_a_trigger_keeps_keeps_all(gateway_for: GatewayFor) -> None:
    gateway, sql = await boxes(gateway_for)
    await sql.execute(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
        "CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON box FOR EACH ROW WHEN (OLD.id = 1) "
        "EXECUTE FUNCTION keep()"
    )
    for method, fields in (
        ("Rename", {"box": {"label": "x"}}),
        ("DeleteBoxesByFilter", {}),
        ("DeleteBoxesByFilter", {"force": True}),
    ):
        with pytest.raises(RpcFailed) as failed:
            await gateway.call(f"{BOXES}/{method}", {"filter": "id < 4", "max_rows": 9, **fields})
        assert failed.value.reason == "ROW_KEPT_OUT"
    assert [row[0] for row in await sql.fetch("SELECT label FROM box ORDER BY id")] == list("abcd")
    await sql.close()


COLUMNS = ("quantity", "sold", "room")
VALUES = st.integers(-1, 4)
COMPARISON = st.tuples(st.sampled_from(COLUMNS), st.sampled_from(["=", "<", "<=", ">", ">=", "!="]), VALUES)
ROWS = st.lists(st.tuples(VALUES, st.none() | VALUES, st.integers(0, 4)), max_size=12)
PERIOD = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
async def served(module_gateway_for: GatewayFor) -> RunningGateway:
    """Serve the schema for all examples."""
    return await module_gateway_for("stock")


@PERIOD
@given(
    rows=ROWS,
    wanted=st.lists(st.lists(COMPARISON, min_size=1, max_size=3), min_size=1, max_size=2),
    limit=st.integers(1, 12),
    deletes=st.booleans(),
    checks=st.booleans(),
)
async def test_as_sql_by_hand(
    served: RunningGateway,
    *,
    rows: list[tuple[int, int | None, int]],
    wanted: list[list[tuple[str, str, int]]],
    limit: int,
    deletes: bool,
    checks: bool,
) -> None:
    gateway = served
    filter_ = " AND ".join(f"({' OR '.join(f'{c} {o} {v}' for c, o, v in part)})" for part in wanted)
    sql = await asyncpg.connect(gateway.dsn)
    await sql.execute("TRUNCATE article")
    insert = (
        "INSERT INTO article (warehouse, sku, quantity, sold, room, looks, labels, shelves, version) "
        "VALUES ('w', $1, $2, $3, $4, 0, '{}', '{}', 1)"
    )
    await sql.executemany(insert, [(str(i), *row) for i, row in enumerate(rows)])
    before = await sql.fetch("SELECT * FROM article ORDER BY sku")
    change = "deleted_at = now()" if deletes else "looks = 5"
    by_hand = f"UPDATE article SET {change}, version = version + 1 WHERE {filter_} RETURNING sku"  # noqa: S608
    async with asyncpg_transaction(sql) as undone:
        found = await undone.fetch(by_hand)
        due = await undone.fetch(STATE)
    request: dict[str, Any] = {"filter": filter_, "max_rows": limit, "validate_only": checks}
    method = "DeleteArticlesByFilter" if deletes else "UpdateArticlesByFilter"
    request |= {} if deletes else {"article": {"looks": 5}}
    if len(found) > limit:
        with pytest.raises(RpcFailed) as failed:
            await gateway.call(f"{ARTICLES}/{method}", request)
        assert failed.value.reason == "TOO_MANY_ROWS_FOUND"
    else:
        assert (await gateway.call(f"{ARTICLES}/{method}", request)).count == len(found)
    if len(found) > limit or checks:
        assert await sql.fetch("SELECT * FROM article ORDER BY sku") == before
    else:
        assert await sql.fetch(STATE) == due
    await sql.close()


STATE = "SELECT sku, quantity, sold, room, looks, version, deleted_at IS NULL FROM article ORDER BY sku"


@asynccontextmanager
async def asyncpg_transaction(sql: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """Run statements, and undo them."""
    transaction = sql.transaction()
    await transaction.start()
    yield sql
    await transaction.rollback()
