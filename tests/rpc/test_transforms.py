"""Transforms: what the server makes of stored values is what SQL by hand makes, exactly, and at once."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.db.statements.transaction import Transaction
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.harness.polling import next_poll
from tests.rpc.test_by_filter import ARTICLES
from tests.rpc.test_by_filter_races import WAITING

ONE = {"warehouse": "a", "sku": "S"}
COLUMNS = (
    "quantity",
    "sold",
    "price",
    "weight",
    "room",
    "looks",
    "labels",
    "shelves",
    "counted_at",
    "version",
)
STORED: Mapping[str, Any] = {
    "quantity": 5,
    "sold": None,
    "price": Decimal("1.50"),
    "weight": 0.5,
    "room": 7,
    "looks": Decimal(2**64 - 2),
    "labels": ["b", "a", "b"],
    "shelves": [3, 1],
    "counted_at": None,
}


async def an_article(gateway_for: GatewayFor, **values: Any) -> tuple[RunningGateway, asyncpg.Connection]:
    """Serve the schema with one article; return it with a connection past it."""
    gateway = await gateway_for("stock")
    sql = await asyncpg.connect(gateway.dsn)
    await store(sql, **values)
    return gateway, sql


@pytest.fixture(scope="module")
async def served(module_gateway_for: GatewayFor) -> RunningGateway:
    """Serve the schema for all examples."""
    return await module_gateway_for("stock")


async def store(sql: asyncpg.Connection, **values: Any) -> None:
    """Make the table hold one article."""
    row = {**ONE, **STORED, **values, "version": 1}
    places = ", ".join(f"${i + 1}" for i in range(len(row)))
    await sql.execute("TRUNCATE article")
    await sql.execute(f"INSERT INTO article ({', '.join(row)}) VALUES ({places})", *row.values())  # noqa: S608


async def stored(sql: asyncpg.Connection) -> Mapping[str, Any]:
    """Return the article."""
    return dict((await sql.fetchrow(f"SELECT {', '.join(COLUMNS)} FROM article")).items())  # noqa: S608


async def update(gateway: RunningGateway, transforms: Any, **more: Any) -> Any:
    """Transform the article."""
    request = {"article": ONE, "transforms": transforms, **more}
    return await gateway.call(f"{ARTICLES}/UpdateArticle", request)


def of(field: str, kind: str, value: Any) -> Mapping[str, Any]:
    """Return a transform."""
    return {"field": field, kind: value}


MADE = [
    (of("quantity", "increment", 3), "quantity", 8),
    (of("quantity", "increment", "-9"), "quantity", -4),
    (of("quantity", "multiply", 4), "quantity", 20),
    (of("quantity", "minimum", 3), "quantity", 3),
    (of("quantity", "maximum", 3), "quantity", 5),
    (of("sold", "increment", "9007199254740993"), "sold", 9007199254740993),
    (of("sold", "multiply", 7), "sold", 0),
    (of("sold", "minimum", 7), "sold", 7),
    (of("price", "increment", 0.1), "price", Decimal("1.60")),
    (of("price", "increment", "-2.05"), "price", Decimal("-0.55")),
    (of("price", "multiply", "0.333"), "price", Decimal("0.50")),
    (of("weight", "increment", 0.25), "weight", 0.75),
    (of("weight", "maximum", "1e3"), "weight", 1000.0),
    (of("room", "increment", -7), "room", 0),
    (of("looks", "increment", 1), "looks", Decimal(2**64 - 1)),
    (of("labels", "append", ["a", "c"]), "labels", ["b", "a", "b", "a", "c"]),
    (of("labels", "append_missing", ["c", "a", "d", "c"]), "labels", ["b", "a", "b", "c", "d"]),
    (of("labels", "remove_all", ["b", "x"]), "labels", ["a"]),
    (of("labels", "remove_all", []), "labels", ["b", "a", "b"]),
    (of("shelves", "append_missing", [1, "2", 3]), "shelves", [3, 1, 2]),
    (of("shelves", "remove_all", [3, 1]), "shelves", []),
]


@pytest.mark.parametrize(("transform", "column", "due"), MADE)
async def test_one_value(gateway_for: GatewayFor, transform: Any, column: str, due: Any) -> None:
    """By each method that takes transforms; nothing else changes but the version."""
    gateway, sql = await an_article(gateway_for)
    before = await stored(sql)
    for number, call in enumerate(
        (
            update(gateway, [transform]),
            gateway.call(
                f"{ARTICLES}/BatchUpdateArticles", requests=[{"article": ONE, "transforms": [transform]}]
            ),
            gateway.call(
                f"{ARTICLES}/UpdateArticlesByFilter",
                {"filter": "*", "maxRows": 1, "transforms": [transform]},
            ),
        )
    ):
        await store(sql)
        await call
        assert await stored(sql) == {**before, column: due, "version": 2}, number
    await sql.close()


REFUSED = [
    (of("quantity", "increment", 2**31), "NUMBER_OUT_OF_RANGE", "transforms[0]"),
    (of("room", "increment", -8), "NUMBER_OUT_OF_RANGE", "transforms[0]"),
    (of("room", "multiply", 2**31), "NUMBER_OUT_OF_RANGE", "transforms[0]"),
    (of("looks", "increment", 2), "NUMBER_OUT_OF_RANGE", "transforms[0]"),
    (of("looks", "increment", "-18446744073709551615"), "NUMBER_OUT_OF_RANGE", "transforms[0]"),
    (of("sold", "increment", str(2**63)), "NUMBER_OUT_OF_RANGE", "transforms[0]"),
    (of("price", "multiply", 1000000), "NUMBER_OUT_OF_RANGE", "transforms[0]"),
    (of("quantity", "increment", 1.5), "INVALID_NUMBER", "transforms[0].increment"),
    (of("quantity", "increment", "1e3"), "INVALID_NUMBER", "transforms[0].increment"),
    (of("sold", "increment", 2**60), "INEXACT", "transforms[0].increment"),
    (of("sold", "increment", 2**53 + 1), "INEXACT", "transforms[0].increment"),
    (of("price", "increment", "0.001"), "INEXACT", "transforms[0].increment"),
    (of("weight", "increment", "Infinity"), "NOT_FINITE", "transforms[0].increment"),
    (of("quantity", "increment", None), "INVALID_VALUE", "transforms[0].increment"),
    (of("shelves", "append", ["x"]), "INVALID_NUMBER", "transforms[0].append"),
    (of("shelves", "append", [2**31]), "OUT_OF_RANGE", "transforms[0].append"),
    (of("labels", "increment", 1), "INVALID_TRANSFORM", "transforms[0]"),
    (of("quantity", "append", [1]), "INVALID_TRANSFORM", "transforms[0]"),
    (of("quantity", "serverTime", True), "INVALID_TRANSFORM", "transforms[0]"),
    (of("counted_at", "serverTime", False), "INVALID_TRANSFORM", "transforms[0]"),
    (of("sku", "maximum", "x"), "INVALID_TRANSFORM", "transforms[0].field"),
    (of("version", "increment", 1), "INVALID_TRANSFORM", "transforms[0].field"),
    (of("quality", "increment", 1), "INVALID_TRANSFORM", "transforms[0].field"),
    (of("quantity", "increment", -2000), "CHECK_VIOLATION", "article.quantity"),
]


@pytest.mark.parametrize(("transform", "reason", "path"), REFUSED)
async def test_what_is_wrong_is_told_and_changes_nothing(
    gateway_for: GatewayFor, transform: Any, reason: str, path: str
) -> None:
    gateway, sql = await an_article(gateway_for)
    before = await stored(sql)
    by_filter = {"filter": "*", "maxRows": 1, "transforms": [transform]}
    for call in (update(gateway, [transform]), gateway.call(f"{ARTICLES}/UpdateArticlesByFilter", by_filter)):
        with pytest.raises(RpcFailed) as failed:
            await call
        assert (failed.value.reason, failed.value.fields) == (reason, [path]), failed.value
    assert await stored(sql) == before
    await sql.close()


async def test_a_field_is_changed_in_one_way(gateway_for: GatewayFor) -> None:
    gateway, sql = await an_article(gateway_for)
    add = of("quantity", "increment", 1)
    for fields in (
        {"article": {**ONE, "quantity": 3}},
        {"article": ONE, "updateMask": "quantity"},
        {"article": ONE, "updateMask": "*"},
        {"transforms": [add, of("sold", "increment", 1), add]},
    ):
        with pytest.raises(RpcFailed) as failed:
            await update(gateway, **{"transforms": [add], **fields})
        assert failed.value.reason == "INVALID_TRANSFORM"
    # Beside other fields, and the second of several is told.
    with pytest.raises(RpcFailed) as failed:
        await update(gateway, [add, of("room", "increment", -8)])
    assert failed.value.fields == ["transforms[1]"]
    await update(gateway, [add], article={**ONE, "room": 1}, updateMask="room,labels")
    found = await stored(sql)
    assert [found[name] for name in ("quantity", "room", "labels", "version")] == [6, 1, [], 2]
    await sql.close()


async def test_the_time_is_the_transactions(gateway_for: GatewayFor) -> None:
    gateway, sql = await an_article(gateway_for)
    answer = await update(gateway, [of("counted_at", "serverTime", True)])
    assert await sql.fetchval("SELECT counted_at = updated_at FROM article")
    later = await update(gateway, [of("counted_at", "maximum", "2020-01-01T00:00:00Z")])
    assert later.counted_at == answer.counted_at
    await update(gateway, [of("counted_at", "minimum", "2020-01-01T00:00:00Z")])
    assert await sql.fetchval("SELECT counted_at = '2020-01-01Z' FROM article")
    await sql.close()


SENT: tuple[Mapping[str, Any], ...] = (
    {},
    {
        "quantity": 5,
        "sold": 7,
        "price": {"value": "1.5"},
        "weight": 0.5,
        "room": 7,
        "looks": str(2**64 - 2),
        "labels": ["b", "a", "b"],
        "shelves": [3, 1],
    },
)
"""What new rows say, and leave to their columns."""


@pytest.mark.parametrize("sent", SENT, ids=["unset", "set"])
@pytest.mark.parametrize("transform", [transform for transform, _, _ in MADE])
async def test_a_missing_row_is_created_as_the_transform_makes_it(
    served: RunningGateway, sent: Mapping[str, Any], transform: Any
) -> None:
    """By one insertion it has what comes of it where it is created first, and changed then."""
    sql, row = await asyncpg.connect(served.dsn), {**ONE, **sent}
    single: Any = {"article": row, "updateMask": "barcode", "allowMissing": True}
    at_once: Any = {**single, "transforms": [transform]}
    found = []
    for calls in (
        [("UpdateArticle", single), ("UpdateArticle", {"article": ONE, "transforms": [transform]})],
        [("UpdateArticle", at_once)],
        [("BatchUpdateArticles", {"requests": [at_once]})],
    ):
        await sql.execute("TRUNCATE article")
        reasons = [await _reason(served.call(f"{ARTICLES}/{method}", request)) for method, request in calls]
        rows = await sql.fetch("SELECT FROM article")
        found.append((reasons[-1], [await stored(sql)] if rows else []))
    (reason, [by_two]), *others = found
    due = [] if reason else [{**by_two, "version": 1}]
    assert others == [(reason, due)] * 2
    await sql.close()


async def test_a_created_row_is_written_once(served: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of rows, some of which are there: each is inserted or changed, at the same time as others."""
    sql = await asyncpg.connect(served.dsn)
    await store(sql)
    names: list[str] = []
    fetch = Transaction.fetch

    async def counted(self: Transaction, statement: Any, *args: Any, **more: Any) -> Any:
        names.append(statement.name)
        return await fetch(self, statement, *args, **more)

    monkeypatch.setattr(Transaction, "fetch", counted)
    transforms = [of("quantity", "increment", 3), of("counted_at", "serverTime", True)]
    requests = [
        {"article": {**ONE, "sku": sku}, "transforms": transforms, "allowMissing": True} for sku in "RST"
    ]
    answer = await served.call(f"{ARTICLES}/BatchUpdateArticles", requests=requests)
    assert [(row.sku, row.quantity, row.version) for row in answer.articles] == [
        ("R", 3, 1),
        ("S", 8, 2),
        ("T", 3, 1),
    ]
    assert names == ["update article", "transform article", "create article"]
    times = await sql.fetch("SELECT DISTINCT counted_at, updated_at FROM article")
    assert len(times) == 1
    assert times[0][0] == times[0][1]
    requests[1]["transforms"] = [*transforms, of("room", "increment", -8)]
    requests[1]["article"] = {**ONE, "sku": "U", "room": 7}
    for one in requests:
        one["updateMask"] = "barcode"
    with pytest.raises(RpcFailed) as failed:
        await served.call(f"{ARTICLES}/BatchUpdateArticles", requests=requests)
    assert (failed.value.reason, failed.value.fields) == (
        "NUMBER_OUT_OF_RANGE",
        ["requests[1].transforms[2]"],
    )
    assert await sql.fetchval("SELECT sum(quantity) FROM article") == 3 + 8 + 3
    await sql.close()


async def test_of_callers_who_create_a_row_together_all_count(served: RunningGateway) -> None:
    """One inserts it, and the others find it."""
    sql = await asyncpg.connect(served.dsn)
    for _ in range(5):
        await sql.execute("TRUNCATE article")
        add = [of("quantity", "increment", 1), of("shelves", "append", [9])]
        await asyncio.gather(*(update(served, add, allowMissing=True) for _ in range(12)))
        row = await stored(sql)
        assert (row["quantity"], row["version"], row["shelves"]) == (12, 12, [9] * 12)
    await sql.close()


async def test_no_increment_is_lost_or_made_twice(gateway_for: GatewayFor) -> None:
    """Of many callers at once, one by one, in batches and by filters; and by a name that is sent again."""
    gateway, sql = await an_article(gateway_for)
    add = [of("quantity", "increment", 1), of("shelves", "append", [9])]
    name = str(uuid4())
    batch = [{"article": ONE, "transforms": add}]
    found = {"filter": "*", "maxRows": 1, "transforms": add}
    calls = [
        *(update(gateway, add) for _ in range(20)),
        *(update(gateway, add, requestId=name) for _ in range(5)),
        *(gateway.call(f"{ARTICLES}/BatchUpdateArticles", requests=batch) for _ in range(10)),
        *(gateway.call(f"{ARTICLES}/UpdateArticlesByFilter", found) for _ in range(10)),
    ]
    await asyncio.gather(*calls)
    row = await stored(sql)
    assert (row["quantity"], row["version"], row["shelves"]) == (5 + 41, 1 + 41, [3, 1] + [9] * 41)
    await sql.close()


@pytest.mark.parametrize(("meanwhile", "due"), [(2**31 - 6, 2**31 - 1), (2**31 - 5, None)])
async def test_the_value_is_that_of_the_locked_row(
    gateway_for: GatewayFor, meanwhile: int, due: int | None
) -> None:
    """Whether it fits is judged of what another transaction leaves, as what is made of it."""
    for method in ("UpdateArticle", "UpdateArticlesByFilter"):
        gateway, sql = await an_article(gateway_for)
        await sql.execute(f"BEGIN; UPDATE article SET quantity = {meanwhile}")  # noqa: S608
        request: Any = {"transforms": [of("quantity", "increment", 5)]}
        request |= {"article": ONE} if method == "UpdateArticle" else {"filter": "*", "maxRows": 1}
        asked = asyncio.create_task(_reason(gateway.call(f"{ARTICLES}/{method}", request)))
        while not await sql.fetch(WAITING):
            assert not asked.done()
            await next_poll()
        await sql.execute("COMMIT")
        assert await asked == ("" if due else "NUMBER_OUT_OF_RANGE")
        assert (await stored(sql))["quantity"] == (due or meanwhile)
        await sql.close()


async def test_rows_of_a_batch_have_their_own(gateway_for: GatewayFor) -> None:
    gateway, sql = await an_article(gateway_for)
    insert = (
        "INSERT INTO article (warehouse, sku, quantity, room, looks, labels, shelves, version) "
        "SELECT 'b', i::text, i, 0, 0, ARRAY[i::text], '{}', 1 FROM generate_series(1, 5) AS i"
    )
    await sql.execute(insert)
    requests = [
        {
            "article": {"warehouse": "b", "sku": str(i)},
            "transforms": [
                of("quantity", "increment", 10 * i),
                of("labels", "append", ["x"] * (i - 1)),
            ],
        }
        for i in range(1, 6)
    ]
    requests[4]["transforms"] = [of("labels", "remove_all", ["5"])]
    answer = await gateway.call(f"{ARTICLES}/BatchUpdateArticles", requests=requests)
    assert [row.quantity for row in answer.articles] == [11, 22, 33, 44, 5]
    assert [list(row.labels) for row in answer.articles] == [
        ["1"],
        ["2", "x"],
        ["3", "x", "x"],
        ["4", "x", "x", "x"],
        [],
    ]
    requests[3]["transforms"] = [of("quantity", "multiply", 2**30)]
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(f"{ARTICLES}/BatchUpdateArticles", requests=requests)
    assert failed.value.fields == ["requests[3].transforms[0]"]
    await sql.close()


async def _reason(call: Any) -> str:
    """Return why a call is refused; empty where it isn't."""
    try:
        await call
    except RpcFailed as failed:
        return failed.reason
    return ""


NUMBERS: Mapping[str, Any] = {
    "quantity": st.integers(-(2**31), 2**31 - 1),
    "sold": st.none() | st.integers(-(2**63), 2**63 - 1),
    "price": st.decimals(-999999, 999999, places=2),
    "room": st.integers(0, 2**32 - 1),
    "looks": st.integers(0, 2**64 - 1).map(Decimal),
}
RANGES: Mapping[str, tuple[Any, Any]] = {
    "quantity": (-1000, 2**31 - 1),
    "sold": (-(2**63), 2**63 - 1),
    "price": (Decimal("-999999.99"), Decimal("999999.99")),
    "room": (0, 2**32 - 1),
    "looks": (0, 2**64 - 1),
}
OPERANDS = st.one_of(st.integers(-3, 3), st.integers(-(2**64), 2**64))
BY_HAND: Mapping[str, Any] = {
    "increment": lambda stored, operand: (stored or 0) + operand,
    "multiply": lambda stored, operand: (stored or 0) * operand,
    "minimum": lambda stored, operand: operand if stored is None else min(stored, operand),
    "maximum": lambda stored, operand: operand if stored is None else max(stored, operand),
}


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data(), column=st.sampled_from(sorted(NUMBERS)), kind=st.sampled_from(sorted(BY_HAND)))
async def test_numbers_are_exact_or_refused(
    served: RunningGateway, data: st.DataObject, column: str, kind: str
) -> None:
    value, operand = data.draw(NUMBERS[column]), data.draw(OPERANDS)
    low, high = RANGES[column]
    value = value if value is None else max(value, low)
    sql = await asyncpg.connect(served.dsn)
    await store(sql, **{column: value})
    due = BY_HAND[kind](value, operand)
    refusal = await _reason(update(served, [of(column, kind, str(operand))]))
    if refusal:
        assert refusal in ("NUMBER_OUT_OF_RANGE", "CHECK_VIOLATION", "OUT_OF_RANGE")
        assert not low <= due <= high or not low <= operand <= high
        due = value
    assert (await stored(sql))[column] == due
    await sql.close()
