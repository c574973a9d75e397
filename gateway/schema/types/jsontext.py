"""JSON as text: a string field's, and what every JSON has to keep to so that PostgreSQL can read below it.

A filter below a column reads it as jsonb, in every row. So what jsonb refuses is refused in a `json` column
too: one such row would refuse the filter to everybody. https://www.postgresql.org/docs/current/datatype-json.html
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from gateway.schema.types.sqltypes import NamedType, SqlType, TypeFault
from gateway.schema.values import ValueFault, ValueKind, ValueType

# An escaped NUL after an even number of backslashes.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_NEGATIVE_ZERO = re.compile(r"-0(?:\.0*)?(?:[eE][+-]?[0-9]+)?(?![0-9.])")
# No shorter number is past numeric's limits, or past the digits that Python makes an integer of.
_LONG_NUMBER = re.compile(r"[eE][+-]?[0-9]{4}|[0-9]{4000}")
# https://www.postgresql.org/docs/current/datatype-numeric.html
_WHOLE_DIGITS, _FRACTION_DIGITS = 131_072, 16_383

MAX_LENGTH = 4 * 1024 * 1024
"""The most characters of a JSON text."""
MAX_ELEMENTS = 200_000
"""The most values of a JSON text: reading it makes objects of them all, with nobody else's turn between."""


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
    """Return SQLAlchemy's type of a JSON column; raises TypeFault for another type."""
    if sql == SqlType("jsonb"):
        return postgresql.JSONB()
    if sql == SqlType("json"):
        return NamedType("json")
    raise TypeFault(f"{what} can't be stored as {sql}", "use jsonb")


def as_json(text: str) -> str:
    """Return the JSON text; raises ValueFault for a NUL, which jsonb can't hold."""
    if "\\u0000" in text and _NUL.search(text):
        raise ValueFault("holds a NUL character, which JSON in PostgreSQL can't", "NUL_IN_TEXT")
    return text


def as_jsonb(text: str) -> str:
    """Return the JSON text; raises ValueFault for what jsonb would refuse or change."""
    if "-0" in text and _has_negative_zero(text):
        raise ValueFault("holds a negative zero, which jsonb can't", "INEXACT")
    return as_json(text)


def _has_negative_zero(text: str) -> bool:
    found = []

    def number(spelled: str) -> float:
        if _NEGATIVE_ZERO.fullmatch(spelled):
            found.append(spelled)
        return 0

    json.loads(text, parse_float=number, parse_int=number)
    return bool(found)


def _valid_json(text: str) -> str:
    if len(text) > MAX_LENGTH:
        raise ValueFault(f"has {len(text)} characters, {MAX_LENGTH} are allowed", "TOO_LONG")
    if sum(map(text.count, "[{,")) > MAX_ELEMENTS:
        raise ValueFault(f"has more than {MAX_ELEMENTS} elements", "TOO_MANY_ELEMENTS")
    number = _numeric if _LONG_NUMBER.search(text) else None
    try:
        parsed = json.loads(text, parse_float=number, parse_int=number, parse_constant=_refuse_constant)
        # Half of a surrogate pair is an escape that json takes and UTF-8 doesn't: encoding finds it.
        json.dumps(parsed, ensure_ascii=False).encode()
    except ValueFault:
        raise
    except (ValueError, RecursionError):
        raise ValueFault("is no JSON", "INVALID_JSON") from None
    return as_json(text)


def _valid_jsonb(text: str) -> str:
    return as_jsonb(_valid_json(text))


def _numeric(spelled: str) -> int:
    """Check a number against jsonb's limits, which are numeric's; what it is doesn't matter here."""
    try:
        _, digits, exponent = Decimal(spelled).as_tuple()
    except InvalidOperation:
        digits, exponent = (), _WHOLE_DIGITS + 1
    if not -_FRACTION_DIGITS <= int(exponent) <= _WHOLE_DIGITS - len(digits):
        raise ValueFault("holds a number that is past what jsonb holds", "OUT_OF_RANGE")
    return 0


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
