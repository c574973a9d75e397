"""Extensions of searches: pg_trgm where PostgreSQL has it, what is told where it lacks one, and old ones."""

from itertools import product
from typing import Any

import asyncpg
import pytest

from gateway.introspect import SchemaMismatchError, require_match
from gateway.migrate import MigrationError, apply
from gateway.schema.catalog_facts import with_found
from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.search.books import SEARCH, TITLES, likeness

PERSONS = "alike.v1.PersonService/SearchPersons"
NAMES = (*TITLES, "Åse Öberg", "O'Hara, Jr.", "x", "", "see see sea", "Ærø 12")


@pytest.fixture(scope="module")
async def persons(debian_15: str, transport: str) -> Any:
    """Serve persons over Debian's PostgreSQL, whose tables a migration made."""
    databases = Databases(debian_15)
    dsn = await databases.empty()
    metadata = build_tables(schema_of("alike")).metadata
    steps = [step.sql for step in await apply(metadata, lambda: asyncpg.connect(dsn))]
    assert "CREATE EXTENSION IF NOT EXISTS pg_trgm" in steps
    gateway = await serve("alike", dsn, transport=transport)
    for number, name in enumerate(NAMES):
        await gateway.sql(
            "INSERT INTO person VALUES ($1, $2, 'a long note of ' || $2 || ' and more', $2)", number, name
        )
    yield gateway
    await gateway.stop()


@pytest.mark.parametrize("text", ["see wolfs", "Ase Oberg", "öberg ÅSE", "ohara jr", "aero 12"])
async def test_likeness_is_pg_trgms(persons: RunningGateway, text: str) -> None:
    """By an index of either kind, and computed without one."""
    sql = {
        "name": "similarity(name, $1)",
        "note": "word_similarity($1, note)",
        "same": "similarity(same, $1)",
    }
    for (field, measure), threshold in product(sql.items(), (0.05, 0.31)):
        asked = {"text": text, "field": field, "threshold": threshold}
        found = (await persons.call(PERSONS, like=asked)).persons
        by_hand = await persons.sql(
            f"SELECT id, {measure} AS value FROM person WHERE {measure} >= $2 ORDER BY 2 DESC, 1",  # noqa: S608 - written here
            text,
            threshold,
        )
        wanted = [(row["id"], row["value"]) for row in by_hand]
        assert [(one.person.id, one.similarity) for one in found] == wanted


async def test_the_oracle_of_other_tests_is_pg_trgm(persons: RunningGateway) -> None:
    rows = await persons.sql(
        "SELECT a.name AS one, b.name AS other, similarity(a.name, b.name) AS value FROM person a, person b"
    )
    assert len(rows) == len(NAMES) ** 2
    assert [row["value"] for row in rows] == [likeness(row["one"], row["other"]) for row in rows]


async def test_what_is_missing_is_told_by_name(databases: Databases) -> None:
    """The embedded PostgreSQL has no pg_trgm: neither a migration nor a start goes on."""
    dsn = await databases.empty()
    metadata = build_tables(schema_of("alike")).metadata
    told = r"extension pg_trgm: `CREATE EXTENSION pg_trgm`.*contrib.*index: NONE"
    with pytest.raises(MigrationError, match=f"(?s){told}"):
        await apply(metadata, lambda: asyncpg.connect(dsn))
    with pytest.raises(SchemaMismatchError, match=f"(?s)extension pg_trgm is missing.*{told}"):
        await require_match(lambda: asyncpg.connect(dsn), metadata)


async def test_a_role_that_may_not_is_told_the_statement(databases: Databases) -> None:
    dsn = await databases.empty()
    await fetch(dsn, "DO $$ BEGIN CREATE ROLE searcher LOGIN; EXCEPTION WHEN duplicate_object THEN END $$")
    await fetch(dsn, "GRANT CREATE ON SCHEMA public TO searcher")
    metadata = build_tables(schema_of("finds")).metadata
    with pytest.raises(
        MigrationError, match="extension vector: `CREATE EXTENSION vector`, by a role that may"
    ):
        await apply(metadata, lambda: asyncpg.connect(dsn, user="searcher"))


async def test_a_migration_makes_what_searches_need(databases: Databases, transport: str) -> None:
    """Extension, columns and indexes are what a start asks for; words are computed of rows that are there."""
    dsn = await databases.empty()
    metadata = build_tables(schema_of("finds")).metadata
    await apply(metadata, lambda: asyncpg.connect(dsn))
    assert await apply(metadata, lambda: asyncpg.connect(dsn)) == ()
    await fetch(dsn, "DROP INDEX book_search_words_idx")
    await fetch(dsn, "ALTER TABLE book DROP COLUMN search_words")
    with pytest.raises(SchemaMismatchError, match="column search_words is missing: the schema says tsvector"):
        await require_match(lambda: asyncpg.connect(dsn), metadata)
    await fetch(dsn, "INSERT INTO shelf VALUES (1, 'hall')")
    values = "1, 1, 'The sea', '[1,1,1]', '[1,1]', '[1,1,1,1]', false"
    await fetch(dsn, f"INSERT INTO book (shelf, id, title, taste, place, product, secret) VALUES ({values})")  # noqa: S608 - written here
    await apply(metadata, lambda: asyncpg.connect(dsn))
    gateway = await serve("finds", dsn, transport=transport)
    assert len((await gateway.call(SEARCH, words={"query": "seas"})).hits) == 1
    await gateway.stop()


async def test_an_index_is_built_as_the_schema_says(
    databases: Databases, caplog: pytest.LogCaptureFixture
) -> None:
    """And anew where the schema says otherwise; what others change of it is told, and left alone."""
    metadata = build_tables(schema_of("finds")).metadata
    dsn = await databases.empty()
    await apply(metadata, lambda: asyncpg.connect(dsn))
    assert await _options(dsn) == ["ef_construction=40", "m=8"]
    (index,) = (one for one in metadata.tables["book"].indexes if one.name == "book_taste_hnsw_idx")
    index.dialect_options["postgresql"]["with"] = {"m": 24, "ef_construction": 64}
    assert len(await apply(metadata, lambda: asyncpg.connect(dsn))) > 0
    assert await _options(dsn) == ["m=24"]
    assert await apply(metadata, lambda: asyncpg.connect(dsn)) == ()
    index.dialect_options["postgresql"]["with"] = {"m": 24}  # pgvector's own is 64
    assert await apply(metadata, lambda: asyncpg.connect(dsn)) == ()
    await fetch(dsn, "ALTER INDEX book_taste_hnsw_idx SET (m = 40)")  # which nothing could build
    with caplog.at_level("WARNING"):
        await require_match(lambda: asyncpg.connect(dsn), metadata)
    assert "WITH (m=40)" in str([vars(record) for record in caplog.records])
    assert await apply(metadata, lambda: asyncpg.connect(dsn)) == ()


async def _options(dsn: str) -> list[str]:
    rows = await fetch(dsn, "SELECT reloptions FROM pg_class WHERE relname = 'book_taste_hnsw_idx'")
    return sorted(rows[0]["reloptions"])


async def test_an_old_pgvector_reads_all_rows(databases: Databases, transport: str) -> None:
    """Before 0.8 an index gives up where a filter leaves too few; here the catalog says that it is so old."""
    schema = schema_of("finds")
    dsn = await databases.copy_of("finds", build_tables(schema).metadata)
    assert await _indexed(dsn) == [True, False, True]
    await fetch(dsn, "UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'")
    assert await _indexed(dsn) == [False, False, False]
    gateway = await serve("finds", dsn, transport=transport)
    assert (await gateway.call(SEARCH, near={"field": "taste", "vector": [1, 2, 3]})).hits == []
    await gateway.stop()


async def _indexed(dsn: str) -> list[bool]:
    """Return of each column of vectors whether an index finds the nearest."""
    schema = schema_of("finds")
    found = await require_match(lambda: asyncpg.connect(dsn), build_tables(schema).metadata)
    search = with_found(schema, found).resources["finds.v1.Book"].search
    return [one.indexed for one in search.vectors] if search is not None else []
