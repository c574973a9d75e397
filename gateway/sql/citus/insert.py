"""Statements that insert rows into shards."""

from typing import Any

from sqlalchemy import ColumnElement, Table, and_, cast, select
from sqlalchemy.dialects.postgresql import insert

from gateway.policy.row_rules import ChangeRules
from gateway.schema.model import Resource
from gateway.sql.citus.rows import (
    CHANGED,
    checked_row,
    is_read_as_stored,
    read_back,
    read_row,
    told_key,
)
from gateway.sql.key_order import by_key
from gateway.sql.writes import insert as postgresql
from gateway.sql.writes.insert import arbiter, compiled, default_of, has_default, numbering, stamps
from gateway.sql.writes.row_arrays import RowsStatement, RowStatement, items, row_values

_NEW = "rowgate_new"


def insert_row(
    resource: Resource, table: Table, columns: tuple[str, ...], rules: ChangeRules | None = None
) -> RowStatement:
    """Return what gateway.sql.writes.insert.insert_row does; its one row goes to its shard."""
    if is_read_as_stored(resource, table):
        return postgresql.insert_row(resource, table, columns, rules)
    fields = tuple(field for field in resource.fields if field.column in columns)
    values: dict[str, ColumnElement[Any]] = {**row_values(fields), **stamps(resource)}
    statement = insert(table).values({table.c[name]: value for name, value in values.items()})
    added = statement.returning(*checked_row(resource, table, rules)).cte(CHANGED)
    return RowStatement(compiled(resource, table, read_back(resource, table, added)), fields)


def insert_rows(
    resource: Resource,
    table: Table,
    columns: tuple[str, ...],
    *,
    skip_existing: bool = False,
    rules: ChangeRules | None = None,
) -> RowsStatement:
    """Return what gateway.sql.writes.insert.insert_rows does.

    Rows come back from their shards in no order: by their keys they are told apart, of which those that the
    database fills are worked out before.
    """
    fields = tuple(field for field in resource.fields if field.column in columns)
    filled = [field for field in resource.key_fields if field.column not in columns and has_default(field)]
    rows = items(fields)
    defaults = {field.column: default_of(resource, field).label(f"d{i}") for i, field in enumerate(filled)}
    new = select(*rows.cte.c, *defaults.values()).select_from(rows.cte).cte(_NEW).prefix_with("MATERIALIZED")
    names = {field.column: f"v{i}" for i, field in enumerate(fields)}
    names |= {column: default.name for column, default in defaults.items()}
    given: dict[str, ColumnElement[Any]] = {name: new.c[label] for name, label in names.items()}
    values = {**given, **stamps(resource)}
    source = numbering(resource, columns)(*values.values()).select_from(new)
    added: Any = insert(table).from_select(
        [table.c[name] for name in values], source.order_by(*by_key(resource, given), new.c.n)
    )
    if skip_existing:
        added = added.on_conflict_do_nothing(index_elements=arbiter(resource))
    stored = added.returning(*checked_row(resource, table, rules)).cte(CHANGED)
    places = {field.column: f"f{resource.fields.index(field)}" for field in resource.key_fields}
    same = (
        stored.c[places[field.column]] == cast(given[field.column], field.type.engine)
        for field in resource.key_fields
        if field.column in given
    )
    found = select(*told_key(table, resource, stored), *read_row(resource, stored))
    ordered = found.select_from(stored.join(new, and_(*same))).order_by(new.c.n)
    return RowsStatement(compiled(resource, table, ordered), fields)
