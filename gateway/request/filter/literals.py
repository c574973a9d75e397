"""Literals of a filter → driver values, by what they are compared with."""

import struct
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy.types import REAL

from gateway.request.filter.lexer import Kind
from gateway.request.filter.spans import in_seconds
from gateway.request.filter.tree import Member
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

_EXPECTED: Mapping[ValueKind, str] = {
    ValueKind.INTEGER: "a whole number, as 42",
    ValueKind.FLOAT: "a number, as 2.5 or 1e9",
    ValueKind.DECIMAL: "a number, as 12.50",
    ValueKind.BOOL: "true or false",
    ValueKind.TEXT: 'a text, as "x"',
    ValueKind.BYTES: 'bytes, as "aGk="',
    ValueKind.UUID: 'a UUID, as "123e4567-e89b-12d3-a456-426614174000"',
    ValueKind.ENUM: "the name of one of the enum's values",
    ValueKind.TIMESTAMP: 'a timestamp, as "2012-04-21T11:30:00-04:00"',
    ValueKind.DURATION: "a duration, as 1.2s or 1h30m",
    ValueKind.DATE: 'a date, as "2012-04-21"',
    ValueKind.TIME: 'a time of day, as "11:30:00"',
    ValueKind.NETWORK: 'an address, as "10.0.0.1"',
}
_DIGITS = 1000
"""Numeric holds 131,072 digits before the point; no literal needs them."""
_UNQUOTED = (ValueKind.INTEGER, ValueKind.FLOAT, ValueKind.DECIMAL, ValueKind.BOOL)


def literal_value(literal: Member, value_type: ValueType) -> Any:
    """Return the driver value of a literal; raises InvalidValueError, saying what would be right."""
    expected = _EXPECTED.get(value_type.kind, "another value")
    text = literal.text
    if value_type.parse is None:
        raise InvalidValueError(
            "it can't be compared with a value: expected null, or :* for its presence", "UNFIT"
        )
    if is_quoted(literal) and value_type.kind in _UNQUOTED:
        raise InvalidValueError(f"expected {expected}, without quotes", "UNFIT")
    try:
        return _fit(value_type, text)
    except InvalidValueError as error:
        shown = text if len(text) <= 32 else f"{text[:32]}…"  # noqa: PLR2004 - enough to know it by
        raise InvalidValueError(
            f'"{shown}" {error.description}; expected {expected}', error.reason
        ) from error


def _fit(value_type: ValueType, text: str) -> Any:
    """Return the value as it is compared: no column's scale bounds a literal, but single precision rounds it.

    Else `= 0.1` would find no real, which PostgreSQL compares as double precision.
    """
    if value_type.kind is ValueKind.DECIMAL and not value_type.text_cast:
        return _decimal(text)
    if value_type.kind is ValueKind.DURATION:
        text = in_seconds(text)
    value = value_type.parse(text) if value_type.parse is not None else text
    if not isinstance(value_type.engine, REAL):
        return value
    try:
        (single,) = struct.unpack("<f", struct.pack("<f", value))
    except OverflowError:
        raise InvalidValueError("is outside single precision", "OUT_OF_RANGE") from None
    return single


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise InvalidValueError("is not a number", "INVALID_NUMBER") from None
    if not number.is_finite() or abs(number.adjusted()) > _DIGITS or len(number.as_tuple().digits) > _DIGITS:
        raise InvalidValueError(f"is outside {_DIGITS} digits", "OUT_OF_RANGE")
    return number


def is_quoted(literal: Member) -> bool:
    """Tell whether the literal is a string in quotes."""
    return literal.tokens[0].kind is Kind.STRING


def is_word(literal: Member, word: str) -> bool:
    """Tell whether the literal is this word, without quotes."""
    return not is_quoted(literal) and literal.text == word


def has_wildcard(literal: Member) -> bool:
    """Tell whether the literal holds a `*` that is not escaped."""
    return any(len(token.parts) > 1 for token in literal.tokens)


def pattern(literal: Member, *, inside: bool = False) -> str:
    """Return the LIKE pattern of a literal: `*` is any text, everything else is itself.

    Args:
        literal: the literal.
        inside: whether the text may stand anywhere in the value.

    """
    escaped = [
        "%".join(part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for part in token.parts)
        for token in literal.tokens
    ]
    whole = ("-" if literal.negative else "") + ".".join(escaped)
    return f"%{whole}%" if inside else whole


def dynamic_value(literal: Member) -> tuple[ValueKind, Any]:
    """Return the kind and value that a literal has by its own form, for values of unknown type."""
    if is_quoted(literal):
        return ValueKind.TEXT, literal.text
    if literal.text in ("true", "false"):
        return ValueKind.BOOL, literal.text == "true"
    try:
        return ValueKind.DECIMAL, _decimal(literal.text)
    except InvalidValueError:
        return ValueKind.TEXT, literal.text
