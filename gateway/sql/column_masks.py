"""Masks of columns: what PostgreSQL shows of a value, which itself doesn't leave it."""

from sqlalchemy import ColumnElement, FromClause, and_, case, cast, func, literal
from sqlalchemy.dialects import postgresql

from gateway.schema.model import HIDDEN_CHARACTERS, ColumnMask, Field, Shown
from gateway.schema.types.sql_types import NamedType
from gateway.schema.values import ValueKind

_TEXT = postgresql.TEXT()


def masked_column(field: Field, table: FromClause) -> ColumnElement[object]:
    """Return what is read of a column through the mask of its access; NULL stays NULL."""
    column, mask = table.c[field.column], field.access.mask
    if mask is None:
        msg = f"{field!r} has no mask"
        raise AssertionError(msg)
    return _year(field, column) if mask.shows is Shown.YEAR else _text(mask, cast(column, _TEXT))


def _text(mask: ColumnMask, value: ColumnElement[str]) -> ColumnElement[object]:
    if mask.shows is Shown.TEXT:
        return case((value.is_not(None), literal(mask.text, _TEXT)))
    kept, hidden = literal(mask.count), literal(HIDDEN_CHARACTERS, _TEXT)
    shown = (
        func.concat(func.left(value, kept), hidden)
        if mask.shows is Shown.KEEP_FIRST
        else func.concat(hidden, func.right(value, kept))
    )
    long = func.char_length(value) >= literal(2 * mask.count)
    return case((long, cast(shown, _TEXT)), (value.is_not(None), hidden))


def _year(field: Field, column: ColumnElement[object]) -> ColumnElement[object]:
    """Return the first moment of a time's year; of one that no message holds `infinity`, which none does."""
    stored = NamedType(field.type.sql)
    zoned = field.type.kind is ValueKind.TIMESTAMP and field.type.sql.endswith("with time zone")
    local = func.timezone("UTC", column) if zoned else cast(column, postgresql.TIMESTAMP())
    start = func.date_trunc("year", local)
    held = and_(
        column >= cast(literal("0001-01-01", _TEXT), stored),
        column < cast(literal("10000-01-01", _TEXT), stored),
    )
    first = func.timezone("UTC", start) if zoned else start
    return case(
        (held, cast(first, stored)),
        (column.is_not(None), cast(literal("infinity", _TEXT), stored)),
    )
