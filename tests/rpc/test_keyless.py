"""Rows without a key, some of them alike: each is told once, in order, by pages and by streams."""

import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.schema.diagnostics import SchemaError
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import SCHEMAS, serve
from tests.harness.http import ask
from tests.rpc.readside import Stored, read_all

ROWS = "keyless.v1.Rows"
VALUES: dict[str, Sequence[str]] = {
    "n": ("1", "2"),
    "amount": ("1.0", "1.00", "100000", "1e5"),
    "ratio": ("0", "-0", "NaN"),
    "word": ("a", "B", "ä"),
    "tags": ("{}", "{1}", "{1,2}"),
    "doc": ('{"a": 1}', '{"a":1}', "null"),
    "place": ("(1,2)", "(1,-2)"),
    "span": ("1 day", "24:00"),
    "during": ("[1,3)", "empty"),
    "flag": ("t", "f"),
    "code": ("a", "abc"),
}
COLUMNS = list(VALUES)
UNSORTED = ("doc", "place")
SORTED = [name for name in COLUMNS if name not in UNSORTED]
# Columns whose equal values may differ, and those that have no order: what is left to tell rows apart.
BY_TEXT = ("amount", "ratio", "tags", "doc", "place", "span", "during", "code")
METHODS = st.sampled_from([("Measures", "measures"), ("Seens", "seens")])
# What fails is small as it is, and each example fills a table.
FEW = settings(
    max_examples=20, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)

Row = dict[str, str | None]
Order = list[tuple[str, bool]]
# Half of the columns are alike in all rows of an example, so that whole rows are.
TABLES = st.builds(
    lambda seed, size, varied: _rows(random.Random(seed), size, varied),  # noqa: S311 - a seed
    st.integers(0, 2**32),
    st.integers(0, 30),
    st.sets(st.sampled_from(COLUMNS), max_size=4),
)
ORDERS = st.lists(
    st.tuples(st.sampled_from(SORTED), st.booleans()), max_size=3, unique_by=lambda term: term[0]
)


def _rows(made: random.Random, size: int, varied: set[str]) -> list[Row]:
    alike = {name: made.choice([*VALUES[name], None]) for name in COLUMNS}
    return [
        {name: made.choice([*VALUES[name], None]) if name in varied else alike[name] for name in COLUMNS}
        for _ in range(size)
    ]


@pytest.fixture(scope="module")
async def stored(databases: Databases, transport: str) -> Any:
    """Serve the table and the view; chunks of streams hold a few rows."""
    dsn = await databases.empty()
    for statement in (SCHEMAS / "keyless" / "tables.sql").read_text().split(";\n"):
        await fetch(dsn, statement)
    gateway = await serve("keyless", dsn, transport=transport, stream_chunk_bytes=1024)
    yield Stored(gateway)
    await gateway.stop()


async def _store(stored: Stored, rows: Sequence[Row]) -> None:
    await stored.sql("TRUNCATE measure")
    names = ", ".join(f"${i}::text[]" for i in range(1, len(COLUMNS) + 1))
    casts = ", ".join(f"{name}::{_type(name)}" for name in COLUMNS)
    text = f"INSERT INTO measure SELECT {casts} FROM unnest({names}) AS s({', '.join(COLUMNS)})"  # noqa: S608 - ours
    await stored.sql(text, *([row[name] for row in rows] for name in COLUMNS))


def _type(name: str) -> str:
    types = {"n": "integer", "amount": "numeric", "ratio": "double precision", "tags": "integer[]"}
    others = {"doc": "json", "span": "interval", "during": "int4range", "flag": "boolean", "code": "char(3)"}
    return {**types, **others, "place": "point"}.get(name, "text")


def _order_by(order: Order) -> str:
    return ", ".join(f"{name} desc" if down else name for name, down in order)


async def _expected(stored: Stored, order: Order) -> list[tuple[Any, ...]]:
    """Return all rows in the order, by SQL."""
    last = " DESC" if order and order[-1][1] else ""
    named = [name for name, _ in order]
    # By its own name alone a column is what is told of it, which may be its text.
    rest = [f"m.{name}{last}" for name in SORTED if name not in named]
    texts = [f'm.{name}::text COLLATE "C"{last}' for name in BY_TEXT]
    terms = [f"m.{name} DESC" if down else f"m.{name}" for name, down in order]
    told = ", ".join(f"{name}::text" if name in ("amount", "ratio", "during") else name for name in COLUMNS)
    sql = f"SELECT {told} FROM measure m ORDER BY {', '.join([*terms, *rest, *texts])}"  # noqa: S608 - ours
    return [_of_row(row) for row in await stored.sql(sql)]


def _of_row(row: dict[str, Any]) -> tuple[Any, ...]:
    place, span, code = row["place"], row["span"], row["code"]
    return (
        row["n"],
        row["amount"],
        row["ratio"],
        row["word"],
        row["tags"] or [],
        row["doc"],
        None if place is None else (place.x, place.y),
        None if span is None else span.total_seconds(),
        row["during"],
        row["flag"],
        None if code is None else code.rstrip(),
    )


def _of_message(row: Any) -> tuple[Any, ...]:
    def of(name: str, told: Callable[[Any], Any] = lambda value: value) -> Any:
        return told(getattr(row, name)) if row.HasField(name) else None

    return (
        of("n"),
        of("amount", lambda value: value.value),
        of("ratio", lambda value: {"nan": "NaN", "-0.0": "-0", "0.0": "0"}[str(value)]),
        of("word"),
        list(row.tags),
        of("doc"),
        of("place", lambda value: (value.longitude, value.latitude)),
        of("span", lambda value: value.seconds),
        of("during"),
        of("flag"),
        of("code"),
    )


@FEW
@given(rows=TABLES, order=ORDERS, page_size=st.integers(1, 12), method=METHODS)
async def test_pages_hold_each_row_once_in_order(
    stored: Stored, rows: list[Row], order: Order, page_size: int, method: tuple[str, str]
) -> None:
    await _store(stored, rows)
    what, field = method
    found = await read_all(stored, f"{ROWS}/List{what}", field, page_size, order_by=_order_by(order))
    assert [_of_message(row) for row in found] == await _expected(stored, order)


@FEW
@given(rows=TABLES, order=ORDERS, method=METHODS, data=st.data())
async def test_a_stream_goes_on_after_any_chunk(
    stored: Stored, rows: list[Row], order: Order, method: tuple[str, str], data: st.DataObject
) -> None:
    """Chunks end amid rows that are alike, too."""
    await _store(stored, rows * 3)
    what, field = method
    asked = {"order_by": _order_by(order)}
    chunks = [chunk async for chunk in stored.gateway.client.stream(f"{ROWS}/Stream{what}", asked)]
    told = [_of_message(row) for chunk in chunks for row in getattr(chunk, field)]
    assert told == await _expected(stored, order)
    if chunks:
        stop = data.draw(st.integers(1, len(chunks)))
        read = sum(len(getattr(chunk, field)) for chunk in chunks[:stop])
        token = chunks[stop - 1].resume_token
        rest = stored.gateway.client.stream(f"{ROWS}/Stream{what}", {**asked, "resume_token": token})
        assert [_of_message(row) async for chunk in rest for row in getattr(chunk, field)] == told[read:]


async def test_rows_that_are_all_alike_are_counted_through_chunks_and_pages(stored: Stored) -> None:
    await _store(stored, [{name: VALUES[name][0] for name in COLUMNS}] * 90)
    assert len(await read_all(stored, f"{ROWS}/ListSeens", "seens", 20)) == 90
    chunks = [chunk async for chunk in stored.gateway.client.stream(f"{ROWS}/StreamSeens")]
    assert len(chunks) > 3
    left = 90
    for chunk in chunks:
        left -= len(chunk.seens)
        rest = stored.gateway.client.stream(f"{ROWS}/StreamSeens", resume_token=chunk.resume_token)
        assert sum([len(one.seens) async for one in rest]) == left


async def test_rows_are_filtered_counted_and_masked(stored: Stored) -> None:
    """The columns of the order come from the database whatever the mask shows."""
    await _store(stored, [{**dict.fromkeys(COLUMNS), "n": str(i % 2), "word": "x"} for i in range(9)])
    page = {"filter": "n = 1", "read_mask": "word", "page_size": 3}
    first = await stored.call(f"{ROWS}/ListSeens", page)
    second = await stored.call(f"{ROWS}/ListSeens", **page, page_token=first.next_page_token)
    told = [(row.word, row.HasField("n")) for row in (*first.seens, *second.seens)]
    assert (told, first.total_size, second.next_page_token) == ([("x", False)] * 4, 4, "")
    assert (await stored.call(f"{ROWS}/CountMeasures", filter="n = 0")).count == 5


async def test_a_token_serves_its_own_list_alone(stored: Stored) -> None:
    await _store(stored, [dict.fromkeys(COLUMNS)] * 3)
    token = (await stored.call(f"{ROWS}/ListSeens", page_size=1)).next_page_token
    with pytest.raises(RpcFailed) as failed:
        await stored.call(f"{ROWS}/ListSeens", page_size=1, page_token=token, order_by="n desc")
    assert failed.value.reason == "PAGE_TOKEN_MISMATCH"


async def test_long_rows_have_long_tokens(stored: Stored) -> None:
    """There is no key by which their values could be looked up."""
    words = [letter * 100_000 for letter in "aab"]
    await stored.sql("TRUNCATE measure")
    await stored.sql("INSERT INTO measure (word) SELECT unnest($1::text[])", words)
    found = await read_all(stored, f"{ROWS}/ListMeasures", "measures", 1, read_mask="word")
    assert [row.word for row in found] == words
    await stored.sql("UPDATE measure SET word = repeat(word, 40)")
    with pytest.raises(RpcFailed) as failed:
        await stored.call(f"{ROWS}/ListMeasures", page_size=1, read_mask="n")
    assert failed.value.reason == "ROW_TOO_LONG"


async def test_a_value_that_cannot_be_told_is_named_without_a_key(stored: Stored) -> None:
    await _store(stored, [{**dict.fromkeys(COLUMNS), "span": "1 month"}])
    with pytest.raises(RpcFailed) as failed:
        await stored.call(f"{ROWS}/ListMeasures")
    assert (failed.value.reason, failed.value.fields) == ("UNREPRESENTABLE_VALUE", ["span"])
    assert (await stored.call(f"{ROWS}/ListMeasures", read_mask="n")).total_size == 1


async def test_rest_lists_them_too(stored: Stored) -> None:
    await _store(stored, [{**dict.fromkeys(COLUMNS), "n": "1"}] * 3)
    gateway = await serve("keyless", stored.gateway.dsn, transport="http")
    try:
        first = (await ask(gateway.target, "GET", "/v1/seens?pageSize=2")).json
        second = (await ask(gateway.target, "GET", f"/v1/seens?pageToken={first['nextPageToken']}")).json
    finally:
        await gateway.stop()
    assert [first["seens"], second["seens"]] == [[{"n": 1}] * 2, [{"n": 1}]]


GROUPED = ("n", "amount", "ratio", "word", "span", "during", "flag", "code")


@FEW
@given(
    rows=TABLES,
    keys=st.lists(st.sampled_from(GROUPED), max_size=3, unique=True),
    page_size=st.integers(1, 5),
    order_by=st.sampled_from(["", "rows desc", "total", "last desc, rows"]),
)
async def test_groups_of_rows_without_a_key(
    stored: Stored, rows: list[Row], keys: list[str], page_size: int, order_by: str
) -> None:
    """By the view; equal values are one group, however they are written."""
    await _store(stored, rows)
    asked = {"group_by": keys, "order_by": order_by}
    groups = await read_all(stored, f"{ROWS}/AggregateSeens", "groups", page_size, **asked)
    told = [
        (group.rows, group.total.value and Decimal(group.total.value), list(group.words), group.last)
        for group in groups
    ]
    by = f"GROUP BY {', '.join(keys)}" if keys else ""
    by_hand = await stored.sql(
        "SELECT count(*) AS rows, sum(amount) AS total,"  # noqa: S608 - ours
        " (array_agg(DISTINCT word ORDER BY word) FILTER (WHERE word IS NOT NULL))[:2] AS words,"
        f" (array_agg(n ORDER BY word DESC NULLS LAST, n DESC NULLS LAST))[1] AS last FROM measure {by}"
    )
    due = [
        (row["rows"], "" if row["total"] is None else row["total"], row["words"] or [], row["last"] or 0)
        for row in by_hand
    ]
    assert sorted(told, key=repr_of) == sorted(due, key=repr_of)
    assert (await stored.call(f"{ROWS}/ExistsSeens")).exists == bool(rows)


def repr_of(group: tuple[Any, ...]) -> str:
    """Return what a group is sorted by: equal numbers are alike."""
    count, total, words, last = group
    return repr((count, float(total or 0), words, last))


def test_methods_that_name_a_row_are_refused(tmp_path: Any) -> None:
    text = (SCHEMAS / "keyless" / "keyless.proto").read_text()
    getter = "rpc GetMeasure(ListMeasuresRequest) returns (Measure);\n  rpc CountSeens"
    (tmp_path / "keyless.proto").write_text(text.replace("rpc CountSeens", getter))
    with pytest.raises(SchemaError) as refused:
        read_schema(compile_protos(tmp_path))
    [wrong] = refused.value.diagnostics
    assert (wrong.wrong, wrong.right) == (
        "needs a key, and keyless.v1.Measure has none",
        "leave it out: rows without a key have List, Count, Stream, Aggregate, Exists",
    )
