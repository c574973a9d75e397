"""Statements that name every staged row which breaks a constraint, by asking the data instead of the error.

PostgreSQL stops at the first broken row. So after an error the rows as they would be stored go into a second
temporary table, and one query per constraint finds all those that break it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from gateway.schema.model import Field, Resource
from gateway.schema.tables.internal import OWN_COLUMNS
from gateway.sql.bulk.shape import (
    INDEX,
    BulkShape,
    inserted_values,
    key_matches,
    literal,
    quote,
    stage_name,
    stored_type,
    table_name,
    updated_values,
)
from gateway.sql.statement import Statement

_I = quote(INDEX)
_ROW = quote(f"{OWN_COLUMNS}row")
# A row's place is its own within a partition only.
_PART = quote(f"{OWN_COLUMNS}part")
"""Where the stored row stands that a sent row would update; NULL for a new one."""


class Breach(Enum):
    """What a row can break; values are the SQLSTATE that PostgreSQL raises."""

    NOT_NULL = "23502"
    FOREIGN_KEY = "23503"
    UNIQUE = "23505"
    CHECK = "23514"


@dataclass(frozen=True, slots=True)
class Rule:
    """A constraint or unique index of a table, as the catalog has it.

    Args:
        breach: what breaking it is.
        name: its name; for NOT NULL the column's.
        columns: its columns.
        condition: a check's condition, or a partial index's predicate.
        target: a foreign key's table, quoted.
        target_columns: a foreign key's columns there.
        nulls_equal: whether NULLs collide.
        reads: every column that it looks at: its own, and those of its condition.

    """

    breach: Breach
    name: str
    columns: tuple[str, ...]
    condition: str | None = None
    target: str = ""
    target_columns: tuple[str, ...] = ()
    nulls_equal: bool = False
    reads: frozenset[str] = frozenset()


# Expression indexes are left out, as are constraint triggers: their rows are found by halving.
READ_RULES = Statement(
    """
    WITH place AS (SELECT to_regclass($1)::oid AS id),
    names AS (SELECT attnum, attname FROM pg_attribute, place WHERE attrelid = id AND attnum > 0)
    SELECT '23502', attname, ARRAY[attname]::text[], NULL, '', NULL::text[], false, ARRAY[attname]::text[]
    FROM pg_attribute, place WHERE attrelid = id AND attnum > 0 AND attnotnull AND NOT attisdropped
    UNION ALL
    SELECT CASE contype WHEN 'c' THEN '23514' ELSE '23503' END, conname,
        ARRAY(SELECT attname::text FROM pg_catalog.unnest(conkey) WITH ORDINALITY AS k(n, o)
              JOIN names ON attnum = n ORDER BY o),
        pg_get_expr(conbin, conrelid),
        CASE contype WHEN 'f' THEN confrelid::regclass::text ELSE '' END,
        ARRAY(SELECT attname::text FROM pg_catalog.unnest(confkey) WITH ORDINALITY AS k(n, o)
              JOIN pg_attribute ON attrelid = confrelid AND attnum = n ORDER BY o),
        false,
        ARRAY(SELECT attname::text FROM names WHERE attnum = ANY(conkey))
    FROM pg_constraint, place WHERE conrelid = id AND contype IN ('c', 'f')
    UNION ALL
    SELECT '23505', relname,
        ARRAY(SELECT attname::text FROM pg_catalog.unnest(indkey) WITH ORDINALITY AS k(n, o)
              JOIN names ON attnum = n WHERE o <= indnkeyatts ORDER BY o),
        pg_get_expr(indpred, indrelid), '', NULL, indnullsnotdistinct,
        ARRAY(SELECT attname::text FROM names WHERE attnum = ANY(indkey) OR attnum IN
              (SELECT refobjsubid FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = indexrelid
               AND refclassid = 'pg_class'::regclass AND refobjid = indrelid))
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid, place
    WHERE indrelid = id AND indisunique AND indexprs IS NULL
    """,
    binds=("table",),
    fields=(),
    writes=False,
    name="read constraints",
    constants={},
)
"""Reads the rules of a table; each row has the fields of Rule."""


@dataclass(frozen=True, slots=True)
class LocateStatements:
    """What a shape needs to find bad rows.

    Args:
        create: makes the table of the rows as they would be stored, for staged rows between two indexes.
        drop: drops it.

    """

    create: Statement
    drop: Statement


def locate_statements(shape: BulkShape, low: int, high: int) -> LocateStatements:
    """Return the statements that stage the rows as they would be stored."""
    name = f"locate bad rows {shape.resource.table}"
    effective = _effective_name(shape.resource)
    return LocateStatements(
        Statement(_create(shape, low, high), (), (), writes=True, name=name, constants={}),
        Statement(f"DROP TABLE pg_temp.{effective}", (), (), writes=True, name=name, constants={}),
    )


def can_judge(shape: BulkShape, rule: Rule) -> bool:
    """Return whether all that a rule reads of a new row is known before the row is stored.

    What PostgreSQL computes or numbers, and columns that the schema doesn't know, are NULL here, which may
    break a rule that the stored row keeps: two such rows look equal to a key that takes NULLs for equal.
    """
    resource = shape.resource
    unknown = {field.column for field in resource.fields if field.identity}
    known = {*inserted_values(shape), resource.soft_delete} - unknown
    return rule.reads <= known


def broken_by(shape: BulkShape, rule: Rule) -> Statement:
    """Return the statement that returns the indexes of all rows that break a rule."""
    text = _QUERIES[rule.breach](shape, rule)
    name = f"locate bad rows {shape.resource.table}"
    return Statement(text, (), (), writes=False, name=name, constants={})


def badly_written(shape: BulkShape, field: Field) -> Statement:
    """Return the statement that returns the rows whose text the type refuses. PostgreSQL 16 and later."""
    value = f"CAST(s.{quote(field.column)} AS text)"
    stage = f"pg_temp.{quote(stage_name(shape.resource))}"
    valid = f"pg_input_is_valid({value}, {literal(stored_type(field))})"
    text = f"SELECT s.{_I} FROM {stage} AS s WHERE NOT {valid}"
    name = f"locate bad rows {shape.resource.table}"
    return Statement(text, (), (), writes=False, name=name, constants={})


def _effective_name(resource: Resource) -> str:
    return quote(f"{stage_name(resource)}_effective")


def _create(shape: BulkShape, low: int, high: int) -> str:
    """Return CREATE TABLE AS, which takes no parameters: the bounds are numbers of ours."""
    fresh = inserted_values(shape)
    kept = updated_values(shape) if shape.updates else {}
    known = {field.column: field for field in (*shape.resource.fields, *shape.resource.zeroed)}
    columns = ", ".join(_effective(field, fresh, kept) for field in known.values())
    stage = f"pg_temp.{quote(stage_name(shape.resource))}"
    only_new = "" if shape.updates else " AND t.ctid IS NULL"
    return (
        f"CREATE TEMPORARY TABLE {_effective_name(shape.resource)} ON COMMIT DROP AS "
        f"SELECT s.{_I}, t.ctid AS {_ROW}, t.tableoid AS {_PART}, {columns} FROM {stage} AS s "
        f"LEFT JOIN {table_name(shape.resource)} AS t ON {key_matches(shape)} "
        f"WHERE s.{_I} BETWEEN {low:d} AND {high:d}{only_new}"
    )


def _effective(field: Field, fresh: dict[str, str], kept: dict[str, str]) -> str:
    column = quote(field.column)
    stored = kept.get(field.column, f"t.{column}")
    # A number drawn here would be lost; an identity never breaks a rule that the database's own number keeps.
    new = "NULL" if field.identity else fresh.get(field.column, "NULL")
    typed = f"CAST({new} AS {stored_type(field)})"
    return f"CASE WHEN t.ctid IS NULL THEN {typed} ELSE {stored} END AS {column}"


def _rows(shape: BulkShape, alias: str = "e") -> str:
    return f"pg_temp.{_effective_name(shape.resource)} AS {alias}"


def _is_null(shape: BulkShape, rule: Rule) -> str:
    field = shape.resource.by_column.get(rule.name)
    unfilled = field is not None and field.writable and not field.identity
    return f"SELECT {_I} FROM {_rows(shape)} WHERE {f'e.{quote(rule.name)} IS NULL' if unfilled else 'false'}"


def _fails_check(shape: BulkShape, rule: Rule) -> str:
    return f"SELECT {_I} FROM {_rows(shape, quote(shape.resource.table))} WHERE NOT ({rule.condition})"


def _dangles(shape: BulkShape, rule: Rule) -> str:
    """Return the rows whose reference is neither stored nor among the rows of this request."""
    known = " AND ".join(f"e.{quote(column)} IS NOT NULL" for column in rule.columns)
    pairs = list(zip(rule.columns, rule.target_columns, strict=True))
    dangling = _no_match(rule.target, pairs)
    if rule.target in _spellings(shape.resource):
        dangling += f" AND {_no_match(f'pg_temp.{_effective_name(shape.resource)}', pairs)}"
    return f"SELECT {_I} FROM {_rows(shape)} WHERE {known} AND {dangling}"


def _no_match(table: str, pairs: Sequence[tuple[str, str]]) -> str:
    same = " AND ".join(f"r.{quote(theirs)} = e.{quote(ours)}" for ours, theirs in pairs)
    return f"NOT EXISTS (SELECT FROM {table} AS r WHERE {same})"


def _spellings(resource: Resource) -> tuple[str, ...]:
    """Return how `regclass` may print the resource's own table: bare where the search path finds it."""
    bare = resource.table if quote(resource.table) == f'"{resource.table}"' else quote(resource.table)
    schemas = (resource.schema, quote(resource.schema))
    tables = (bare, quote(resource.table))
    return (*tables, *(f"{schema}.{table}" for schema in schemas for table in tables))


def _collides(shape: BulkShape, rule: Rule) -> str:
    """Return the rows that would hold a value twice: one of a stored row, or one of a row before them.

    A stored row that this request writes counts with its new values. Among the sent rows the one that holds
    the value already is in the right, then the first.
    """
    values = ", ".join(f"e.{quote(column)}" for column in rule.columns)
    equals = "IS NOT DISTINCT FROM" if rule.nulls_equal else "="
    same = " AND ".join(f"t.{quote(column)} {equals} e.{quote(column)}" for column in rule.columns)
    known = "true" if rule.nulls_equal else " AND ".join(f"e.{quote(c)} IS NOT NULL" for c in rule.columns)
    table = table_name(shape.resource)
    where = f"({rule.condition})" if rule.condition else "true"
    return (
        f"WITH e AS (SELECT * FROM {_rows(shape, quote(shape.resource.table))} WHERE {where}), "
        f"t AS (SELECT *, ctid AS {_ROW}, tableoid AS {_PART} FROM {table} WHERE {where}) "
        f"SELECT e.{_I} FROM e JOIN t ON {same} "
        f"WHERE (t.{_ROW}, t.{_PART}) IS DISTINCT FROM (e.{_ROW}, e.{_PART}) AND NOT EXISTS "
        f"(SELECT FROM {_rows(shape, 'm')} WHERE m.{_ROW} = t.{_ROW} AND m.{_PART} = t.{_PART}) "
        f"UNION SELECT {_I} FROM (SELECT e.{_I}, row_number() OVER (PARTITION BY {values} "
        f"ORDER BY (t.{_ROW} IS NULL), e.{_I}) AS n FROM e LEFT JOIN t "
        f"ON t.{_ROW} = e.{_ROW} AND t.{_PART} = e.{_PART} AND {same} WHERE {known}) AS ranked WHERE n > 1"
    )


_QUERIES = {
    Breach.NOT_NULL: _is_null,
    Breach.CHECK: _fails_check,
    Breach.FOREIGN_KEY: _dangles,
    Breach.UNIQUE: _collides,
}
