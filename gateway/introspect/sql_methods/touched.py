"""What a query touches beside what its plan shows: functions, and the tables behind views and partitions.

A plan has the tables of views and of functions that PostgreSQL inlines. It doesn't show what other functions
do, nor what a materialized view was made of.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.introspect.table_records import Name
from gateway.schema.sql_text import Query, QueryTextError, read_query

_LEVELS = 16
"""Views over views that are looked into."""
_VIEWS = """
SELECT n.nspname || '.' || c.relname, pg_catalog.pg_get_viewdef(c.oid)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = ANY($1::text[]) AND c.relkind = 'v'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""
_FUNCTIONS = """
SELECT p.provolatile = 'v', n.nspname || '.' || p.proname,
    n.nspname <> 'pg_catalog' AND l.lanname NOT IN ('internal', 'c')
        OR n.nspname = 'pg_catalog' AND p.proname = ANY($2::text[])
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE p.proname = ANY($1::text[]) AND n.nspname <> 'information_schema'
"""
_RUN_SQL = (
    *("query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "table_to_xml", "schema_to_xml"),
    *("database_to_xml", "cursor_to_xml", "table_to_xml_and_xmlschema", "ts_stat", "ts_rewrite"),
)
"""PostgreSQL's own functions that run SQL of a text."""
_HIDDEN = """
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_operator AS o JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode
    WHERE o.oid >= 16384 AND p.provolatile = 'v'
) OR EXISTS (
    SELECT FROM pg_catalog.pg_cast AS c JOIN pg_catalog.pg_proc AS p ON p.oid = c.castfunc
    WHERE c.oid >= 16384 AND p.provolatile = 'v'
)
"""
_BEHIND = """
WITH RECURSIVE reached(oid) AS (
    SELECT c.oid
    FROM unnest($1::text[], $2::text[]) AS wanted(namespace, name)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = wanted.namespace
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
    UNION
    SELECT next.oid FROM reached, LATERAL (
        SELECT i.inhparent FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = reached.oid
        UNION ALL
        SELECT d.refobjid FROM pg_catalog.pg_rewrite AS r
        JOIN pg_catalog.pg_depend AS d
            ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
            AND d.refclassid = 'pg_catalog.pg_class'::regclass
        WHERE r.ev_class = reached.oid
    ) AS next(oid)
)
SELECT n.nspname, c.relname, c.relrowsecurity
FROM reached JOIN pg_catalog.pg_class AS c USING (oid)
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
"""
_NOT_NULL = """
SELECT n.nspname, c.relname, a.attname
FROM unnest($1::text[], $2::text[], $3::text[]) AS wanted(namespace, name, attribute)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = wanted.namespace
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = wanted.attribute
WHERE a.attnotnull
"""


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions that a query may call, by the names in it and in the views that it reads.

    Args:
        volatile: whether one of them may write.
        opaque: those that may read any table.

    """

    volatile: bool
    opaque: tuple[str, ...]


async def functions_of(connection: Any, query: Query) -> Functions:
    """Return the functions that a query may call."""
    calls, unread = await _calls(connection, query)
    rows = await connection.fetch(_FUNCTIONS, list(calls), list(_RUN_SQL))
    hidden = bool((await connection.fetch(_HIDDEN))[0][0])
    opaque = {name for _, name, is_opaque in rows if is_opaque} | unread
    volatile = hidden or bool(unread) or any(volatile for volatile, _, _ in rows)
    return Functions(volatile, tuple(sorted(opaque)))


async def _calls(connection: Any, query: Query) -> tuple[set[str], set[str]]:
    """Return what a parenthesis follows, in views too, and the views that are too long or deep to be read."""
    words, calls = set(query.words), set(query.calls)
    seen, unread = set[str](), set[str]()
    for _ in range(_LEVELS):
        views = [row for row in await connection.fetch(_VIEWS, list(words)) if row[0] not in seen]
        if not views:
            return calls, unread
        for name, text in views:
            seen.add(name)
            try:
                held = read_query(text)
            except QueryTextError:
                unread.add(name)
            else:
                words.update(held.words)
                calls |= held.calls
    return calls, unread | seen


async def relations_behind(connection: Any, names: Iterable[Name]) -> dict[Name, bool]:
    """Return some tables and those that they are parts or copies of: whether each has row-level security."""
    asked = list(names)
    rows = await connection.fetch(_BEHIND, [one.schema for one in asked], [one.name for one in asked])
    return {Name(schema, name): secured for schema, name, secured in rows}


async def not_null_columns(
    connection: Any, columns: Iterable[tuple[Name, str]]
) -> frozenset[tuple[Name, str]]:
    """Return which of some columns are NOT NULL."""
    asked = list(columns)
    lists = (
        [name.schema for name, _ in asked],
        [name.name for name, _ in asked],
        [column for _, column in asked],
    )
    rows = await connection.fetch(_NOT_NULL, *lists)
    return frozenset((Name(schema, name), column) for schema, name, column in rows)
