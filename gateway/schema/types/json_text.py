"""JSON as text: a string field's, and what every JSON has to keep to so that PostgreSQL can read below it.

A filter below a column reads it as jsonb, in every row. So what jsonb refuses is refused in a `json` column
too: one such row would refuse the filter to everybody. https://www.postgresql.org/docs/current/datatype-json.html
"""

import json
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from gateway.schema.types.sql_types import InvalidTypeError, NamedType, SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

_STRING = re.compile(r'"[^"]*+"')
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# It begins with a literal, for which alone Python looks quickly.
_NEGATIVE_ZERO = re.compile(r"-0(?<![eE]-0)(?:\.0*+)?(?![1-9.])")
_NUMBER = re.compile(r"[0-9.]++(?:e[+-]?[0-9]++)?")
# No shorter number, and none with a shorter exponent, is past numeric's limits.
_LONG = 4000
_BLOCK = _LONG // 2
_LONGEST = 200_000
"""More characters than any number within the limits has."""
_LONG_EXPONENT = re.compile(r"e[+-]?[0-9]{4}")
# https://www.postgresql.org/docs/current/datatype-numeric.html
_WHOLE_DIGITS, _FRACTION_DIGITS = 131_072, 16_383

MAX_LENGTH = 4 * 1024 * 1024
"""The most characters of a JSON text."""
MAX_ELEMENTS = 100_000
"""The most values of a JSON text: reading it makes objects of them all, with nobody else's turn between."""
MAX_LONG_NUMBERS = 10_000
"""The most numbers of a JSON text with an exponent past 999 or 4,000 digits: each is looked at by itself."""


def json_text(sql: SqlType) -> ValueType:
    """Return the type of a string field that holds JSON: jsonb keeps the value, json the spelling too."""
    return ValueType(
        sql=sql.name,
        engine=json_engine(sql, "JSON text"),
        kind=ValueKind.JSON,
        encode=_valid_jsonb if sql.name == "jsonb" else _valid_json,
        equality=sql.name == "jsonb",
        orderable=False,
    )


def json_engine(sql: SqlType, what: str) -> TypeEngine[Any]:
    """Return SQLAlchemy's type of a JSON column; raises InvalidTypeError for another type."""
    if sql == SqlType("jsonb"):
        return postgresql.JSONB()
    if sql == SqlType("json"):
        return NamedType("json")
    raise InvalidTypeError(f"{what} can't be stored as {sql}", "use jsonb")


def as_json(text: str) -> str:
    """Return the JSON text; raises InvalidValueError for a NUL, which jsonb can't hold."""
    # A backslash that is left by those that stand for one each escapes what follows.
    if "\\u0000" in text and "\\u0000" in text.replace("\\\\", ""):
        raise InvalidValueError("holds a NUL character, which JSON in PostgreSQL can't", "NUL_IN_TEXT")
    return text


def as_jsonb(text: str) -> str:
    """Return the JSON text; raises InvalidValueError for what jsonb would refuse or change."""
    if "-0" in text:
        _refuse_negative_zero(_outside_strings(text))
    return as_json(text)


def _refuse_negative_zero(outside: str) -> None:
    if _NEGATIVE_ZERO.search(outside):
        raise InvalidValueError("holds a negative zero, which jsonb can't", "INEXACT")


def _outside_strings(text: str) -> str:
    """Return JSON without its strings: where no quote in them is escaped, they end at the next one."""
    if "\\" in text:
        # As in as_json; this takes a third of the time of a pattern that looks at each escape.
        text = text.replace("\\\\", "").replace('\\"', "")
    return _STRING.sub("", text)


def _valid_json(text: str) -> str:
    _check(text)
    return as_json(text)


def _valid_jsonb(text: str) -> str:
    _refuse_negative_zero(_check(text))
    return as_json(text)


def _check(text: str) -> str:
    """Return what lies outside of the text's strings; raises InvalidValueError for what jsonb refuses."""
    if len(text) > MAX_LENGTH:
        raise InvalidValueError(f"has {len(text)} characters, {MAX_LENGTH} are allowed", "TOO_LONG")
    if sum(map(text.count, "[{,")) > MAX_ELEMENTS:
        raise InvalidValueError(f"has more than {MAX_ELEMENTS} elements", "TOO_MANY_ELEMENTS")
    try:
        # Which number it is doesn't matter here, and to find out takes longer than all else.
        parsed = json.loads(text, parse_int=len, parse_float=len, parse_constant=_refuse_constant)
        if _SURROGATE.search(text):
            # Half of a surrogate pair is an escape that json takes and UTF-8 doesn't: encoding finds it.
            json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise InvalidValueError("is no JSON", "INVALID_JSON") from None
    outside = _outside_strings(text)
    # One letter for exponents, as _LONG_EXPONENT too begins with a literal.
    spelled = outside.replace("E", "e")
    exponents = _LONG_EXPONENT.findall(spelled)
    _check_count(exponents)
    if exponents or _may_hold_long_digits(spelled):
        _check_numbers([number for number in _NUMBER.findall(spelled) if _is_long(number)])
    return outside


def _may_hold_long_digits(text: str) -> bool:
    # So many digits hold a whole block of them, wherever they begin: that is found without a look at each.
    blocks = (text[start : start + _BLOCK] for start in range(0, len(text), _BLOCK))
    return any(block.isdigit() and len(block) == _BLOCK for block in blocks)


def _is_long(number: str) -> bool:
    return len(number) >= _LONG or _LONG_EXPONENT.search(number) is not None


def _check_numbers(spelled: Sequence[str]) -> None:
    """Check numbers against jsonb's limits, which are numeric's."""
    _check_count(spelled)
    if not all(map(_is_numeric, spelled)):
        raise InvalidValueError("holds a number that is past what jsonb holds", "OUT_OF_RANGE")


def _check_count(long: Sequence[str]) -> None:
    if len(long) > MAX_LONG_NUMBERS:
        raise InvalidValueError(
            f"has more than {MAX_LONG_NUMBERS} numbers with long exponents or digits", "TOO_MANY_ELEMENTS"
        )


def _is_numeric(spelled: str) -> bool:
    if len(spelled) > _LONGEST:
        return False
    try:
        _, digits, exponent = Decimal(spelled).as_tuple()
    except InvalidOperation:
        return False
    return -_FRACTION_DIGITS <= int(exponent) <= _WHOLE_DIGITS - len(digits)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
