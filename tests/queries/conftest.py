"""A library whose methods are queries, over a database with a function that others made."""

from typing import Any

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import RunningGateway, schema_of, serve

LIBRARY = "queries.v1.LibraryService"
DRAW = "CREATE FUNCTION public.draw() RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT 4'"


async def library(databases: Databases) -> str:
    """Return the DSN of a database with the library's tables, and books."""
    dsn = await databases.copy_of("queries", build_tables(schema_of("queries")).metadata)
    await fetch(dsn, DRAW)
    await fetch(dsn, "INSERT INTO author (id, name, country) VALUES (1, 'Ada', 'GB'), (2, 'Bo', NULL)")
    await fetch(
        dsn,
        "INSERT INTO book (id, author_id, title, pages, genre, tags, printed_at) VALUES "
        "(1, 1, 'One', 100, 'GENRE_NOVEL', '{a,b}', '2020-01-02T03:04:05Z'), "
        "(2, 1, 'Two', NULL, 'GENRE_ESSAY', '{}', NULL), "
        "(3, NULL, 'Three', 7, 'GENRE_NOVEL', '{}', NULL)",
    )
    return dsn


@pytest.fixture
async def gateway(databases: Databases, transport: str) -> Any:
    """Serve the library."""
    running: RunningGateway = await serve("queries", await library(databases), transport=transport)
    yield running
    await running.stop()
