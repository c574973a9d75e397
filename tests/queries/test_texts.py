"""The reader of queries agrees with PostgreSQL on what is a parameter, whatever stands around it."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.schema.sql_text import QueryTextError, read_query
from tests.harness.databases import Databases

WORDS = st.text("ab:id'\"$/*-;\\ \n.1_ä", max_size=12)


def _string(text: str) -> tuple[str, str]:
    return "'" + text.replace("'", "''") + "'", text


def _escaped(text: str) -> tuple[str, str]:
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'", text


def _dollars(text: str) -> tuple[str, str]:
    return f"$q${text}$q$", text


LITERALS = st.one_of(
    WORDS.map(_string),
    WORDS.map(_escaped),
    WORDS.filter(lambda text: "$" not in text).map(_dollars),
    st.just((":given", None)),
    st.just((":given::text", None)),
    st.just((":other.below", None)),
)
BETWEEN = st.one_of(
    st.just(" "),
    WORDS.map(lambda text: "/*" + text.replace("*", "").replace("/", "") + "*/"),
    WORDS.map(lambda text: "/* /*" + text.replace("*", "").replace("/", "") + "*/ :no */"),
    WORDS.map(lambda text: "--" + text.replace("\n", "") + "\n"),
)
NAMES = WORDS.filter(lambda text: text.replace("\n", "").strip() != "").map(
    lambda text: '"' + text.replace('"', '""') + '"'
)


@pytest.fixture(scope="module")
async def connection(databases: Databases) -> AsyncIterator[Any]:
    """Return a connection."""
    connection = await asyncpg.connect(await databases.empty())
    yield connection
    await connection.close()


@given(st.lists(st.tuples(LITERALS, BETWEEN, NAMES), min_size=1, max_size=6), BETWEEN)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_strings_comments_and_names_hold_no_parameters(
    connection: Any, items: list[tuple[tuple[str, str | None], str, str]], end: str
) -> None:
    columns = ",".join(f" ({text}){between}AS{between}{name} " for (text, _), between, name in items)
    query = read_query(f"SELECT{columns}{end}; {end}")
    numbered = query.numbered({"given": "text", "other.below": "text"})
    values = {"given": "1", "other.below": "2"}
    (row,) = await connection.fetch(numbered.text, *(values[name] for name in query.names))
    wanted = [
        text if text is not None else "2" if sql == ":other.below" else "1" for (sql, text), _, _ in items
    ]
    assert list(row.values()) == wanted
    for place in query.places:
        assert query.text[place.start : place.end] == f":{place.name}"


@given(st.text("ab:.'\"$/*-;\\ \nE(", max_size=40))
@settings(max_examples=1000)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(QueryTextError):
        query = read_query(text)
        assert query.text[: query.end].count(":") >= len(query.places)


def test_places_lead_back_to_what_was_written() -> None:
    text = "SELECT :a, :long_one, x FROM t WHERE y = :a AND z"
    query = read_query(text)
    numbered = query.numbered({"a": "uuid"})
    for word in ("SELECT", "x FROM", "y =", "AND z"):
        assert query.text[numbered.offset_of(numbered.text.index(word)) :].startswith(word)
    assert numbered.offset_of(numbered.text.index("$2")) == text.index(":long_one")
    assert numbered.offset_of(numbered.text.index("uuid")) == text.index(":a")
