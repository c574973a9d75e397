"""The functions of filters as SQL, by the names that gateway.request.filter.functions computes them by.

None of them fails for any value. All are named with their schema, but for what the grammar makes of EXTRACT.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Date, Text, case, cast, extract, func, literal_column
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from gateway.request.filter.plan import RelativeTime

Value = ColumnElement[Any]

_MARKS = literal_column(r"'[\u0300-\u036f]'", Text)
_NFD, _NONE, _ALL = (literal_column(f"'{text}'", Text) for text in ("NFD", "", "g"))
_UTC = literal_column("'UTC'", Text)
_CATALOG = func.pg_catalog


def _text(value: Value) -> Value:
    return cast(value, Text)


def _fold(value: Value) -> Value:
    """Return a text in lower case, without the accents that stand behind their letters once decomposed."""
    decomposed = _CATALOG.normalize(_text(value), _NFD)
    return _CATALOG.lower(_CATALOG.regexp_replace(decomposed, _MARKS, _NONE, _ALL, type_=Text), type_=Text)


def _in_utc(value: Value) -> Value:
    """Return a time as UTC has it, and what is no time with a zone as it is."""
    zoned = isinstance(value.type, postgresql.TIMESTAMP) and value.type.timezone
    return _CATALOG.timezone(_UTC, value, type_=postgresql.TIMESTAMP()) if zoned else value


def _part(name: str) -> Callable[[Value], Value]:
    return lambda value: extract(name, _in_utc(value))


def _document_text(value: Value) -> Value:
    return case((_CATALOG.jsonb_typeof(value) == _literal("string"), _whole_text(value)))


def _size(value: Value) -> Value:
    """Return how long a document's text or list is; NULL of all else."""
    kind = _CATALOG.jsonb_typeof(value)
    return case(
        (kind == _literal("string"), _CATALOG.char_length(_whole_text(value))),
        (kind == _literal("array"), _CATALOG.jsonb_array_length(value)),
    )


def _whole_text(value: Value) -> Value:
    return value.op("#>>", return_type=Text())(literal_column("'{}'::text[]"))


def _literal(text: str) -> Value:
    return literal_column(f"'{text}'", Text)


FUNCTIONS: Mapping[str, Callable[[Value], Value]] = {
    "lower": lambda value: _CATALOG.lower(_text(value), type_=Text),
    "upper": lambda value: _CATALOG.upper(_text(value), type_=Text),
    "fold": _fold,
    "characters": lambda value: _CATALOG.char_length(_text(value)),
    "octets": _CATALOG.octet_length,
    "elements": _CATALOG.cardinality,
    "size": _size,
    "document_text": _document_text,
    "date": lambda value: cast(_in_utc(value), Date),
    "year": _part("year"),
    "month": _part("month"),
    "day": _part("day"),
    "weekday": _part("isodow"),
    "hour": _part("hour"),
}

OF_JSON = frozenset({"size", "document_text"})
"""Those that take jsonb."""


def relative_time(time: RelativeTime, engine: TypeEngine[Any]) -> Value:
    """Return a time by its distance from the statement's transaction, as rules have it; of that type."""
    distance = literal_column(f"interval '{time.micros} microseconds'", postgresql.INTERVAL)
    moment = _CATALOG.now(type_=postgresql.TIMESTAMP(timezone=True)) + distance
    moment.type = postgresql.TIMESTAMP(timezone=True)
    zoned = isinstance(engine, postgresql.TIMESTAMP) and engine.timezone
    return moment if zoned else cast(_in_utc(moment), engine)
