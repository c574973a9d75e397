"""Types that tables of others have: what is sent is stored exactly, or refused by its field."""

from typing import Any

import pytest

from gateway.schema.tables.metadata import build_tables
from gateway.sql.reads.select import select_by_key
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import SCHEMAS, RunningGateway, schema_of, serve

PRODUCTS = "unmanaged.v1.Products"
WHOLE: dict[str, Any] = {
    "code": "a b",
    "mood": "MOOD_FINE",
    "moods": ["MOOD_SO_SO", "MOOD_FINE"],
    "color": "COLOR_BLUE",
    "price": {"value": "12.50"},
    "cost": "$1,234.50",
    "made": "2026-11-22T10:00:00.125Z",
    "seen": "2026-11-22T10:00:01Z",
    "opens": {"hours": 8, "minutes": 30},
    "lasts": "1.250s",
    "at": "12:30:00.125+02",
    "flags": "101",
    "alias": "x" * 63,
    "years": "[1,5)",
    "codes": ["abc", "d"],
    "masks": ["101"],
    "times": ["2026-11-22T10:00:00.125Z"],
}
STORED = (
    "SELECT code::text, mood::text, moods::text, color, price::text, cost::numeric::text, made::text, "
    "opens::text, lasts::text, at::text, flags::text, alias::text, years::text, codes::text, masks::text, "
    "cardinality(times) FROM shop.product"
)
AS_STORED = (
    *("a b", 'it\'s "fine"', '{"so so","it\'s \\"fine\\""}', "#00f", "12.50", "1234.50"),
    *("2026-11-22 10:00:00.125", "08:30:00", "00:00:01.25", "12:30:00.125+02", "101", "x" * 63),
    *("[1,5)", '{abc,"d  "}', "{101}", 1),
)
# A field, what it can't hold, and why.
REFUSED: list[tuple[str, Any, str]] = [
    ("code", "abcdef", "TOO_LONG"),
    ("code", "ab ", "INEXACT"),
    ("price", {"value": "12.505"}, "INEXACT"),
    ("cost", "12.505", "INVALID_NUMBER"),
    ("made", "2026-11-22T10:00:00.1255Z", "INEXACT"),
    ("seen", "2026-11-22T10:00:00.5Z", "INEXACT"),
    ("opens", {"nanos": 500_000_000}, "INEXACT"),
    ("lasts", "1.255s", "INEXACT"),
    ("at", "12:30:00.1255+02", "INEXACT"),
    ("flags", "1011", "INEXACT"),
    ("alias", "x" * 64, "TOO_LONG"),
    ("moods", ["MOOD_UNSPECIFIED"], "UNKNOWN_ENUM_VALUE"),
    ("codes", ["abcd"], "TOO_LONG"),
    ("masks", ["1"], "INEXACT"),
    ("times", ["2026-11-22T10:00:00.1255Z"], "INEXACT"),
]


@pytest.fixture(scope="module")
async def served(databases: Databases, transport: str) -> Any:
    """Serve products, of which migrations know nothing."""
    dsn = await databases.empty()
    for statement in (SCHEMAS / "unmanaged" / "tables.sql").read_text().split(";\n"):
        await fetch(dsn, statement)
    gateway = await serve("unmanaged", dsn, transport=transport)
    yield gateway
    await gateway.stop()


@pytest.fixture
async def gateway(served: RunningGateway) -> RunningGateway:
    """Return the gateway over an empty table."""
    await served.sql("TRUNCATE shop.product")
    return served


async def stored(gateway: RunningGateway) -> list[tuple[Any, ...]]:
    """Return what is stored, as PostgreSQL spells it."""
    return [tuple(row.values()) for row in await gateway.sql(STORED)]


async def test_every_type_is_stored_and_read_as_it_was_sent(gateway: RunningGateway) -> None:
    sent = gateway.client.message("unmanaged.v1.Product", WHOLE)
    assert await gateway.call(f"{PRODUCTS}/CreateProduct", product=WHOLE) == sent
    assert await stored(gateway) == [AS_STORED]
    assert await gateway.call(f"{PRODUCTS}/GetProduct", code="a b") == sent
    batch = await gateway.call(f"{PRODUCTS}/BatchGetProducts", codes=["a b"])
    assert list(batch.products) == [sent]
    answer = await gateway.call(f"{PRODUCTS}/BulkUpsertProducts", products=[WHOLE])
    assert (answer.inserted_count, answer.unchanged_count) == (0, 1)


@pytest.mark.parametrize("rows", [1, 40])
async def test_bulk_rows_are_stored_the_same(gateway: RunningGateway, rows: int) -> None:
    """Few are sent as arrays, many by COPY."""
    products = [{**WHOLE, "code": f"{n}"} for n in range(rows)]
    assert (await gateway.call(f"{PRODUCTS}/BulkUpsertProducts", products=products)).inserted_count == rows
    assert {row[1:] for row in await stored(gateway)} == {AS_STORED[1:]}
    changed = [{**product, "made": "2026-11-22T10:00:00.250Z", "mood": "MOOD_SO_SO"} for product in products]
    assert (await gateway.call(f"{PRODUCTS}/BulkUpsertProducts", products=changed)).updated_count == rows
    assert {(row[1], row[6]) for row in await stored(gateway)} == {("so so", "2026-11-22 10:00:00.25")}


async def test_what_a_column_would_cut_or_round_is_refused(gateway: RunningGateway) -> None:
    for field, value, reason in REFUSED:
        with pytest.raises(RpcFailed) as refused:
            await gateway.call(f"{PRODUCTS}/CreateProduct", product={**WHOLE, field: value})
        assert (refused.value.reason, refused.value.fields) == (reason, [f"product.{field}"]), field
        with pytest.raises(RpcFailed) as refused:
            await gateway.call(f"{PRODUCTS}/BulkUpsertProducts", products=[{**WHOLE, field: value}])
        assert refused.value.fields == [f"products[0].{field}"], field
    assert await stored(gateway) == []


async def test_a_zero_without_a_label_takes_the_columns_default(gateway: RunningGateway) -> None:
    product = {"code": "c", "price": {"value": "1"}}
    created = await gateway.call(f"{PRODUCTS}/CreateProduct", product=product)
    assert (created.mood, created.HasField("made"), list(created.moods)) == (2, True, [])
    await gateway.call(f"{PRODUCTS}/BulkUpsertProducts", products=[{**product, "code": "d"}])
    assert [row[1] for row in await stored(gateway)] == ["great!"] * 2
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{PRODUCTS}/UpdateProduct", product={"code": "c"}, update_mask="mood")
    assert refused.value.reason == "UNKNOWN_ENUM_VALUE"


async def test_filters_name_values_as_messages_have_them(gateway: RunningGateway) -> None:
    others = {"code": "other", "mood": "MOOD_SO_SO", "made": "2020-01-01T00:00:00Z", "price": {"value": "2"}}
    await gateway.call(f"{PRODUCTS}/BulkUpsertProducts", products=[WHOLE, others])
    for filter_ in (
        'code = "a b"',
        "mood = MOOD_FINE",
        "moods:MOOD_FINE",
        "color = COLOR_BLUE",
        'made > "2020-01-01T00:00:00.000001Z"',
        'made = "2026-11-22T10:00:00.125Z"',
        'opens < "08:30:00.4"',
        "lasts = 1.25s",
        'flags = "101"',
        'cost > "$1,234.49"',
        'years = "[1,5)"',
    ):
        found = await gateway.call(f"{PRODUCTS}/ListProducts", filter=filter_)
        assert [product.code for product in found.products] == ["a b"], filter_
    page = {"order_by": "made desc, code", "page_size": 1}
    first = await gateway.call(f"{PRODUCTS}/ListProducts", page)
    second = await gateway.call(f"{PRODUCTS}/ListProducts", **page, page_token=first.next_page_token)
    assert [product.code for product in (*first.products, *second.products)] == ["a b", "other"]


async def test_a_padded_key_is_found_by_its_index(gateway: RunningGateway) -> None:
    """A cast of the column to text would read the whole table."""
    await gateway.sql("INSERT INTO shop.product (code, price) SELECT n, 1 FROM generate_series(1, 2000) n")
    await gateway.sql("ANALYZE shop.product")
    schema = schema_of("unmanaged")
    resource = schema.resources["unmanaged.v1.Product"]
    table = build_tables(schema).tables["unmanaged.v1.Product"]
    statement = select_by_key(resource, table, resource.key_fields).text.replace("$1", "'77'")
    plan = await gateway.sql(f"EXPLAIN {statement}")
    assert "Index" in plan[0]["QUERY PLAN"]
