"""Whole numbers, floats and booleans."""

import math
import re
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from gateway.schema.types.sql_types import InvalidTypeError, SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

Range = tuple[int, int]

INT32: Range = (-(2**31), 2**31 - 1)
INT64: Range = (-(2**63), 2**63 - 1)
UINT32: Range = (0, 2**32 - 1)
UINT64: Range = (0, 2**64 - 1)

_DIGITS = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?inf(?:inity)?|nan", re.IGNORECASE
)
_BOOLS = {"true": True, "false": False}
_LITERAL_MAX = 400
_WHOLE_DIGITS = 20
"""The most digits of a whole number in a message."""

# https://www.postgresql.org/docs/current/datatype-numeric.html
_STORED: Mapping[str, tuple[Range, TypeEngine[Any]]] = {
    "smallint": ((-(2**15), 2**15 - 1), postgresql.SMALLINT()),
    "integer": (INT32, postgresql.INTEGER()),
    "bigint": (INT64, postgresql.BIGINT()),
}


def integer(proto: Range, sql: SqlType) -> ValueType:
    """Return the type of a whole-number field in `smallint`, `integer`, `bigint` or `numeric`."""
    if sql.name == "numeric":
        return _integer_in_numeric(proto, sql)
    if sql.name not in _STORED or sql.modifiers:
        raise InvalidTypeError(
            f"a whole number can't be stored as {sql}", "use smallint, integer, bigint or numeric(20)"
        )
    stored, engine = _STORED[sql.name]
    return ValueType(
        sql=str(sql),
        engine=engine,
        kind=ValueKind.INTEGER,
        encode=None if _within(proto, stored) else within_range(stored, str(sql)),
        decode=None if _within(stored, proto) else within_range(proto, "the message's field"),
        parse=_parser(within_range(stored, str(sql))),
    )


def _within(inner: Range, outer: Range) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _integer_in_numeric(proto: Range, sql: SqlType) -> ValueType:
    precision, scale = (*sql.modifiers, 0, 0)[:2]
    if scale != 0:
        raise InvalidTypeError(f"a whole number can't be stored as {sql}", "give numeric no scale")
    limit = 10**precision - 1 if precision else 2**64
    stored = (-limit, limit)
    fits, check = within_range(stored, str(sql)), within_range(proto, "the message's field")
    return ValueType(
        sql=f"numeric({precision},0)" if precision else "numeric",
        engine=postgresql.NUMERIC(precision or None, 0 if precision else None),
        kind=ValueKind.INTEGER,
        encode=Decimal if _within(proto, stored) else lambda value: Decimal(fits(value)),
        decode=lambda value: check(_whole(value)),
        parse=lambda text: Decimal(_parser(fits)(text)),
    )


def _whole(value: Decimal) -> int:
    if not value.is_finite() or value != value.to_integral_value():
        raise InvalidValueError("the stored number is not whole", "NOT_WHOLE")
    if value.adjusted() >= _WHOLE_DIGITS:
        raise InvalidValueError("the stored number is outside the message's field", "OUT_OF_RANGE")
    return int(value)


def within_range(allowed: Range, what: str) -> Callable[[int], int]:
    """Return the function that passes whole numbers of the range and refuses others."""
    low, high = allowed

    def check(value: int) -> int:
        if low <= value <= high:
            return value
        raise InvalidValueError(f"is outside {what}: {low} to {high}", "OUT_OF_RANGE")

    return check


def _parser(check: Callable[[int], int]) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if len(text) > _LITERAL_MAX or not _DIGITS.fullmatch(text):
            raise InvalidValueError("is not a whole number", "INVALID_NUMBER")
        return check(int(text))

    return parse


def floating(*, single: bool, sql: SqlType) -> ValueType:
    """Return the type of a float or double field; NaN, the infinities and -0.0 are stored as they are."""
    if sql.modifiers or sql.name not in ("real", "double precision"):
        raise InvalidTypeError(
            f"a floating-point number can't be stored as {sql}", "use real or double precision"
        )
    real = sql.name == "real"
    return ValueType(
        sql=sql.name,
        engine=postgresql.REAL() if real else postgresql.DOUBLE_PRECISION(),
        kind=ValueKind.FLOAT,
        encode=_as_single("real") if real and not single else None,
        decode=_as_single("the message's field") if single and not real else None,
        parse=parse_float,
    )


def _as_single(what: str) -> Callable[[float], float]:
    def check(value: float) -> float:
        try:
            (single,) = struct.unpack("<f", struct.pack("<f", value))
        except OverflowError:
            raise InvalidValueError(f"is outside {what}: single precision", "OUT_OF_RANGE") from None
        if single == value or math.isnan(value):
            return value
        raise InvalidValueError(f"has more digits than {what} keeps: single precision", "INEXACT")

    return check


def parse_float(text: str) -> float:
    """Return the number that a text is; raises InvalidValueError."""
    if len(text) > _LITERAL_MAX or not _FLOAT.fullmatch(text):
        raise InvalidValueError("is not a number", "INVALID_NUMBER")
    value = float(text)
    if math.isinf(value) and "inf" not in text.lower():
        raise InvalidValueError("is outside double precision", "OUT_OF_RANGE")
    return value


def boolean(sql: SqlType) -> ValueType:
    """Return the type of a bool field."""
    if sql != SqlType("boolean"):
        raise InvalidTypeError(f"a bool can't be stored as {sql}", "use boolean")
    return ValueType(sql="boolean", engine=postgresql.BOOLEAN(), kind=ValueKind.BOOL, parse=_parse_bool)


def _parse_bool(text: str) -> bool:
    if text not in _BOOLS:
        raise InvalidValueError("is neither true nor false", "INVALID_BOOL")
    return _BOOLS[text]
