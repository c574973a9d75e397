"""New rows that are transformed as they are created: their values are made before they are inserted.

So one insertion stores what comes of them, by which their rules, keys, versions and audit go as of any other.
"""

from typing import Any

from sqlalchemy import ColumnElement, cast, literal_column, select

from gateway.request.transforms import Transform
from gateway.schema.model import Field, Resource
from gateway.schema.tables.internal import OWN_COLUMNS
from gateway.schema.values import ValueKind
from gateway.sql.binds import read_value
from gateway.sql.statement import compile_statement
from gateway.sql.writes.insert import default_of, has_default
from gateway.sql.writes.row_arrays import RowsStatement, items
from gateway.sql.writes.transforms import operand_fields, transformed, unfit

_SENT = "rowgate_sent"
_PLACE = f"{OWN_COLUMNS}place"


def transformed_rows(
    resource: Resource, columns: tuple[str, ...], transforms: tuple[Transform, ...]
) -> RowsStatement:
    """Return the statement that tells what transforms make of new rows.

    It returns one row per item, in order: the place of the first transform whose outcome doesn't fit, NULL
    where all do, then the outcomes, in the order of the transforms. A transformed column has the row's value
    where `columns` has it, else its default, or NULL.
    """
    targets = tuple(resource.by_column[one.column] for one in transforms)
    fields = tuple(field for field in targets if field.column in columns)
    fields += operand_fields(resource, transforms)
    rows = items(fields)
    values: list[ColumnElement[Any]] = [value.label(name) for name, value in rows.values.items()]
    values += [_left_out(resource, field) for field in targets if field.column not in columns]
    sent = select(rows.n.label(_PLACE), *values).select_from(rows.cte).subquery(_SENT)
    given = {name: sent.c[name] for name in rows.values}
    outcomes = transformed(resource, sent, transforms, given)
    made = [_as_stored(field, outcomes[field.column]) for field in targets]
    query = select(unfit(resource, sent, transforms, given), *made).select_from(sent)
    statement = compile_statement(
        query.order_by(sent.c[_PLACE]), fields=targets, name=f"transform {resource.table}"
    )
    return RowsStatement(statement, fields)


def _left_out(resource: Resource, field: Field) -> ColumnElement[Any]:
    default = default_of(resource, field) if has_default(field) else literal_column("NULL")
    return cast(default, field.type.engine).label(field.column)


def _as_stored(field: Field, outcome: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return what is to be inserted: a `real` is computed as a double; texts of lists aren't cut."""
    exact = cast(outcome, field.type.engine) if field.type.kind is ValueKind.FLOAT else outcome
    return read_value(field.type, exact).label(field.column)
