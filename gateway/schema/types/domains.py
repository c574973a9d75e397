"""Domains: what a value may be that a cast to the type below one neither cuts nor rounds.

A text for a column of a domain is cast to it, and a cast to `numeric(15,2)` rounds, one to `varchar(3)` cuts.
What a domain is over isn't in the schema: the database is asked at the start.
https://www.postgresql.org/docs/current/sql-createdomain.html
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from gateway.schema.types.intervals import INTERVALS, kept_text
from gateway.schema.types.limits import Check, bits, seconds
from gateway.schema.types.sql_types import SqlType
from gateway.schema.types.texts import text
from gateway.schema.values import ValueType

# As format_type prints it: `numeric(15,2)`, `timestamp(0) without time zone`, `character varying(3)[]`.
_PRINTED = re.compile(
    r"(?P<name>[a-z ]+?)(?:\((?P<limits>[-\d,]+)\))?(?: with(?:out)? time zone)?(?P<array>\[\])?"
)
# A quote that isn't closed ends with the text, so that no text is read twice; PostgreSQL refuses it.
_ELEMENT = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)"?|(?P<bare>[^{},"\s][^{},"]*)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def within(type_: ValueType, base: str) -> ValueType:
    """Return the type of a column of a domain, refusing what would be cut or rounded.

    Args:
        type_: a type that is cast from text, or an array of it.
        base: the type that the domain is over, as PostgreSQL prints it.

    """
    check = _check_of(base)
    if check is None:
        return type_
    parse = _checked(type_.parse, check) if type_.parse is not None else None
    return replace(type_, encode=_checked(type_.encode or str, check), parse=parse)


def _checked(encode: Callable[[Any], Any], check: Check) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        encoded = encode(value)
        for one in encoded if isinstance(encoded, list) else (encoded,):
            check(one)
        return encoded

    return checked


def _check_of(base: str) -> Check | None:
    printed = _PRINTED.fullmatch(base)
    if printed is None:
        return None
    limits = tuple(map(int, printed["limits"].split(","))) if printed["limits"] else ()
    build = _CHECKS.get(printed["name"])
    check = build(base, limits) if build else None
    if check is None or not printed["array"]:
        return check
    return lambda value: [check(element) for element in _elements(value)]


def _elements(array: str) -> Iterator[str]:
    """Yield the elements of an array as PostgreSQL writes it, but for NULLs."""
    for match in _ELEMENT.finditer(array):
        element = match["bare"].rstrip() if match["quoted"] is None else match["quoted"]
        if match["quoted"] is not None or element.upper() != "NULL":
            yield _ESCAPED.sub(r"\1", element)


def _as_text(base: str, limits: tuple[int, ...]) -> Check | None:
    """Return the check that a text's own column of the type has."""
    name = "numeric" if base.startswith("numeric") else "character varying"
    return text(SqlType(name, limits)).encode if limits else None


def _as_interval(name: str) -> Callable[[str, tuple[int, ...]], Check]:
    return lambda _, limits: kept_text(SqlType(name, limits))


_CHECKS: Mapping[str, Callable[[str, tuple[int, ...]], Check | None]] = {
    "numeric": _as_text,
    "character varying": _as_text,
    "character": _as_text,
    "timestamp": seconds,
    "time": seconds,
    **{name: _as_interval(name) for name in INTERVALS},
    "bit": bits,
    "bit varying": bits,
}
