"""Search: what is found, and how well it fits, is what SQL by hand says; in pages and in JSON too."""

from typing import Any
from urllib.parse import urlencode

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.schema.tables.metadata import build_tables
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.harness.http import ask
from tests.search.books import SEARCH, SIZES, Asked, fill, found

BOOKS = 70
TELL = "finds.v1.FindService/TellSetting"
_END_OTHERS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Served:
    """A gateway with books. No dataclass: a property test prints its arguments' fields."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway


@pytest.fixture(scope="module")
async def books(module_gateway_for: GatewayFor) -> Served:
    gateway = await module_gateway_for("finds")
    await fill(gateway.dsn, BOOKS)
    return Served(gateway)


NUMBERS = st.sampled_from((-2.0, -1.0, 0.5, 1.0, 3.0))
WEIGHTS = st.sampled_from((0.0, 1.0, 2.5))
WORDS = st.fixed_dictionaries(
    {"query": st.sampled_from(("sea", '"the sea" -wolf', "sail or kitchen", "wolves sea", "the", 'a" -('))},
    optional={"weight": WEIGHTS},
)
LIKE = st.fixed_dictionaries(
    {"text": st.sampled_from(("see wolfs", "The old men", "kitchen", "!?", "Wolf&Sheep"))},
    optional={"weight": WEIGHTS, "threshold": st.sampled_from((0.05, 0.3, 1.0))},
)
NEAR = st.sampled_from(sorted(SIZES)).flatmap(
    lambda name: st.fixed_dictionaries(
        {"field": st.just(name), "vector": st.lists(NUMBERS, min_size=SIZES[name], max_size=SIZES[name])},
        optional={
            "weight": WEIGHTS,
            "max_distance": st.sampled_from((0.0, 0.4, 2.0)),
            "exact": st.booleans(),
            "ef_search": st.sampled_from((0, 1, 100, 1000)),
        },
    )
)
PARTS = st.fixed_dictionaries(
    {}, optional={"words": WORDS, "like": LIKE, "near": NEAR, "also_near": NEAR}
).filter(bool)
WHERES = st.sampled_from(
    (
        ({}, "true"),
        ({"filter": "id < 40"}, "id < 40"),
        ({"shelf": 2}, "shelf = 2"),
        ({"filter": "id = 999"}, "false"),
    )
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=PARTS, among=WHERES, size=st.sampled_from((3, 10, 1000)))
async def test_it_finds_what_sql_by_hand_finds(books: Served, parts: Any, among: Any, size: int) -> None:
    narrowed, where = among
    wanted = await found(books.gateway, Asked(parts, where))
    hits = await _all_pages(books.gateway, {**parts, **narrowed, "page_size": size})
    assert [(one.book.shelf, one.book.id) for one in hits] == [key for key, _, _ in wanted]
    for one, (_, score, measures) in zip(hits, wanted, strict=True):
        assert one.score == pytest.approx(score, rel=1e-12)
        told = {field.name: value for field, value in one.ListFields() if field.name not in ("book", "score")}
        assert told == pytest.approx(measures, rel=1e-6, abs=1e-7)


async def _all_pages(gateway: RunningGateway, asked: dict[str, Any]) -> list[Any]:
    hits: list[Any] = []
    token = ""
    while True:
        answer = await gateway.call(SEARCH, {**asked, "page_token": token, "read_mask": "shelf,id"})
        hits += answer.hits
        token = answer.next_page_token
        assert len(answer.hits) == asked["page_size"] or not token
        if not token:
            return hits


async def test_rows_are_those_of_the_table(books: Served) -> None:
    """A mask cuts the row, `show_deleted` shows all, and relations are read where it names them."""
    gateway, words = books.gateway, {"query": "sea"}
    (hit, *_) = (await gateway.call(SEARCH, words=words, read_mask="title,standsOn.room", page_size=1)).hits
    assert {field.name for field, _ in hit.book.ListFields()} == {"title", "stands_on"}
    everything = (await gateway.call(SEARCH, words=words, show_deleted=True, page_size=1000)).hits
    attic = 'stands_on.room = "attic"'
    narrowed = (await gateway.call(SEARCH, words=words, filter=attic, page_size=1000)).hits
    assert {one.book.shelf for one in narrowed} == {2}
    stored = await gateway.sql("SELECT count(*) FROM book WHERE title ~* '\\msea\\M' OR text ~* '\\msea\\M'")
    assert len(everything) == stored[0]["count"]
    for one in everything:
        key = {"shelf": one.book.shelf, "id": one.book.id}
        assert one.book == await gateway.call("finds.v1.FindService/GetBook", key)


async def test_words_are_marked_in_html(books: Served) -> None:
    hits = (
        await books.gateway.call(SEARCH, words={"query": "fisherman sea", "highlight": ["text", "title"]})
    ).hits
    assert hits
    shown = {one.field: one.html for hit in hits for one in hit.highlights}
    assert shown["text"] == "Nets &amp; a  <mark>fisherman</mark>  &lt; 5 &#x27;ells&#x27;"
    assert all("<mark>sea</mark>" in html.lower() for html in (shown["title"],))


@pytest.mark.parametrize(
    ("asked", "reason", "field"),
    [
        ({}, "NO_SEARCH", "words"),
        ({"words": {}}, "NO_SEARCH", "words.query"),
        ({"words": {"query": "a" * 1001}}, "TOO_LONG", "words.query"),
        ({"words": {"query": "a\0"}}, "NUL_IN_TEXT", "words.query"),
        ({"words": {"query": "a", "weight": -1}}, "INVALID_WEIGHT", "words.weight"),
        ({"words": {"query": "a", "weight": "NaN"}}, "INVALID_WEIGHT", "words.weight"),
        ({"words": {"query": "a", "highlight": ["titel"]}}, "INVALID_SEARCH_FIELD", "words.highlight[0]"),
        ({"words": {"query": "a", "highlight": ["title"] * 9}}, "TOO_MANY_FIELDS", "words.highlight"),
        ({"like": {"text": "a", "threshold": 0.0}}, "INVALID_THRESHOLD", "like.threshold"),
        ({"like": {"text": "a", "threshold": 1.1}}, "INVALID_THRESHOLD", "like.threshold"),
        ({"like": {"text": "a", "field": "text"}}, "INVALID_SEARCH_FIELD", "like.field"),
        ({"near": {"vector": [1, 2, 3]}}, "INVALID_SEARCH_FIELD", "near.field"),
        ({"near": {"field": "taste", "vector": [1, 2]}}, "WRONG_DIMENSION", "near.vector"),
        ({"near": {"field": "taste", "vector": [1, 2, "Infinity"]}}, "NOT_FINITE", "near.vector"),
        ({"near": {"field": "taste", "vector": [0, 0, 0]}}, "ZERO_VECTOR", "near.vector"),
        (
            {"near": {"field": "place", "vector": [0, 0], "max_distance": "NaN"}},
            "NOT_FINITE",
            "near.max_distance",
        ),
        (
            {"near": {"field": "taste", "vector": [1, 2, 2], "ef_search": 1001}},
            "INVALID_EF_SEARCH",
            "near.ef_search",
        ),
        (
            {"also_near": {"field": "place", "vector": [0, 0], "ef_search": -1}},
            "INVALID_EF_SEARCH",
            "also_near.ef_search",
        ),
        ({"also_near": {"vector": [0, 0]}}, "INVALID_SEARCH_FIELD", "also_near.field"),
        ({"words": {"query": "a"}, "page_size": -1}, "NEGATIVE_PAGE_SIZE", "page_size"),
        ({"words": {"query": "a"}, "page_token": "x"}, "INVALID_PAGE_TOKEN", "page_token"),
    ],
)
async def test_wrong_searches_are_refused(books: Served, asked: Any, reason: str, field: str) -> None:
    with pytest.raises(RpcFailed) as failed:
        await books.gateway.call(SEARCH, asked)
    assert failed.value.reason == reason
    assert failed.value.fields == [field]


async def test_a_token_is_of_one_search(books: Served) -> None:
    asked = {"words": {"query": "sea"}, "page_size": 1}
    token = (await books.gateway.call(SEARCH, asked)).next_page_token
    for other in (
        {"words": {"query": "see"}},
        {"words": {"query": "sea", "weight": 2}},
        {"filter": "id > 0"},
    ):
        with pytest.raises(RpcFailed, match="page_token"):
            await books.gateway.call(SEARCH, {**asked, **other, "page_token": token})


async def test_steps_of_a_transaction_find_the_same(module_gateway_for: GatewayFor) -> None:
    """What one sets for its index holds for none of the others."""
    gateway = await module_gateway_for("finds", transport="http")
    await fill(gateway.dsn, 30)
    near: dict[str, Any] = {"near": {"field": "taste", "vector": [1, 2, 2]}}
    asked: list[dict[str, Any]] = [
        near,
        {"words": {"query": "sea"}},
        {"near": {**near["near"], "exact": True}},
    ]
    steps = [_step(SEARCH, one) for one in asked]
    answer = await ask(gateway.target, "POST", "/finds.v1.FindService/Transact", {"steps": steps})
    alone = [(await ask(gateway.target, "POST", f"/{SEARCH}", one)).json for one in asked]
    assert [{name: one[name] for name in one if name != "@type"} for one in answer.json["responses"]] == alone
    assert all(one["hits"] for one in alone)


def _step(method: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return a step that calls a method."""
    name = method.rpartition("/")[2]
    return {
        "method": method,
        "request": {"@type": f"type.googleapis.com/finds.v1.{name}Request", **request},
    }


async def test_rest_answers_the_same(module_gateway_for: GatewayFor) -> None:
    gateway = await module_gateway_for("finds", transport="http")
    await fill(gateway.dsn, 20)
    asked = {
        "words": {"query": "sea", "highlight": ["title"]},
        "like": {"text": "see wolfs", "threshold": 0.1},
        "near": {"field": "taste", "vector": [1, 2, 2], "ef_search": 20},
        "also_near": {"field": "place", "vector": [1, 1]},
        "page_size": 3,
    }
    wanted = json_format.MessageToDict(await gateway.call(SEARCH, asked))["hits"]
    given = {
        "words.query": "sea",
        "words.highlight": "title",
        "like.text": "see wolfs",
        "like.threshold": 0.1,
        "near.field": "taste",
        "near.vector": [1, 2, 2],
        "near.ef_search": 20,
        "also_near.field": "place",
        "also_near.vector": [1, 1],
        "page_size": 3,
    }
    by_url = await ask(gateway.target, "GET", f"/v1/books:search?{urlencode(given, doseq=True)}")
    assert by_url.json["hits"] == wanted
    plain = {"like": {"text": "see wolfs", "threshold": 0.01}}
    without = json_format.MessageToDict(await gateway.call(SEARCH, plain))["hits"]
    assert (await ask(gateway.target, "POST", f"/{SEARCH}", plain)).json["hits"] == without
    for path in ("/v1/books:search", f"/{SEARCH}"):
        assert (await ask(gateway.target, "POST", path, asked)).json["hits"] == wanted


async def test_an_index_finds_the_nearest_beside_a_filter(databases: Databases, transport: str) -> None:
    """It is scanned on where the filter leaves none of those that it would look at first, which are 40."""
    dsn = await databases.copy_of("finds", build_tables(schema_of("finds")).metadata)
    await fetch(dsn, "INSERT INTO shelf VALUES (1, 'hall')")
    await fetch(
        dsn,
        "INSERT INTO book (shelf, id, title, taste, place, product, secret) SELECT 1, n, 'Book ' || n,"
        " ARRAY[1, n / 100.0, 0]::real[]::vector, '[0,0]', '[0,0,0,1]', false FROM generate_series(1, 400) n",
    )
    change = "format('ALTER DATABASE %I SET enable_sort = off', current_database())"
    await fetch(dsn, f"DO $$ BEGIN EXECUTE {change}; END $$")
    gateway = await serve("finds", dsn, transport=transport)
    near = {"field": "taste", "vector": [1, 0, 0]}
    for asked, first in (({}, 1), ({"filter": "id > 395"}, 396)):
        for exact in (False, True):
            answer = await gateway.call(SEARCH, near={**near, "exact": exact}, **asked, page_size=5)
            assert [one.book.id for one in answer.hits] == [*range(first, first + 5)], (asked, exact)
    plan = await fetch(dsn, "EXPLAIN SELECT id FROM book ORDER BY taste <=> '[1,0,0]' LIMIT 200")
    assert any("book_taste_hnsw_idx" in str(row) for row in plan), plan
    await gateway.stop()


async def test_an_index_keeps_as_many_candidates_as_asked_for(module_gateway_for: GatewayFor) -> None:
    """Or as the column says, or the database; what one search sets holds for no other of its transaction."""
    gateway = await module_gateway_for("finds", transport="http")
    await fill(gateway.dsn, 30)
    database = gateway.dsn.rpartition("/")[2].partition("?")[0]
    await gateway.sql(f'ALTER DATABASE "{database}" SET hnsw.ef_search = 55')
    await gateway.sql(_END_OTHERS)
    taste: dict[str, Any] = {"near": {"field": "taste", "vector": [1, 2, 2]}}
    product = {"near": {"field": "product", "vector": [1, 2, 3, 4]}}
    asked = [{"near": {**taste["near"], "ef_search": 77}}, product, taste]
    steps = [step for one in asked for step in (_step(SEARCH, one), _step(TELL, {"name": "hnsw.ef_search"}))]
    answer = await ask(gateway.target, "POST", "/finds.v1.FindService/Transact", {"steps": steps})
    assert [one["value"] for one in answer.json["responses"][1::2]] == ["77", "70", "55"]
    after = await ask(gateway.target, "POST", f"/{TELL}", {"name": "hnsw.ef_search"})
    assert after.json == {"value": "55"}


async def test_each_of_two_vectors_is_looked_for_by_candidates_of_its_own(
    databases: Databases, transport: str
) -> None:
    """Where an index isn't scanned on it gives up after its first candidates: so their number shows."""
    dsn = await databases.copy_of("finds", build_tables(schema_of("finds")).metadata)
    await fill(dsn, 600)
    database = dsn.rpartition("/")[2].partition("?")[0]
    for setting in ("hnsw.max_scan_tuples = 1", "enable_seqscan = off", "enable_sort = off"):
        await fetch(dsn, f'ALTER DATABASE "{database}" SET {setting}')
    gateway = await serve("finds", dsn, transport=transport)
    taste: dict[str, Any] = {"field": "taste", "vector": [1, 2, 3]}

    async def places(name: str, **asked: Any) -> int:
        hits = (await gateway.call(SEARCH, **asked, page_size=1000, show_deleted=True)).hits
        return sum(one.HasField(name) for one in hits)

    few, many = {**taste, "ef_search": 2}, {**taste, "ef_search": 150}
    found_by_few, found_by_many = await places("near_place", near=few), await places("near_place", near=many)
    assert found_by_few < found_by_many
    for name, one, other in (("near_place", few, many), ("also_near_place", many, few)):
        assert await places(name, near=one, also_near=other) == found_by_few
    assert await places("also_near_place", near=few, also_near=many) == found_by_many
    await gateway.stop()
