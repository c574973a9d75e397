"""Transforms in bulk writes: stored rows become what ON CONFLICT DO UPDATE by hand makes, and once."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.rpc.test_by_filter import ARTICLES

BY_HAND: Mapping[str, str] = {
    "increment": "coalesce(article.{0}, 0) + excluded.{0}",
    "multiply": "coalesce(article.{0}, 0) * excluded.{0}",
    "minimum": "least(article.{0}, excluded.{0})",
    "maximum": "greatest(article.{0}, excluded.{0})",
    "append": "coalesce(article.{0}, '{{}}') || excluded.{0}",
    "append_missing": """coalesce(article.{0}, '{{}}') || ARRAY(
        SELECT e FROM unnest(excluded.{0}) WITH ORDINALITY AS u(e, i)
        WHERE NOT e = ANY(coalesce(article.{0}, '{{}}')) GROUP BY e ORDER BY min(i))""",
    "remove_all": """ARRAY(
        SELECT e FROM unnest(coalesce(article.{0}, '{{}}')) WITH ORDINALITY AS u(e, i)
        WHERE NOT e = ANY(excluded.{0}) ORDER BY i)""",
}
COLUMNS = ("quantity", "sold", "price", "weight", "room", "looks", "labels", "shelves")
_STORED = "SELECT sku, quantity, sold, price, weight, room, looks, labels, shelves FROM article ORDER BY sku"
_NUMBERS = ("increment", "multiply", "minimum", "maximum")
_LISTS = ("append", "append_missing", "remove_all")
_LOOKS = 2**15
"""At most: stored, and multiplied three times by what is sent, they are within 64 bits."""


class Served:
    """A gateway, and a connection past it. No dataclass: a property test prints its arguments' fields."""

    def __init__(self, gateway: RunningGateway, connection: asyncpg.Connection) -> None:
        self.call, self.client, self.sql = gateway.call, gateway.client, connection.fetch


@pytest.fixture(scope="module")
async def gateway(module_gateway_for: Any) -> AsyncIterator[Served]:
    gateway = await module_gateway_for("stock")
    connection = await asyncpg.connect(gateway.dsn)
    yield Served(gateway, connection)
    await connection.close()


@st.composite
def transforms(draw: st.DrawFn) -> dict[str, str]:
    """Draw what becomes of columns, by column."""
    made = {}
    for column in draw(st.lists(st.sampled_from(COLUMNS), min_size=1, unique=True)):
        made[column] = draw(st.sampled_from(_LISTS if column in ("labels", "shelves") else _NUMBERS))
    return made


@st.composite
def articles(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw rows of different keys, some of whose values are unset."""
    keys = draw(st.lists(st.integers(0, 5), max_size=5, unique=True))
    return [
        {
            "warehouse": "a",
            "sku": f"S{key}",
            "quantity": draw(st.integers(-3, 3)),
            "room": draw(st.integers(0, 9)),
            "looks": str(draw(st.integers(0, _LOOKS))),
            "labels": draw(st.lists(st.sampled_from("abc"), max_size=3)),
            "shelves": draw(st.lists(st.integers(1, 3), max_size=3)),
            **({"sold": draw(st.integers(-9, 9))} if draw(st.booleans()) else {}),
            **({"weight": draw(st.integers(-9, 9)) / 4} if draw(st.booleans()) else {}),
            **(
                {"price": {"value": f"{draw(st.integers(-500, 500)) / 100:.2f}"}}
                if draw(st.booleans())
                else {}
            ),
        }
        for key in keys
    ]


def _sent(kinds: Mapping[str, str]) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for column, kind in kinds.items():
        made.setdefault(kind, []).append(column)
    return made


_INSERT = """
    INSERT INTO article (warehouse, sku, quantity, sold, price, weight, room, looks, labels, shelves, state,
        version, updated_at)
    VALUES ($1, $2, $3, $4, $5::text::numeric, $6, $7, $8::text::numeric, $9, $10, 'new', 1, now())
    ON CONFLICT (warehouse, sku) DO UPDATE SET {}"""


async def _by_hand(gateway: Served, rows: Sequence[Mapping[str, Any]], kinds: Mapping[str, str]) -> None:
    for row in rows:
        values = {**row, "price": row["price"]["value"] if "price" in row else None}
        sets = ", ".join(f"{name} = {_expression(name, kinds, values)}" for name in COLUMNS)
        record = [values.get(name) for name in ("warehouse", "sku", *COLUMNS)]
        await gateway.sql(_INSERT.format(sets), *record)


def _expression(name: str, kinds: Mapping[str, str], row: Mapping[str, Any]) -> str:
    if row.get(name) is None:
        return f"article.{name}"
    return BY_HAND[kinds[name]].format(name) if name in kinds else f"excluded.{name}"


@settings(max_examples=15)
@given(stored=articles(), kinds=transforms(), sent=st.lists(articles(), min_size=1, max_size=3))
async def test_what_is_made_is_what_sql_makes(
    gateway: Served, stored: list[Any], kinds: dict[str, str], sent: list[Any]
) -> None:
    found = []
    for hand in (True, False):
        await gateway.sql("TRUNCATE article")
        await _by_hand(gateway, stored, {})
        if hand:
            for rows in sent:
                await _by_hand(gateway, rows, kinds)
        else:
            for rows in sent:
                await gateway.call(f"{ARTICLES}/BulkUpsertArticles", articles=rows, transforms=_sent(kinds))
        found.append(await gateway.sql(_STORED))
    assert found[1] == found[0]


def _rows(count: int, **values: Any) -> list[dict[str, Any]]:
    return [{"warehouse": "w", "sku": f"S{i}", **values} for i in range(count)]


_ADDED: dict[str, Any] = {"transforms": {"increment": ["quantity", "room"], "append": ["labels"]}}


async def _quantities(gateway: Served) -> list[tuple[int, int]]:
    rows = await gateway.sql("SELECT quantity, count(*) AS n FROM article GROUP BY 1 ORDER BY 1")
    return [(row["quantity"], row["n"]) for row in rows]


@pytest.mark.parametrize("count", [3, 3000])
async def test_many_rows_are_changed_once(gateway: Served, count: int) -> None:
    await gateway.sql("TRUNCATE article")
    for turn in range(1, 4):
        rows = _rows(count, quantity=2, labels=["a"])
        answer = await gateway.call(f"{ARTICLES}/BulkUpsertArticles", articles=rows, **_ADDED)
        assert (answer.inserted_count, answer.updated_count) == ((count, 0) if turn == 1 else (0, count))
    assert await _quantities(gateway) == [(6, count)]
    rows = [*_rows(count // 2, quantity=0), {"warehouse": "w", "sku": "new", "quantity": 1}]
    answer = await gateway.call(f"{ARTICLES}/BulkUpsertArticles", articles=rows, **_ADDED)
    assert (answer.inserted_count, answer.unchanged_count) == (1, count // 2)  # nothing is added


async def test_what_many_add_at_once_is_their_sum(gateway: Served) -> None:
    await gateway.sql("TRUNCATE article")
    calls = [
        gateway.call(f"{ARTICLES}/BulkUpsertArticles", articles=_rows(40, quantity=n), **_ADDED)
        for n in range(1, 17)
    ]
    await asyncio.gather(*calls)
    assert await _quantities(gateway) == [(sum(range(1, 17)), 40)]


@pytest.mark.parametrize("count", [5, 1500])
async def test_what_does_not_fit_is_that_rows_alone(gateway: Served, count: int) -> None:
    await gateway.sql("TRUNCATE article")
    rows = _rows(count, quantity=2, room=4_000_000_000)
    await gateway.call(f"{ARTICLES}/BulkUpsertArticles", articles=rows)
    more = _rows(count, quantity=1)
    more[3]["room"], more[4]["quantity"] = 300_000_000, 2**31 - 1  # uint32's and integer's end
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{ARTICLES}/BulkUpsertArticles", articles=more, **_ADDED)
    assert refused.value.code.name in ("OUT_OF_RANGE", "INVALID_ARGUMENT")
    assert await _quantities(gateway) == [(2, count)]
    answer = await gateway.call(
        f"{ARTICLES}/BulkUpsertArticles", articles=more, partial_failure=True, **_ADDED
    )
    assert [one.index for one in answer.failures] == [3, 4]
    assert await _quantities(gateway) == [(2, 2), (3, count - 2)]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"transforms": {"increment": ["sku"]}}, "transforms.increment[0]"),
    ({"transforms": {"increment": ["version"]}}, "transforms.increment[0]"),
    ({"transforms": {"increment": ["labels"]}}, "transforms.increment[0]"),
    ({"transforms": {"append": ["quantity"]}}, "transforms.append[0]"),
    ({"transforms": {"increment": ["sold", "none"]}}, "transforms.increment[1]"),
    ({"transforms": {"increment": ["sold"], "multiply": ["sold"]}}, "transforms.multiply[0]"),
    ({"transforms": {"increment": ["sold"]}, "update_mask": "room"}, "transforms.increment[0]"),
    ({"transforms": {"increment": ["sold"]}, "on_conflict": "ON_CONFLICT_IGNORE"}, "transforms"),
    ({"transforms": {"increment": ["sold"]}, "on_duplicate": "ON_DUPLICATE_LAST_WINS"}, "transforms"),
]


@pytest.mark.parametrize(("request_", "path"), REFUSED, ids=[str(n) for n in range(len(REFUSED))])
async def test_wrong_transforms_are_refused(gateway: Served, request_: dict[str, Any], path: str) -> None:
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{ARTICLES}/BulkUpsertArticles", articles=_rows(1), **request_)
    assert (refused.value.reason, refused.value.fields) == ("INVALID_TRANSFORM", [path])


async def test_a_key_that_comes_twice_is_refused(gateway: Served) -> None:
    rows = [*_rows(2, quantity=1), *_rows(1, quantity=5)]
    with pytest.raises(RpcFailed, match="same key"):
        await gateway.call(f"{ARTICLES}/BulkUpsertArticles", articles=rows, **_ADDED)


async def test_a_mask_leaves_alone_what_it_does_not_name(gateway: Served) -> None:
    await gateway.sql("TRUNCATE article")
    await gateway.call(f"{ARTICLES}/BulkUpsertArticles", articles=_rows(1, quantity=1, sold=2, room=3))
    more = _rows(1, quantity=1, sold=7, room=9)
    await gateway.call(
        f"{ARTICLES}/BulkUpsertArticles",
        articles=more,
        transforms={"increment": ["quantity"], "server_time": ["counted_at"]},
        update_mask="sold,quantity,countedAt",
    )
    [row] = await gateway.sql("SELECT quantity, sold, room, counted_at = updated_at AS now FROM article")
    assert dict(row) == {"quantity": 2, "sold": 7, "room": 3, "now": True}


async def test_a_chunk_that_is_sent_again_adds_nothing(gateway: Served) -> None:
    await gateway.sql("TRUNCATE article")
    start = {"stream_id": "adding", **_ADDED}
    for sequences in ((1, 2), (2, 3)):
        stream = gateway.client.converse(f"{ARTICLES}/IngestArticles")
        await stream.ask(start=start)
        for sequence in sequences:
            await stream.ask(sequence=sequence, articles=_rows(20, quantity=1))
        await stream.end()
    assert await _quantities(gateway) == [(3, 20)]
