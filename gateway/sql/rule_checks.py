"""Rules of rows in statements that write: which rows may be changed, and what has to come of it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, case, func, literal_column

from gateway.policy.row_rules import ChangeRules, RowRule
from gateway.schema.model import Resource
from gateway.sql.binds import bound
from gateway.sql.filter import where_rule
from gateway.sql.row_arrays import output_columns


def is_met(rule: RowRule, resource: Resource, table: Table) -> ColumnElement[bool]:
    """Return whether a row of `table` meets a rule of its caller, whose values are bound by their names."""
    return where_rule(rule, resource, table, _callers(rule))


def checked_columns(resource: Resource, table: Table, rules: ChangeRules | None) -> list[ColumnElement[Any]]:
    """Return the columns of the rows that a statement has written, as `output_columns` does.

    One that doesn't meet the checks fails the statement, with the SQLSTATE of `width_bucket` without buckets
    (2201G), which nothing else of ours raises. What triggers and defaults made of the row counts.
    """
    columns = output_columns(resource, table)
    if rules is None or not rules.checks:
        return columns
    met = and_(*(is_met(rule, resource, table) for rule in rules.checks))
    buckets = case((met, 1), else_=0)
    zero: ColumnElement[float] = literal_column("0.0::float8")
    one: ColumnElement[float] = literal_column("1.0::float8")
    first, *others = columns
    passed = func.pg_catalog.width_bucket(zero, zero, one, buckets) > 0
    # Both cases are the column: so it keeps its type, which a domain beside NULL would not.
    return [case((passed, first), else_=first).label(first.name), *others]


def _callers(rule: RowRule) -> Mapping[str, ColumnElement[Any]]:
    return {field.column: bound(field.type, field.column) for field in rule.fields}
