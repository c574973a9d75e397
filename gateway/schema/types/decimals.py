"""Decimal numbers: google.type.Decimal and Money, and strings, in numeric; nothing is rounded."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy.dialects import postgresql

from gateway.schema.types.sqltypes import SqlType, TypeFault
from gateway.schema.values import ValueFault, ValueKind, ValueType

# google/type/decimal.proto: DecimalString.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?", re.ASCII)
# https://www.postgresql.org/docs/current/datatype-numeric.html
_WHOLE_DIGITS, _FRACTION_DIGITS = 131_072, 16_383
_TEXT_MAX = _WHOLE_DIGITS + _FRACTION_DIGITS + 16
_PRECISION_MAX = 1000
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
        raise TypeFault("a decimal needs both conversions")
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
        raise ValueFault("is no decimal number, as -12.50 or 1.2e6", "INVALID_NUMBER")
    return Decimal(text)


def _spell(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueFault("the stored number is not finite", "NOT_FINITE")
    return format(value, "f")


def _fit(sql: SqlType) -> Fit:
    if sql.name != "numeric":
        raise TypeFault(f"a decimal can't be stored as {sql}", "use numeric, or numeric(p,s)")
    if not sql.modifiers:
        return _within(_WHOLE_DIGITS, _FRACTION_DIGITS, "numeric")
    precision, scale = (*sql.modifiers, 0)[:2]
    if not (1 <= precision <= _PRECISION_MAX and -_PRECISION_MAX <= scale <= _PRECISION_MAX):
        raise TypeFault(f"{sql} is not a numeric type", "precision is 1 to 1000, scale -1000 to 1000")
    return _within(precision - scale, scale, str(sql))


def _within(whole: int, fraction: int, name: str) -> Fit:
    def check(value: Decimal) -> Decimal:
        if not value:
            return Decimal(0)
        _, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int):
            raise ValueFault("is not finite", "NOT_FINITE")
        if exponent < -fraction and exponent + _trailing_zeros(digits) < -fraction:
            raise ValueFault(f"has more decimals than {name} keeps", "INEXACT")
        if exponent + len(digits) > whole:
            raise ValueFault(f"has more whole digits than {name} keeps", "OUT_OF_RANGE")
        return value if exponent >= -_FRACTION_DIGITS else _cut(value, exponent + _trailing_zeros(digits))

    return check


def _trailing_zeros(digits: tuple[int, ...]) -> int:
    return next((i for i, digit in enumerate(reversed(digits)) if digit), len(digits))


def _cut(value: Decimal, exponent: int) -> Decimal:
    sign, digits, before = value.as_tuple()
    return Decimal((sign, digits[: len(digits) - (exponent - int(before))], exponent))


def money(sql: SqlType, currency: str) -> ValueType:
    """Return the type of a google.type.Money field of one currency: the amount alone is stored."""
    if not currency:
        raise TypeFault("a Money field lacks its currency", 'say (rowgate.v1.column).currency, as "EUR"')
    if not _CURRENCY.fullmatch(currency):
        raise TypeFault(f'"{currency}" is no ISO 4217 currency', "write three capital letters")
    number, fit = decimal_text(sql), _fit(sql)

    def encode(value: Any) -> Decimal:
        if value.currency_code != currency:
            raise ValueFault(f"is not in {currency}, the column's currency", "WRONG_CURRENCY")
        return fit(_amount(value.units, value.nanos))

    def decode(value: Decimal) -> dict[str, Any]:
        return {"currency_code": currency, **_units(value)}

    return ValueType(number.sql, number.engine, ValueKind.DECIMAL, encode, decode, number.parse)


def _amount(units: int, nanos: int) -> Decimal:
    if not -(10**_NANO) < nanos < 10**_NANO:
        raise ValueFault("has nanos past 999999999", "OUT_OF_RANGE")
    if (units < 0 < nanos) or (nanos < 0 < units):
        raise ValueFault("has units and nanos of different signs", "INVALID_MONEY")
    if not nanos:
        return Decimal(units)
    whole = units * 10**_NANO + nanos
    return Decimal((int(whole < 0), tuple(map(int, str(abs(whole)))), -_NANO))


def _units(value: Decimal) -> dict[str, int]:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueFault("the stored amount is not finite", "NOT_FINITE")
    if exponent + len(digits) > len(str(2**63)):
        raise ValueFault("the stored amount is past the units of Money", "OUT_OF_RANGE")
    number = int("".join(map(str, digits)))
    shift = exponent + _NANO
    whole, lost = (number * 10**shift, 0) if shift >= 0 else divmod(number, 10**-shift)
    if lost:
        raise ValueFault("the stored amount is finer than the nanos of Money", "INEXACT")
    units, nanos = divmod(whole, 10**_NANO)
    if units >= 2**63 + sign:
        raise ValueFault("the stored amount is past the units of Money", "OUT_OF_RANGE")
    return {"units": -units, "nanos": -nanos} if sign else {"units": units, "nanos": nanos}
