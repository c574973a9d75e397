"""What a query touches beside what its plan shows: functions, and the tables behind views and partitions.

A plan has the tables of views and of functions that PostgreSQL inlines. It doesn't show what other functions
do, nor what a materialized view was made of.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.introspect.sql_methods.plan import Plan
from gateway.introspect.tables.table_records import Name
from gateway.schema.sql_text import Query, QueryTextError, read_query

_LEVELS = 16
"""Views over views that are looked into."""
_VIEWS = """
SELECT n.nspname || '.' || c.relname, pg_catalog.pg_get_viewdef(c.oid), coalesce((
    SELECT option_value::boolean FROM pg_catalog.pg_options_to_table(c.reloptions)
    WHERE option_name = 'security_invoker'), false)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = ANY($1::text[]) AND c.relkind = 'v'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""
_FUNCTIONS = """
SELECT DISTINCT part.provolatile = 'v', n.nspname || '.' || p.proname,
    n.nspname <> 'pg_catalog' AND l.lanname NOT IN ('internal', 'c')
        OR n.nspname = 'pg_catalog' AND p.proname = ANY($2::text[]),
    p.prosecdef OR part.prosecdef
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_aggregate AS a ON a.aggfnoid = p.oid
JOIN pg_catalog.pg_proc AS part ON part.oid IN (p.oid, a.aggtransfn, a.aggfinalfn)
JOIN pg_catalog.pg_language AS l ON l.oid = part.prolang
WHERE n.nspname <> 'information_schema' AND (p.proname = ANY($1::text[])
    OR p.proname = ANY($3::text[]) AND p.pronargs = 1 AND EXISTS (
        SELECT FROM pg_catalog.pg_type AS t WHERE t.oid = p.proargtypes[0] AND t.typtype = 'c'))
"""
"""Of an aggregate its own functions; those of a row can be called as if they were its columns."""
_RUN_SQL = (
    *("query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "table_to_xml", "schema_to_xml"),
    *("database_to_xml", "cursor_to_xml", "table_to_xml_and_xmlschema", "ts_stat", "ts_rewrite"),
    *("pg_read_file", "pg_read_binary_file", "pg_ls_dir", "currtid2", "lo_get", "lo_export"),
    *("pg_stat_get_activity", "pg_stat_get_backend_activity"),
)
"""PostgreSQL's own functions that run SQL of a text, read what is stored another way, or tell what is run."""
_UNNAMED = """
WITH written AS (
    SELECT c.oid
    FROM unnest($3::text[], $4::text[]) AS wanted(namespace, name)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = wanted.namespace
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
), called AS (
    SELECT o.oprcode AS oid FROM pg_catalog.pg_operator AS o
    WHERE pg_catalog.strpos($2, o.oprname) > 0
    UNION
    SELECT c.castfunc FROM pg_catalog.pg_cast AS c
    WHERE c.castcontext <> 'e' OR EXISTS (
        SELECT FROM pg_catalog.pg_type AS t
        WHERE t.oid IN (c.castsource, c.casttarget) AND t.typname = ANY($1::text[]))
    UNION
    SELECT t.tgfoid FROM pg_catalog.pg_trigger AS t JOIN written ON t.tgrelid = written.oid
    WHERE NOT t.tgisinternal
    UNION
    SELECT d.refobjid FROM pg_catalog.pg_attrdef AS a JOIN written ON a.adrelid = written.oid
    JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = a.oid
    WHERE d.refclassid = 'pg_catalog.pg_proc'::regclass
    UNION
    SELECT d.refobjid FROM pg_catalog.pg_constraint AS c
    JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_constraint'::regclass AND d.objid = c.oid
    WHERE d.refclassid = 'pg_catalog.pg_proc'::regclass AND (
        c.conrelid IN (SELECT oid FROM written)
        OR c.contypid IN (SELECT t.oid FROM pg_catalog.pg_type AS t WHERE t.typname = ANY($1::text[]))
        OR c.contypid IN (
            SELECT a.atttypid FROM pg_catalog.pg_attribute AS a JOIN written ON a.attrelid = written.oid))
)
SELECT p.provolatile = 'v', n.nspname || '.' || p.proname, l.lanname NOT IN ('internal', 'c'), p.prosecdef
FROM called
JOIN pg_catalog.pg_proc AS p USING (oid)
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE n.nspname <> 'pg_catalog'
"""
"""Functions that a text calls without their names: behind operators, casts and domains, and those of the
triggers, defaults, generated columns and checks of what it writes."""
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
SELECT n.nspname, c.relname, c.relrowsecurity,
    EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = c.oid)
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
class Touched:
    """What a query touches.

    Args:
        relations: the tables.
        secured: those with row-level security.
        direct: those that the query itself reads or writes, rather than what they are parts or copies of.
        written: those that it writes, or a part of.
        opaque: the functions that may read any, and views that can't be looked into.
        definers: those of them, and the views, that read by the rights of whoever made them.
        is_volatile: whether something that it calls may write.

    """

    relations: AbstractSet[Name]
    secured: AbstractSet[Name]
    direct: AbstractSet[Name]
    written: AbstractSet[Name]
    opaque: AbstractSet[str]
    definers: AbstractSet[str]
    is_volatile: bool


class _Relation(NamedTuple):
    """A table: whether it has row-level security, and whether it is a part of another."""

    is_secured: bool
    is_part: bool


class _Function(NamedTuple):
    """A function that is called: whether it may write, and read any table, by the rights of its maker."""

    is_volatile: bool
    name: str
    is_opaque: bool
    is_definer: bool


async def touched_by(connection: Any, query: Query, plan: Plan) -> Touched:
    """Return what a query of a plan touches, for all that can be told by its names and those in its views."""
    words, calls, views, unread, texts = await _names(connection, query)
    relations = await _relations(connection, plan.relations)
    written = await _relations(connection, plan.written)
    named = await connection.fetch(_FUNCTIONS, list(calls | plan.functions), list(_RUN_SQL), list(words))
    functions = [_Function(*row) for row in named] + await _unnamed(connection, words, texts, written)
    by_maker = {name for name, by_invoker in views.items() if not by_invoker}
    return Touched(
        relations=relations.keys(),
        secured={name for name, one in relations.items() if one.is_secured},
        direct=_direct(query, plan, relations),
        written=written.keys(),
        opaque={one.name for one in functions if one.is_opaque} | unread,
        definers={one.name for one in functions if one.is_opaque and one.is_definer} | by_maker,
        is_volatile=bool(unread) or any(one.is_volatile for one in functions),
    )


async def _unnamed(
    connection: Any, words: AbstractSet[str], texts: Sequence[str], written: Iterable[Name]
) -> list[_Function]:
    """Return the functions that a query and its views call without their names."""
    tables = list(written)
    schemas, names = [one.schema for one in tables], [one.name for one in tables]
    rows = await connection.fetch(_UNNAMED, list(words), "\n".join(texts), schemas, names)
    return [_Function(*row) for row in rows]


async def _names(
    connection: Any, query: Query
) -> tuple[set[str], set[str], Mapping[str, bool], AbstractSet[str], Sequence[str]]:
    """Return the words of a query and of its views, and those that a parenthesis follows.

    With them the views, whether each reads by the rights of whoever asks, those that are too long, and the
    texts of all.
    """
    words, calls, texts = set(query.words), set(query.calls), [query.text]
    views, unread = dict[str, bool](), set[str]()
    for _ in range(_LEVELS):
        found = [row for row in await connection.fetch(_VIEWS, list(words)) if row[0] not in views]
        if not found:
            return words, calls, views, unread, texts
        for name, text, by_invoker in found:
            views[name] = by_invoker
            texts.append(text)
            try:
                held = read_query(text)
            except QueryTextError:
                unread.add(name)
            else:
                words.update(held.words)
                calls |= held.calls
    return words, calls, views, unread | views.keys(), texts


async def _relations(connection: Any, names: AbstractSet[Name]) -> Mapping[Name, _Relation]:
    """Return what is known of tables, and of what they are parts or copies of."""
    if not names:
        return {}
    asked = list(names)
    rows = await connection.fetch(_BEHIND, [one.schema for one in asked], [one.name for one in asked])
    return {Name(schema, name): _Relation(*facts) for schema, name, *facts in rows}


def _direct(query: Query, plan: Plan, relations: Mapping[Name, _Relation]) -> AbstractSet[Name]:
    """Return the tables that a query itself reads or writes.

    A plan has the parts of a table in place of the whole, which is one of the query's words then. Where a
    part may be one of them, too, nothing tells that the whole isn't another's alias.
    """
    names_parts = any(relations[name].is_part and name.name in query.words for name in plan.relations)
    wholes = {name for name in relations if name.name in query.words and not names_parts}
    return plan.relations | wholes


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
