"""Transforms: what a column becomes of its stored value and an operand, and whether it can hold that.

Whole and decimal numbers are computed as `numeric`, which doesn't overflow, and compared with what the column
holds: so the first that doesn't fit is told, and not by an error of PostgreSQL's, which names no column.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from sqlalchemy import ARRAY, ColumnElement, FromClause, Integer, case, cast, func, literal_column, select
from sqlalchemy.dialects import postgresql

from gateway.request.transforms import Transform, TransformKind
from gateway.schema.model import Field, Resource
from gateway.schema.tables.internal import OWN_COLUMNS
from gateway.schema.types.numbers import INT32, INT64, UINT32, UINT64, Range
from gateway.schema.values import ValueKind, ValueType
from gateway.sql.binds import compared
from gateway.sql.unnest import unnest

_NUMERIC = ValueType("numeric", postgresql.NUMERIC(), ValueKind.DECIMAL)
_DOUBLE = ValueType("double precision", postgresql.DOUBLE_PRECISION(), ValueKind.FLOAT)
_COMPUTED = {ValueKind.INTEGER: _NUMERIC, ValueKind.DECIMAL: _NUMERIC, ValueKind.FLOAT: _DOUBLE}
_RANGES: Mapping[int, Range] = {
    FieldDescriptor.CPPTYPE_INT32: INT32,
    FieldDescriptor.CPPTYPE_INT64: INT64,
    FieldDescriptor.CPPTYPE_UINT32: UINT32,
    FieldDescriptor.CPPTYPE_UINT64: UINT64,
}
_MODIFIED = re.compile(r"numeric\((?P<precision>\d+)(?:,(?P<scale>-?\d+))?\)")
_SMALLINT: Range = (-(2**15), 2**15 - 1)
_STORED: Mapping[str, Range] = {"smallint": _SMALLINT, "integer": INT32, "bigint": INT64}

FITS: ColumnElement[int] = literal_column("NULL::integer", Integer)
"""The place of the first transform whose outcome doesn't fit, where there is none."""


def operand_column(column: str) -> str:
    """Return the name under which a statement takes the operand of a column's transform."""
    return f"{OWN_COLUMNS}operand {column}"


def operand_fields(resource: Resource, transforms: Sequence[Transform]) -> tuple[Field, ...]:
    """Return the operands as fields, whose values a statement takes beside those of columns."""
    taken = (one.column for one in transforms if one.kind is not TransformKind.SERVER_TIME)
    return tuple(_operand(resource.by_column[column]) for column in taken)


def _operand(field: Field) -> Field:
    name, computed = operand_column(field.column), _COMPUTED.get(field.type.kind, field.type)
    return Field(name, name, field.descriptor, computed, nullable=True, has_presence=True)


def transformed(
    resource: Resource, table: FromClause, transforms: Sequence[Transform], given: Mapping[str, Any]
) -> dict[str, ColumnElement[Any]]:
    """Return what the columns become, NULL where that doesn't fit.

    Args:
        resource: what the rows are.
        table: of the stored values, or of those of new rows.
        transforms: of each column one at most.
        given: the operands, by `operand_column`.

    """
    return {
        one.column: _outcome(
            resource.by_column[one.column], one.kind, table, given.get(operand_column(one.column))
        )
        for one in transforms
    }


def unfit(
    resource: Resource, table: FromClause, transforms: Sequence[Transform], given: Mapping[str, Any]
) -> ColumnElement[int]:
    """Return the place of the first transform whose outcome its column can't hold; NULL where all fit."""
    whens = []
    for place, one in enumerate(transforms):
        field = resource.by_column[one.column]
        outcome = _computed(field, one.kind, table, given.get(operand_column(one.column)))
        fits = _fits(field, outcome)
        if fits is not None:
            whens.append((~fits, literal_column(str(place), Integer)))
    return case(*whens, else_=FITS) if whens else FITS


def _outcome(field: Field, kind: TransformKind, table: FromClause, operand: Any) -> ColumnElement[Any]:
    outcome: ColumnElement[Any] = _computed(field, kind, table, operand)
    fits = _fits(field, outcome)
    return outcome if fits is None else case((fits, cast(outcome, field.type.engine)))


def _computed(field: Field, kind: TransformKind, table: FromClause, operand: Any) -> Any:
    stored: Any = table.c[field.column]
    computed = _COMPUTED.get(field.type.kind, field.type)
    if computed is not field.type:
        stored = cast(stored, computed.engine)
    if operand is not None:
        # Neither cut nor rounded: that is for the assignment to do, or to refuse.
        operand = cast(operand, ARRAY(compared(computed.element)) if computed.element else compared(computed))
    match kind:
        case TransformKind.INCREMENT:
            return func.coalesce(stored, literal_column("0")) + operand
        case TransformKind.MULTIPLY:
            return func.coalesce(stored, literal_column("0")) * operand
        case TransformKind.MINIMUM:
            return func.least(stored, operand)
        case TransformKind.MAXIMUM:
            return func.greatest(stored, operand)
        case TransformKind.SERVER_TIME:
            return func.now()
    return _list(field, kind, stored, operand)


def _list(field: Field, kind: TransformKind, stored: ColumnElement[Any], operand: ColumnElement[Any]) -> Any:
    listed = func.coalesce(stored, cast(literal_column("'{}'"), field.type.engine))
    if kind is TransformKind.APPEND:
        return func.pg_catalog.array_cat(listed, operand)
    if kind is TransformKind.REMOVE_ALL:
        return _elements_not_in(operand, listed, is_once=False)
    return func.pg_catalog.array_cat(listed, _elements_not_in(listed, operand, is_once=True))


def _elements_not_in(others: ColumnElement[Any], listed: ColumnElement[Any], *, is_once: bool) -> Any:
    """Return a list without what equals an element of another, in its order; with each but once if asked."""
    elements = unnest(listed).table_valued("e", with_ordinality="i").render_derived("rowgate_elements")
    left = func.pg_catalog.array_position(others, elements.c.e).is_(None)
    query = select(elements.c.e).where(left).correlate_except(elements)
    first: Any = func.min(elements.c.i) if is_once else elements.c.i
    query = query.group_by(elements.c.e) if is_once else query
    return func.array(query.order_by(first).scalar_subquery())


def _fits(field: Field, outcome: ColumnElement[Any]) -> ColumnElement[bool] | None:
    """Return whether a column can hold a number; None where only PostgreSQL can tell, or it is none."""
    if field.type.kind is ValueKind.INTEGER:
        low, high = range_of(field)
        return outcome.between(literal_column(str(low)), literal_column(str(high)))
    digits = _digits(field)
    if field.type.kind is not ValueKind.DECIMAL or digits is None:
        return None
    precision, scale = digits
    limit: ColumnElement[Any] = literal_column(f"1e{precision - scale}::numeric")
    return func.abs(func.round(outcome, literal_column(str(scale)))) < limit


def range_of(field: Field) -> Range:
    """Return the whole numbers that both the field and its column hold."""
    descriptor = field.descriptor
    if descriptor.message_type is not None:  # a wrapper
        descriptor = descriptor.message_type.fields_by_name["value"]
    low, high = _RANGES[descriptor.cpp_type]
    stored = _STORED.get(field.type.sql)
    if stored is None and (digits := _digits(field)) is not None:
        stored = (1 - 10 ** digits[0], 10 ** digits[0] - 1)
    return (low, high) if stored is None else (max(low, stored[0]), min(high, stored[1]))


def _digits(field: Field) -> tuple[int, int] | None:
    """Return precision and scale of a `numeric` that has them."""
    found = _MODIFIED.fullmatch(field.type.sql)
    return None if found is None else (int(found["precision"]), int(found["scale"] or 0))
