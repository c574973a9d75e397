"""Decimal numbers: google.type.Decimal and Money, and strings, in numeric; nothing is rounded."""

import re
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from sqlalchemy.dialects import postgresql

from gateway.schema.types.sql_types import InvalidTypeError, SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

# google/type/decimal.proto: DecimalString. Digits belong to one part of it alone: where two could have them,
# a text that is no number would be tried in as many ways as it has digits.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?", re.ASCII)
# https://www.postgresql.org/docs/current/datatype-numeric.html
_WHOLE_DIGITS, _FRACTION_DIGITS = 131_072, 16_383
_TEXT_MAX = _WHOLE_DIGITS + _FRACTION_DIGITS + 16
_PRECISION_MAX = 1000
_EXACT = Context(prec=_TEXT_MAX)
_ZEROS_MAX = 1000
"""The most zeros that a number is written with: one of three letters may stand for 131,072 digits."""
_NANO = 9
_CURRENCY = re.compile(r"[A-Z]{3}")

Fit = Callable[[Decimal], Decimal]


def decimal(sql: SqlType) -> ValueType:
    """Return the type of a google.type.Decimal field in `numeric` or `numeric(p,s)`."""
    number = decimal_text(sql)
    encode, decode = _of(number)
    return ValueType(
        sql=number.sql,
        engine=number.engine,
        kind=ValueKind.DECIMAL,
        encode=lambda value: encode(value.value),
        decode=lambda value: {"value": decode(value)},
        parse=encode,
    )


def _of(number: ValueType) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    if number.encode is None or number.decode is None:
        raise InvalidTypeError("a decimal needs both conversions")
    return number.encode, number.decode


def decimal_text(sql: SqlType) -> ValueType:
    """Return the type of a string field in `numeric`: the value is kept, its spelling may change."""
    fit = _fit(sql)

    def encode(value: str) -> Decimal:
        return fit(_number(value))

    precision, scale = (*sql.modifiers, 0, 0)[:2]
    return ValueType(
        sql=f"numeric({precision},{scale})" if precision else "numeric",
        engine=postgresql.NUMERIC(precision, scale) if precision else postgresql.NUMERIC(),
        kind=ValueKind.DECIMAL,
        encode=encode,
        decode=_spell,
        parse=encode,
    )


def _number(text: str) -> Decimal:
    if not text:
        return Decimal(0)
    if len(text) > _TEXT_MAX or not _NUMBER.fullmatch(text):
        raise InvalidValueError("is no decimal number, as -12.50 or 1.2e6", "INVALID_NUMBER")
    return Decimal(text)


def _spell(value: Decimal) -> str:
    if not value.is_finite():
        raise InvalidValueError("the stored number is not finite", "NOT_FINITE")
    power = value.adjusted()
    few = -_ZEROS_MAX <= power <= _ZEROS_MAX or (power > 0 and _exponent(value) <= _ZEROS_MAX)
    return format(value, "f") if few else str(value)


def _fit(sql: SqlType) -> Fit:
    if sql.name != "numeric":
        raise InvalidTypeError(f"a decimal can't be stored as {sql}", "use numeric, or numeric(p,s)")
    if not sql.modifiers:
        return _within(_WHOLE_DIGITS, _FRACTION_DIGITS, "numeric")
    precision, scale = (*sql.modifiers, 0)[:2]
    if not (1 <= precision <= _PRECISION_MAX and -_PRECISION_MAX <= scale <= _PRECISION_MAX):
        raise InvalidTypeError(f"{sql} is not a numeric type", "precision is 1 to 1000, scale -1000 to 1000")
    return _within(precision - scale, scale, str(sql))


def _within(whole: int, fraction: int, name: str) -> Fit:
    def check(value: Decimal) -> Decimal:
        if not value:
            return Decimal(0)
        if value.adjusted() >= whole:
            raise InvalidValueError(f"has more whole digits than {name} keeps", "OUT_OF_RANGE")
        exponent = _exponent(value)
        if exponent >= -fraction:
            return value
        short = shortest(value)
        if _exponent(short) < -fraction:
            raise InvalidValueError(f"has more decimals than {name} keeps", "INEXACT")
        return value if exponent >= -_FRACTION_DIGITS else short

    return check


def shortest(value: Decimal) -> Decimal:
    """Return the number without zeros at the end of its digits: so written, equal numbers are alike."""
    return value.normalize(_EXACT) if value else Decimal(0)


def _exponent(value: Decimal) -> int:
    """Return the power of ten of a finite number's last digit."""
    return int(value.as_tuple().exponent)


def money(sql: SqlType, currency: str) -> ValueType:
    """Return the type of a google.type.Money field of one currency: the amount alone is stored."""
    if not currency:
        raise InvalidTypeError(
            "a Money field lacks its currency", 'say (rowgate.v1.column).currency, as "EUR"'
        )
    if not _CURRENCY.fullmatch(currency):
        raise InvalidTypeError(f'"{currency}" is no ISO 4217 currency', "write three capital letters")
    number, fit = decimal_text(sql), _fit(sql)

    def encode(value: Any) -> Decimal:
        if value.currency_code != currency:
            raise InvalidValueError(f"is not in {currency}, the column's currency", "WRONG_CURRENCY")
        return fit(_amount(value.units, value.nanos))

    def decode(value: Decimal) -> dict[str, Any]:
        return {"currency_code": currency, **_units(value)}

    return ValueType(number.sql, number.engine, ValueKind.DECIMAL, encode, decode, number.parse)


def _amount(units: int, nanos: int) -> Decimal:
    if not -(10**_NANO) < nanos < 10**_NANO:
        raise InvalidValueError("has nanos past 999999999", "OUT_OF_RANGE")
    if (units < 0 < nanos) or (nanos < 0 < units):
        raise InvalidValueError("has units and nanos of different signs", "INVALID_MONEY")
    if not nanos:
        return Decimal(units)
    whole = units * 10**_NANO + nanos
    return Decimal((int(whole < 0), tuple(map(int, str(abs(whole)))), -_NANO))


def _units(value: Decimal) -> dict[str, int]:
    if not value.is_finite():
        raise InvalidValueError("the stored amount is not finite", "NOT_FINITE")
    if value.adjusted() >= len(str(2**63)):
        raise InvalidValueError("the stored amount is past the units of Money", "OUT_OF_RANGE")
    if _exponent(shortest(value)) < -_NANO:
        raise InvalidValueError("the stored amount is finer than the nanos of Money", "INEXACT")
    sign = value.is_signed()
    units, nanos = divmod(abs(int(value.scaleb(_NANO, _EXACT))), 10**_NANO)
    if units >= 2**63 + sign:
        raise InvalidValueError("the stored amount is past the units of Money", "OUT_OF_RANGE")
    return {"units": -units, "nanos": -nanos} if sign else {"units": units, "nanos": nanos}
