"""Values on their way into comparisons, and columns on their way out."""

from typing import Any

from sqlalchemy import ARRAY, ColumnElement, FromClause, bindparam, cast
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import Enum, Numeric, String, TypeEngine

from gateway.schema.model import Field
from gateway.schema.types.sql_types import NamedType
from gateway.schema.values import ValueType
from gateway.sql.column_masks import masked_column

_TEXT = postgresql.TEXT()


def compared(value_type: ValueType) -> TypeEngine[Any]:
    """Return the type that a value is compared as: the column's without length or precision.

    A cast to `varchar(3)` or `numeric(10,2)` would cut or round the value, which then equals others.
    """
    engine = value_type.engine
    if isinstance(engine, Numeric) and engine.precision is not None and not _is_float(engine):
        return postgresql.NUMERIC()
    if isinstance(engine, String) and engine.length is not None and not isinstance(engine, Enum):
        return _TEXT
    return _in_full_precision(engine)


def _in_full_precision(engine: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return a type of times without a precision, to which a cast would round."""
    if isinstance(engine, postgresql.TIMESTAMP):
        return postgresql.TIMESTAMP(timezone=engine.timezone)
    if isinstance(engine, postgresql.TIME):
        return postgresql.TIME()
    return postgresql.INTERVAL() if isinstance(engine, postgresql.INTERVAL) else engine


def _is_float(engine: TypeEngine[Any]) -> bool:
    return isinstance(engine, postgresql.REAL | postgresql.DOUBLE_PRECISION | postgresql.FLOAT)


def bound(value_type: ValueType, name: str, constant: Any = None) -> ColumnElement[Any]:
    """Return the parameter `name` as a value to compare with a column of the type.

    Its value is the statement's own where it is a `constant`.
    """
    if value_type.text_cast:
        return cast(bindparam(name, constant, type_=_text_of(value_type)), compared(value_type))
    return bindparam(name, constant, type_=compared(value_type))


def bound_array(value_type: ValueType, name: str, constant: Any = None) -> ColumnElement[Any]:
    """Return the parameter `name` as an array of such values, of which `element` makes each what is compared.

    What is cast from text is an array of texts: of a composite type `unnest` would give the members.
    """
    element = _TEXT if value_type.text_cast else compared(value_type)
    return bindparam(name, constant, type_=ARRAY(element))


def element(value_type: ValueType, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return an element of such an array as a value to compare with a column of the type."""
    return cast(value, compared(value_type)) if value_type.text_cast else value


def comparable(field: Field, table: FromClause) -> ColumnElement[Any]:
    """Return a field's column as what its values are compared as.

    A domain over an enum type has no operators, not even those of the type itself. Where the column is of
    that type the cast is none, and an index serves as without it.
    """
    column, value_type = table.c[field.column], field.type
    return cast(column, value_type.engine) if _may_be_enum(value_type.element or value_type) else column


def _may_be_enum(value_type: ValueType) -> bool:
    """Return whether it is an enum type, or one that others made, which a string carries."""
    engine = value_type.engine
    return isinstance(engine, postgresql.ENUM) or (isinstance(engine, NamedType) and "." in engine.name)


def read_column(field: Field, table: FromClause) -> ColumnElement[Any]:
    """Return a field's column as the driver reads it, or its mask, under its own name."""
    column = table.c[field.column]
    if field.masked:
        return masked_column(field, table).label(field.column)
    return read_value(field.type, column).label(field.column) if field.type.text_cast else column


def read_value(value_type: ValueType, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a value of the type as the driver reads it."""
    return cast(value, _text_of(value_type)) if value_type.text_cast else value


def _text_of(value_type: ValueType) -> TypeEngine[Any]:
    return ARRAY(_TEXT) if value_type.element else _TEXT
