"""Statements that make the same change of many rows, for callers who know nothing of each other.

Each does for every item what `change_row` does for one: a row that is not in the state that the change wants
is left out of the result, which names the others by their place. So is a row that another transaction holds
locked, because one caller's wait must not become everyone's.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Table,
    and_,
    cast,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.selectable import CTE, Subquery

from gateway.schema.model import Resource
from gateway.sql import audit
from gateway.sql.key_order import by_key
from gateway.sql.statement import compile_statement
from gateway.sql.writes.change import ACTIONS, Change, changing, is_ready
from gateway.sql.writes.insert import arbiter, default_of, has_default, numbering, stamps
from gateway.sql.writes.row_arrays import Items, RowsStatement, items, output_columns

_TARGET = "rowgate_target"
_HELD = "rowgate_held"
_READY = "rowgate_ready"
_NEW = "rowgate_new"
_ADDED = "rowgate_added"
_ROW_ID = "ctid"


def change_each(
    resource: Resource, table: Table, change: Change, columns: tuple[str, ...], *, expects: bool
) -> RowsStatement:
    """Return the statement that makes an UPDATE, DELETE, SOFT_DELETE or UNDELETE of each item's row.

    It returns the items' places, from 0, each with its row as it is afterwards (DELETE: as it was).

    Every row is looked up by its key and locked, then changed by its place in the table. LIMIT has PostgreSQL
    expect few items and so keep to that; where it expects many it may read the whole table, by a plan that it
    made and keeps from when the table was small. A row that is changed meanwhile is no longer in the place
    where it was locked, and so left out.
    """
    wanted = {*resource.primary_key, *columns}
    fields = tuple(field for field in resource.fields if field.column in wanted)
    expects = expects and resource.version is not None
    rows = items(fields, expects=expects)
    target: Any = table.alias(_TARGET)
    ready = _ready(resource, table, change, rows, expects=expects)
    given = {field.column: ready.c[f"v{i}"] for i, field in enumerate(fields)}
    where = [literal_column(f"{_TARGET}.{_ROW_ID}") == ready.c.row_id]
    # A place is unique within a partition only.
    where += [target.c[name] == given[name] for name in resource.primary_key]
    statement = changing(resource, target, change, {name: given[name] for name in columns})
    keys = audit.key_columns(table, target)
    returned = statement.where(*where).returning(*keys, ready.c.n, *output_columns(resource, target))
    name = f"{change.value} each {resource.table}"
    audited = audit.shared_rows(table, ACTIONS[change])
    compiled = compile_statement(returned, fields=resource.fields, writes=True, name=name, audited=audited)
    return RowsStatement(compiled, fields, expects)


def insert_each(resource: Resource, table: Table, columns: tuple[str, ...]) -> RowsStatement | None:
    """Return the statement that inserts a row per item, with values for `columns`, and defaults for the rest.

    It returns the items' places, from 0, each with its row as stored. Rows that a unique key keeps out are
    left out: what one caller sends must not fail the others.

    INSERT can't return where a row came from, so its key tells; where the row takes its key from a default,
    that is worked out before. Should the key not tell after all, because a trigger changes it, or two are
    equal to the database alone, the statement fails (division by zero). None where a key is not known before.
    """
    fields = tuple(field for field in resource.fields if field.column in columns)
    filled = [field for field in resource.key_fields if field.column not in columns]
    if not fields or not all(map(has_default, filled)):
        return None
    rows = items(fields)
    keys = {field.column: default_of(resource, field).label(f"d{i}") for i, field in enumerate(filled)}
    new = select(*rows.cte.c, *keys.values()).select_from(rows.cte).cte(_NEW)
    named = {field.column: f"v{i}" for i, field in enumerate(fields)} | {
        c: key.name for c, key in keys.items()
    }
    given = {name: new.c[label] for name, label in named.items()}
    values = {**given, **stamps(resource)}
    chosen = numbering(resource, columns)(*values.values())
    source = chosen.select_from(new).order_by(*by_key(resource, given), new.c.n)
    added: Any = insert(table).from_select([table.c[name] for name in values], source)
    added = added.on_conflict_do_nothing(index_elements=arbiter(resource))
    key = [table.c[name].label(f"k{i}") for i, name in enumerate(resource.primary_key)]
    told = audit.key_columns(table)
    stored = added.returning(*told, *key, *output_columns(resource, table)).cte(_ADDED)
    same = and_(*(stored.c[f"k{i}"] == given[name] for i, name in enumerate(resource.primary_key)))
    # Not of a place that is NULL, which divides without failing.
    place = func.coalesce(new.c.n, -1) // cast(_are_told_apart(stored, new.c.n), Integer)
    whole = (stored.c[f"f{i}"] for i in range(len(resource.fields)))
    found = select(*(stored.c[column.name] for column in told), place, *whole).select_from(
        stored.outerjoin(new, same)
    )
    name, audited = f"create each {resource.table}", audit.shared_rows(table, audit.INSERT)
    compiled = compile_statement(found, fields=resource.fields, writes=True, name=name, audited=audited)
    return RowsStatement(compiled, fields)


def _are_told_apart(stored: CTE, place: ColumnElement[int]) -> ColumnElement[bool]:
    """Return whether every stored row has found one place, over the stored rows joined with the places."""
    count = select(func.count()).select_from(stored).scalar_subquery()
    return and_(func.count().over() == count, func.count(place).over() == count)


def _ready(resource: Resource, table: Table, change: Change, rows: Items, *, expects: bool) -> Subquery:
    """Return the items whose rows are in the state that the change wants, with the rows' places, locked."""
    held: Any = table.alias(_HELD)
    key = [held.c[name] == rows.values[name] for name in resource.primary_key]
    state = is_ready(resource, held, change, rows.cte.c.expected if expects else None)
    row_id: ColumnElement[Any] = literal_column(f"{_HELD}.{_ROW_ID}").label("row_id")
    row = select(row_id).select_from(held).where(*key, *state)
    locked = row.with_for_update(key_share=change.keeps_keys, skip_locked=True, of=held).lateral()
    found = select(*rows.cte.c, column("row_id")).select_from(rows.cte.join(locked, true()))
    return found.limit(func.pg_catalog.cardinality(rows.places)).subquery(_READY)
