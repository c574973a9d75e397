"""What the statements over shards have in common: which shards are asked, and how changed rows come back."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, any_, case, select
from sqlalchemy.sql.selectable import CTE

from gateway.policy.row_rules import ChangeRules
from gateway.schema.model import Resource
from gateway.sql import audit
from gateway.sql.rule_checks import RowAfter, checked
from gateway.sql.writes.row_arrays import output_columns

CHANGED = "rowgate_changed"


def near(
    resource: Resource, table: Any, arrays: Mapping[str, ColumnElement[Any]]
) -> list[ColumnElement[bool]]:
    """Return the condition by which Citus asks the shards of some keys alone.

    It tells shards by constants, never by what a column is joined with. Of a reference table there is none.

    Args:
        resource: what the rows are.
        table: its table, or an alias of it.
        arrays: each key column's values, as a bound array.

    """
    distribution = resource.distribution
    column = distribution.column if distribution is not None else None
    if column is None or column not in arrays or resource.by_column[column].type.text_cast:
        return []
    return [table.c[column] == any_(arrays[column])]


def stored_row(resource: Resource, table: Any) -> list[ColumnElement[Any]]:
    """Return a row's columns as they are stored, under the names that `read_row` finds them by.

    Citus refuses functions that aren't IMMUTABLE in RETURNING, as is the output of an enum.
    """
    return [table.c[field.column].label(f"f{i}") for i, field in enumerate(resource.fields)]


def read_row(resource: Resource, rows: CTE) -> list[ColumnElement[Any]]:
    """Return the same columns as rows are read."""
    return output_columns(resource, _named(resource, rows))


def checked_row(resource: Resource, table: Table, rules: ChangeRules | None) -> list[ColumnElement[Any]]:
    """Return `stored_row` of a row that a statement has written; one that the rules forbid fails it."""
    return checked(stored_row(resource, table), table, rules)


def told_key(table: Table, resource: Resource, rows: CTE) -> list[ColumnElement[str]]:
    """Return the column of the changed row's key, NULL where there is none, where changes are kept."""
    whole = _named(resource, rows)
    is_there = whole.c[resource.primary_key[0]].is_not(None)
    return [case((is_there, key)).label(key.name) for key in audit.key_columns(table, whole)]


def read_back(resource: Resource, table: Table, changed: CTE) -> Select[Any]:
    """Return the query of rows that a statement has changed, as they are read."""
    columns: list[Any] = [*told_key(table, resource, changed), *read_row(resource, changed)]
    return select(*columns).select_from(changed)


def _named(resource: Resource, rows: CTE) -> Any:
    """Return what has the columns of `stored_row` by the names of the table's."""
    return RowAfter({field.column: rows.c[f"f{i}"] for i, field in enumerate(resource.fields)})


def is_read_as_stored(resource: Resource, table: Table) -> bool:
    """Return whether a row's columns are read as they are, and nothing else is told of it."""
    plain = not any(field.type.text_cast or field.masked for field in resource.fields)
    return plain and audit.audited_table_of(table) is None
