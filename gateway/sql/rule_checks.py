"""Rules of rows in statements that write: which rows may be changed, and what has to come of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, case, cast, false, func, literal_column, select, true

from gateway.policy.row_rules import ChangeRules, RowRule
from gateway.request.filter.plan import And
from gateway.request.filter.related.columns import columns_of
from gateway.schema.model import Field, Resource
from gateway.schema.tables.zeros import zero_literal
from gateway.sql.binds import bound
from gateway.sql.filters.conditions import where_rule
from gateway.sql.statement import compile_statement
from gateway.sql.writes.row_arrays import RowsStatement, items, output_columns


@dataclass(frozen=True, slots=True)
class RowAfter:
    """A row as it will be, where a rule asks for a table's.

    Args:
        c: each column's value.

    """

    c: Mapping[str, Any]


def is_met(rule: RowRule, rows: Any) -> ColumnElement[bool]:
    """Return whether a row of `rows` meets a rule; the caller's values are bound by name."""
    return where_rule(rule, rows, {field.column: bound(field.type, field.column) for field in rule.fields})


def is_there(rule: RowRule | None, table: Table) -> list[ColumnElement[bool]]:
    """Return the conditions of a row that is there for the caller; none where all are."""
    return [is_met(rule, table)] if rule is not None else []


def checked_columns(resource: Resource, table: Table, rules: ChangeRules | None) -> list[ColumnElement[Any]]:
    """Return the columns of the rows that a statement has written, as `output_columns` does.

    One that doesn't meet the checks fails the statement, with the SQLSTATE of `width_bucket` without buckets
    (2201G), which nothing else of ours raises. What triggers and defaults made of the row counts.
    """
    return checked(output_columns(resource, table), table, rules)


def checked(
    columns: list[ColumnElement[Any]], table: Table, rules: ChangeRules | None
) -> list[ColumnElement[Any]]:
    """Return the columns of such a row, as `checked_columns`, in any form."""
    if rules is None or not rules.checks:
        return columns
    met = and_(*(is_met(rule, table) for rule in rules.checks))
    buckets = case((met, 1), else_=0)
    zero: ColumnElement[float] = literal_column("0.0::float8")
    one: ColumnElement[float] = literal_column("1.0::float8")
    first, *others = columns
    passed = func.pg_catalog.width_bucket(zero, zero, one, buckets) > 0
    # Both cases are the column: so it keeps its type, which a domain beside NULL would not.
    return [case((passed, first), else_=first).label(first.name), *others]


def outcome_is_met(
    checks: Sequence[RowRule],
    resource: Resource,
    table: Table,
    changed: Mapping[str, Any],
    defaults: Sequence[str] = (),
) -> list[ColumnElement[bool]]:
    """Return the conditions that a stored row of `table` meets the checks after a change, as far as it tells.

    What PostgreSQL computes of the others, and defaults that aren't declared, are known afterwards alone.

    Args:
        checks: what rows have to be.
        resource: what they are.
        table: their table.
        changed: what columns become.
        defaults: the columns that take their default.

    """
    declared = {name: _default(f) for name in defaults if (f := resource.by_column[name]).default is not None}
    after: Any = RowAfter({**table.c, **changed, **declared})
    computed = {f.column for rule in checks for f in rule.resource.fields if f.generated is not None}
    lost = {*defaults} - declared.keys() | computed
    known = frozenset(set(after.c) - lost)
    return [is_met(one, after) for rule in checks for one in decidable(rule, known)]


def may_be_written(
    resource: Resource, columns: tuple[str, ...], checks: Sequence[RowRule]
) -> RowsStatement | None:
    """Return the statement that says whether rows with values for `columns` may meet the checks, as sent.

    A column that is left out has its declared default, or its zero, or is NULL, where that is known. None
    where the checks ask for other columns. Rows are checked again when they are written: but a key that is
    taken is found before that, and must not tell of a row beside which the caller could write none anyway.
    """
    fields = tuple(field for field in resource.fields if field.column in columns)
    whole = {f.column: f for rule in checks for f in rule.resource.fields}
    zeros = {field.column: zero_literal(field) for field in resource.zeroed}
    left_out = {n: f for n, f in whole.items() if n not in columns and (n in zeros or _is_known_unset(f))}
    conditions = [one for rule in checks for one in decidable(rule, frozenset({*columns, *left_out}))]
    if not conditions:
        return None
    asked = {name for one in conditions if one.shape is not None for name in columns_of(one.shape)}
    rows = items(fields)
    values: list[Any] = [value.label(name) for name, value in rows.values.items()]
    values += [_default(field, zeros.get(name)) for name, field in left_out.items() if name in asked]
    sent: Any = select(*values).select_from(rows.cte).subquery("rowgate_sent")
    met = [is_met(rule, sent) for rule in conditions]
    query = select(func.coalesce(func.bool_and(func.coalesce(and_(*met), false())), true())).select_from(sent)
    return RowsStatement(compile_statement(query, name=f"check {resource.table}"), fields)


def _is_known_unset(field: Field) -> bool:
    """Whether it is known what a new row has that leaves the column out."""
    return field.default is not None or (field.writable and field.nullable and not field.identity)


def _default(field: Field, zero: str | None = None) -> ColumnElement[Any]:
    """Return what a column has that is left out: its default, or else what is given for it, or NULL."""
    default = field.default or zero or "NULL"
    return cast(literal_column(default), field.type.engine).label(field.column)


def decidable(rule: RowRule, columns: frozenset[str]) -> Iterator[RowRule]:
    """Yield the parts of a rule that ask for these columns alone, all of which a row has to meet."""
    if rule.nobody:
        yield rule
    shape = rule.shape
    parts = shape.items if isinstance(shape, And) else () if shape is None else (shape,)
    for part in parts:
        if columns_of(part) <= columns:
            yield replace(rule, shape=part)
