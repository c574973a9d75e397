"""Tables as pg_catalog has them. PostgreSQL: https://www.postgresql.org/docs/current/catalogs.html."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from gateway.introspect.tables.table_records import (
    Catalog,
    Check,
    Column,
    ForeignKey,
    Index,
    Key,
    Name,
    Table,
)


class Connection(Protocol):
    """What is used of a driver's connection."""

    async def fetch(self, query: str, /, *args: Any) -> Sequence[Any]:
        """Return the rows of a query."""

    async def execute(self, query: str, /) -> str:
        """Run statements that return nothing."""


TABLES = ("r", "p")
"""Kinds of relation (pg_class.relkind): tables, also partitioned ones."""
RELATIONS = (*TABLES, "v", "m", "f")
"""Tables, views, materialized views and foreign tables."""

# The tables asked for: $1 are their schemas, $2 their names, side by side; $3 are the kinds that count.
_ASKED = """
WITH asked AS MATERIALIZED (
    SELECT c.oid, n.nspname::text AS schema, c.relname::text AS "table"
    FROM unnest($1::text[], $2::text[]) AS a(schema, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = a.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = a.name AND c.relkind::text = ANY($3)
)
"""

_TABLES = f"""{_ASKED}
SELECT schema, "table", pg_catalog.obj_description(oid, 'pg_class') AS comment,
    (SELECT pg_catalog.array_agg(ARRAY[n.nspname, h.relname]::text[] ORDER BY n.nspname, h.relname)
     FROM pg_catalog.pg_inherits i
     JOIN pg_catalog.pg_class h ON h.oid = i.inhrelid AND NOT h.relispartition
     JOIN pg_catalog.pg_namespace n ON n.oid = h.relnamespace
     WHERE i.inhparent = asked.oid) AS children,
    (SELECT pg_catalog.array_agg(r.rulename::text ORDER BY r.rulename) FROM pg_catalog.pg_rewrite r
     WHERE r.ev_class = asked.oid AND r.ev_type <> '1' AND r.ev_enabled IN ('O', 'A')) AS rules,
    (SELECT pg_catalog.array_agg(ARRAY[n.nspname, h.relname, f.conname]::text[]
         ORDER BY n.nspname, h.relname, f.conname)
     FROM pg_catalog.pg_constraint f
     JOIN pg_catalog.pg_class h ON h.oid = f.conrelid
     JOIN pg_catalog.pg_namespace n ON n.oid = h.relnamespace
     WHERE f.confrelid = asked.oid AND f.contype = 'f' AND f.confdeltype = 'c'
        AND f.conparentid = 0) AS cascades,
    EXISTS (SELECT FROM pg_catalog.pg_index i
            WHERE NOT i.indimmediate AND (i.indrelid = asked.oid OR i.indrelid IN
                (SELECT relid FROM pg_catalog.pg_partition_tree(asked.oid)))) AS has_deferrable_keys,
    (SELECT c.relkind::text FROM pg_catalog.pg_class c WHERE c.oid = asked.oid) AS kind,
    (SELECT c.relispartition FROM pg_catalog.pg_class c WHERE c.oid = asked.oid) AS is_partition,
    pg_catalog.pg_get_partkeydef(asked.oid) AS partition_key,
    (SELECT pg_catalog.array_agg(
         ARRAY[n.nspname, h.relname, pg_catalog.pg_get_expr(h.relpartbound, h.oid)]::text[])
     FROM pg_catalog.pg_inherits i
     JOIN pg_catalog.pg_class h ON h.oid = i.inhrelid AND h.relispartition
     JOIN pg_catalog.pg_namespace n ON n.oid = h.relnamespace
     WHERE i.inhparent = asked.oid) AS partitions,
    (SELECT pg_catalog.array_agg(DISTINCT h.relname::text)
     FROM pg_catalog.pg_partition_tree(asked.oid) t JOIN pg_catalog.pg_class h ON h.oid = t.relid
     WHERE t.level > 0) AS parts,
    (SELECT pg_catalog.array_agg(ARRAY[x.relname, r.relname]::text[])
     FROM pg_catalog.pg_partition_tree(asked.oid) t
     JOIN pg_catalog.pg_index i ON i.indrelid = t.relid AND i.indisunique AND t.level > 0
     JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
     JOIN pg_catalog.pg_class r ON r.oid = pg_catalog.pg_partition_root(i.indexrelid)) AS partition_indexes,
    pg_catalog.pg_relation_is_updatable(oid, true) AS writes
FROM asked
"""  # noqa: S608 - made of constants""

# By a collation that isn't deterministic other texts are equal than here: it is part of the type. From
# PostgreSQL 18 NOT NULL is a constraint, and while that is not valid there may be NULLs in rows before it.
_COLUMNS = f"""{_ASKED}
SELECT t.schema, t."table", a.attname::text AS name, pg_catalog.format_type(a.atttypid, a.atttypmod)
        || coalesce(' COLLATE ' || pg_catalog.quote_ident(l.collname), '') AS type,
    NOT a.attnotnull OR EXISTS (
        SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = t.oid AND k.contype = 'n'
            AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated) AS nullable,
    a.attidentity::text AS identity, a.attgenerated::text AS generated,
    pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS expression,
    pg_catalog.col_description(t.oid, a.attnum) AS comment,
    (WITH RECURSIVE below(type, modifier) AS (
        SELECT y.typbasetype, y.typtypmod FROM pg_catalog.pg_type c
        JOIN pg_catalog.pg_type y ON y.oid IN (c.oid, c.typelem) AND y.typtype = 'd'
        WHERE c.oid = a.atttypid
        UNION ALL
        SELECT y.typbasetype, y.typtypmod FROM below
        JOIN pg_catalog.pg_type y ON y.oid = type AND y.typtype = 'd')
     SELECT pg_catalog.format_type(type, modifier) FROM below
     WHERE type NOT IN (SELECT oid FROM pg_catalog.pg_type WHERE typtype = 'd')) AS base
FROM asked t
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation AND NOT l.collisdeterministic
ORDER BY t.oid, a.attnum
"""  # noqa: S608 - made of constants""

# A reference to a partitioned table has one more to each partition, which goes with it.
# contype n (NOT NULL, from PostgreSQL 18) stands at the column; triggers and exclusions aren't modelled.
# conenforced is there from PostgreSQL 18 on; what isn't enforced isn't valid either.
_CONSTRAINTS = f"""{_ASKED}
SELECT t.schema, t."table", k.conname::text AS name, k.contype::text AS kind,
    pg_catalog.pg_get_expr(k.conbin, k.conrelid) AS expression,
    (SELECT pg_catalog.array_agg(a.attname::text ORDER BY u.at)
     FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY u(num, at)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num) AS columns,
    fn.nspname::text AS target_schema, f.relname::text AS target_table,
    (SELECT pg_catalog.array_agg(a.attname::text ORDER BY u.at)
     FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY u(num, at)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num) AS target_columns,
    k.confdeltype::text AS on_delete, k.confupdtype::text AS on_update,
    coalesce(i.indnullsnotdistinct, false) AS nulls_not_distinct, k.condeferrable AS deferrable,
    coalesce((pg_catalog.to_jsonb(k)->>'conenforced')::boolean, true) AS enforced, k.convalidated AS validated
FROM asked t
JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('p', 'u', 'c', 'f')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint whole
                    WHERE whole.oid = k.conparentid AND whole.conrelid = k.conrelid)
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u')
LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
ORDER BY t.oid, k.conname
"""  # noqa: S608 - made of constants""

_OTHERS = """
SELECT n.nspname::text AS schema, c.relname::text AS "table", CASE c.relkind WHEN 'v' THEN 'a view'
    WHEN 'm' THEN 'a materialized view' WHEN 'f' THEN 'a foreign table' WHEN 'S' THEN 'a sequence'
    WHEN 'c' THEN 'a type' ELSE 'an index' END AS kind
FROM unnest($1::text[], $2::text[]) AS a(schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = a.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = a.name AND c.relkind::text <> ALL($3)
"""

# indoption's lowest bit is DESC, the next NULLS FIRST; DESC puts nulls first unless told otherwise.
_INDEXES = f"""{_ASKED}
SELECT t.schema, t."table", c.relname::text AS name, m.amname::text AS method, i.indisunique AS unique,
    i.indnullsnotdistinct AS nulls_not_distinct, pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS predicate,
    (SELECT pg_catalog.array_agg(pg_catalog.pg_get_indexdef(i.indexrelid, g, true)
        || CASE WHEN o.opcdefault THEN '' ELSE ' ' || pg_catalog.quote_ident(o.opcname) END
        || CASE i.indoption[g - 1] & 3
           WHEN 1 THEN ' DESC NULLS LAST' WHEN 2 THEN ' NULLS FIRST' WHEN 3 THEN ' DESC' ELSE '' END
        ORDER BY g)
     FROM pg_catalog.generate_series(1, i.indnkeyatts) g
     JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[g - 1]) AS columns,
    (SELECT pg_catalog.array_agg(pg_catalog.pg_get_indexdef(i.indexrelid, g, true) ORDER BY g)
     FROM pg_catalog.generate_series(i.indnkeyatts + 1, i.indnatts) g) AS include,
    (SELECT pg_catalog.array_agg(a.attname::text ORDER BY g)
     FROM pg_catalog.generate_series(1, i.indnkeyatts) g
     JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[g - 1]) AS plain,
    (SELECT pg_catalog.array_agg(o ORDER BY o) FROM pg_catalog.unnest(c.reloptions) o
     WHERE m.amname = 'hnsw' AND o NOT IN ('m=16', 'ef_construction=64')) AS parameters,
    (SELECT pg_catalog.array_agg(DISTINCT a.attname::text) FROM pg_catalog.pg_depend p
     JOIN pg_catalog.pg_attribute a ON a.attrelid = p.refobjid AND a.attnum = p.refobjsubid
     WHERE p.classid = 'pg_catalog.pg_class'::regclass AND p.objid = i.indexrelid
       AND p.refclassid = 'pg_catalog.pg_class'::regclass AND p.refobjid = t.oid AND p.refobjsubid > 0
    ) AS reads
FROM asked t
JOIN pg_catalog.pg_index i ON i.indrelid = t.oid AND i.indisvalid
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                  WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY t.oid, c.relname
"""  # noqa: S608 - made of constants""

_ENUMS = """
SELECT n.nspname::text AS schema, t.typname::text AS name,
    coalesce(pg_catalog.array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
        FILTER (WHERE e.enumtypid IS NOT NULL), '{}') AS labels
FROM unnest($1::text[], $2::text[]) AS a(schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = a.schema
JOIN pg_catalog.pg_type t ON t.typnamespace = n.oid AND t.typname = a.name AND t.typtype = 'e'
LEFT JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid
GROUP BY 1, 2
"""

_SCHEMAS = "SELECT nspname::text AS name FROM pg_catalog.pg_namespace"
_EXTENSIONS = "SELECT extname::text AS name FROM pg_catalog.pg_extension"

_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_IDENTITY = {"a": "ALWAYS", "d": "BY DEFAULT", "": ""}

# timestamp(6) is timestamp: PostgreSQL keeps microseconds either way.
_WHOLE_MICROSECONDS = re.compile(r"^(timestamp|time|interval[a-z ]*)\(6\)")

# Whole numbers stand bare, but for bigint and smallint, which have quotes as all others.
_LISTED = re.compile(r"'((?:[^']|'')*)'|(\d+)")

Grouped = Mapping[Name, list[Any]]
_Asked: TypeAlias = tuple[list[str], list[str], list[str]]

# The bits of pg_relation_is_updatable, by what a statement does (CmdType in PostgreSQL's nodes.h).
_WRITES = {"UPDATE": 1 << 2, "INSERT": 1 << 3, "DELETE": 1 << 4}


async def read_catalog(
    connection: Connection,
    tables: Collection[Name],
    enums: Collection[Name] = (),
    kinds: Sequence[str] = TABLES,
) -> Catalog:
    """Return what the database holds of the named tables and enum types.

    Args:
        connection: inside a transaction whose search_path is `pg_catalog`, so that every other name in an
            expression is printed with its schema.
        tables: tables to look for; those that aren't there are absent from the answer, unless something else
            has their name.
        enums: enum types to look for, likewise.
        kinds: kinds of relation that are read; others are something else that has the name.

    """
    asked = (*_columns_of(tables), list(kinds))
    return Catalog(
        tables=await _read_tables(connection, asked),
        others=await _read_others(connection, asked),
        enums=await _read_enums(connection, enums),
        schemas=frozenset(row["name"] for row in await connection.fetch(_SCHEMAS)),
        extensions=frozenset(row["name"] for row in await connection.fetch(_EXTENSIONS)),
    )


async def _read_tables(connection: Connection, asked: _Asked) -> dict[Name, Table]:
    rows = await connection.fetch(_TABLES, *asked)
    columns = _by_table(await connection.fetch(_COLUMNS, *asked))
    constraints = _by_table(await connection.fetch(_CONSTRAINTS, *asked))
    indexes = _by_table(await connection.fetch(_INDEXES, *asked))
    tables = (_table(row, columns=columns, constraints=constraints, indexes=indexes) for row in rows)
    return {table.name: table for table in tables}


async def _read_others(connection: Connection, asked: _Asked) -> dict[Name, str]:
    rows = await connection.fetch(_OTHERS, *asked)
    return {Name(row["schema"], row["table"]): row["kind"] for row in rows}


async def _read_enums(connection: Connection, names: Collection[Name]) -> dict[Name, tuple[str, ...]]:
    if not names:
        return {}
    rows = await connection.fetch(_ENUMS, *_columns_of(names))
    return {Name(row["schema"], row["name"]): tuple(row["labels"]) for row in rows}


def _columns_of(names: Iterable[Name]) -> tuple[list[str], list[str]]:
    ordered = sorted(names)
    return [name.schema for name in ordered], [name.name for name in ordered]


def _by_table(rows: Iterable[Any]) -> Grouped:
    grouped: dict[Name, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[Name(row["schema"], row["table"])].append(row)
    return grouped


def _table(row: Any, *, columns: Grouped, constraints: Grouped, indexes: Grouped) -> Table:
    name = Name(row["schema"], row["table"])
    own = constraints.get(name, [])
    return Table(
        name=name,
        columns={column["name"]: _column(column) for column in columns.get(name, [])},
        keys={key["name"]: _key(key) for key in own if key["kind"] in "pu"},
        checks={check["name"]: _check(check) for check in own if check["kind"] == "c"},
        foreign_keys={key["name"]: _foreign_key(key) for key in own if key["kind"] == "f"},
        indexes={index["name"]: _index(index) for index in indexes.get(name, [])},
        comment=row["comment"],
        children=tuple(Name(*child) for child in row["children"] or ()),
        rules=tuple(row["rules"] or ()),
        cascades=tuple((Name(schema, table), key) for schema, table, key in row["cascades"] or ()),
        has_deferrable_keys=row["has_deferrable_keys"],
        is_partitioned=row["kind"] == "p",
        partition_key=row["partition_key"] or "",
        partitions={Name(schema, part): _listed(bound) for schema, part, bound in row["partitions"] or ()},
        partition_indexes=dict(row["partition_indexes"] or ()),
        parts=frozenset(row["parts"] or ()),
        is_partition=row["is_partition"],
        is_view=row["kind"] not in TABLES,
        writes=frozenset(what for what, bit in _WRITES.items() if row["writes"] & bit),
    )


def _listed(bound: str) -> frozenset[str]:
    """Return the values of a partition by list, in text; none of any other, and of the default."""
    listed = bound.removeprefix("FOR VALUES IN ")
    return frozenset(
        text.replace("''", "'") if text else number
        for text, number in (_LISTED.findall(listed) if listed != bound else ())
    )


def _column(row: Any) -> Column:
    computed = row["generated"] != ""
    return Column(
        name=row["name"],
        type=_WHOLE_MICROSECONDS.sub(r"\1", row["type"]),
        nullable=row["nullable"],
        default=None if computed else row["expression"],
        generated=row["expression"] if computed else None,
        identity=_IDENTITY[row["identity"]],
        comment=row["comment"],
        base=row["base"],
    )


def _key(row: Any) -> Key:
    return Key(
        name=row["name"],
        columns=tuple(row["columns"]),
        primary=row["kind"] == "p",
        nulls_not_distinct=row["nulls_not_distinct"],
        deferrable=row["deferrable"],
    )


def _check(row: Any) -> Check:
    return Check(
        name=row["name"],
        expression=row["expression"],
        columns=tuple(sorted(row["columns"] or ())),
        enforced=row["enforced"],
        valid=row["validated"] or not row["enforced"],
    )


def _foreign_key(row: Any) -> ForeignKey:
    return ForeignKey(
        name=row["name"],
        columns=tuple(row["columns"]),
        target=Name(row["target_schema"], row["target_table"]),
        target_columns=tuple(row["target_columns"]),
        on_delete=_ACTIONS[row["on_delete"]],
        on_update=_ACTIONS[row["on_update"]],
        enforced=row["enforced"],
        valid=row["validated"] or not row["enforced"],
    )


def _index(row: Any) -> Index:
    plain = tuple(row["plain"] or ())
    return Index(
        name=row["name"],
        columns=tuple(row["columns"]),
        method=row["method"],
        unique=row["unique"],
        nulls_not_distinct=row["nulls_not_distinct"],
        include=tuple(row["include"] or ()),
        where=row["predicate"],
        parameters=tuple(row["parameters"] or ()),
        reads=tuple(sorted(row["reads"] or ())),
        plain=plain if len(plain) == len(row["columns"]) else (),
    )
