"""Kinds of values: how they are drawn, how SQL and filters spell them, and what messages tell of them."""

import base64
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from google.protobuf import json_format

Value = Any
"""Plain Python: texts, numbers, dates; decimals as the text that tells them; messages as dictionaries."""

TEXTS = (
    *(
        "",
        "a",
        "A",
        "ab",
        "Ab",
        "aab",
        "é",
        "É",
        "e\u0301",
        "ß",
        "Zürich",
        "zurich",
        "İstanbul",
        "日本",
        "😀",
    ),
    *(
        "x*y",
        "50%",
        "a_b",
        "b\\a",
        'q"uote',
        "it's",
        "null",
        "NaN",
        " lead",
        "two\nlines",
        "${1}",
        "$1",
        ":a",
    ),
)
_SMALL = (-(2**15), -7, 0, 1, 2, 42, 2**15 - 1)
_INTS = (-(2**31), -7, -1, 0, 1, 2, 42, 2**31 - 1)
_BIGS = (-(2**63), -(2**53) - 1, -1, 0, 5, 2**53 + 1, 2**63 - 1)
_HUGE = (0, 1, 2**53 + 1, 2**63, 2**64 - 1)
_DOUBLES = (float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 0.1, -1.5, 2.5, 5e-324, 1e300, -1e300, 3.0)
MOMENTS = (
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2000, 1, 1, 0, 30, tzinfo=UTC),
    datetime(2012, 4, 21, 15, 30, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 123000, tzinfo=UTC),
    datetime(2024, 3, 31, 1, 30, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
)
_DATES = (date(1, 1, 1), date(1969, 12, 31), date(2000, 1, 1), date(2024, 2, 29), date(9999, 12, 31))
_HOURS = (time(0), time(8), time(11, 30), time(23, 59, 59, 999999))
_SPANS = (
    timedelta(0),
    timedelta(microseconds=-1),
    timedelta(seconds=20),
    timedelta(seconds=1.2),
    timedelta(hours=1, minutes=30),
    timedelta(days=-2),
    timedelta(days=100_000),
)
_DECIMALS = (
    *("0", "-0.1", "1.50", "1.5", "19.99", "-7", "0.000000000000000000001"),
    "12345678901234567890123456789012345678901234567890.123456789",
    "99999999999999999999999999999999999999999999",
)
_WEIGHTS = (
    "0.000000000000",
    "-1.500000000000",
    "1.500000000000",
    "0.000000000001",
    "9" * 28 + "." + "9" * 12,
)
_BYTES = (b"", b"\0", b"\xff\0a", b"a", b"ab", b"\\x")
UUIDS = tuple(f"{digit}{digit:07x}-aaaa-4bbb-8ccc-{digit:012d}" for digit in range(10))
WORDS = ("red", "Red", "", "it's", 'q"', "a,b", "{}", "é", "NULL")
KEYS = ("env", "tier one", "é", "a")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value.

    Args:
        name: tells kinds apart.
        draw: a value of it.
        cast: its type in SQL.
        spell: a value within quotes, as SQL takes it before the cast.
        literal: a value as filters spell it; None where none is compared with.
        told: what a message's field tells, as plain Python; `plain` of the drawn value is the same.
        plain: what is told of a value that was drawn.
        zero: what a field without presence tells that is unset.
        ordered: whether it sorts.
        element: the kind of a list's elements.

    """

    name: str
    draw: Callable[[Random], Value]
    cast: str
    spell: Callable[[Value], str] = str
    literal: Callable[[Value], str] | None = None
    told: Callable[[Any], Value] = lambda value: value
    plain: Callable[[Value], Value] = lambda value: value
    zero: Value = None
    ordered: bool = True
    element: "Kind | None" = None

    def sql(self, value: Value) -> str:
        """Return a value in SQL."""
        return "NULL" if value is None else f"{string(self.spell(value))}::{self.cast}"


def string(text: str) -> str:
    """Return a string of SQL."""
    return "'" + text.replace("'", "''") + "'"


def quoted(text: str) -> str:
    """Return a text in quotes, as filters have it, whose stars are stars."""
    for sign, escape in (("\\", "\\\\"), ('"', '\\"'), ("*", "\\*"), ("\n", "\\n")):
        text = text.replace(sign, escape)
    return f'"{text}"'


def _of(values: Sequence[Value]) -> Callable[[Random], Value]:
    return lambda chance: chance.choice(values)


def _float(value: float) -> str:
    return str(value).replace("inf", "Infinity").replace("nan", "NaN")


def single(value: float) -> float:
    """Return the float of 32 bits that is nearest."""
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _timestamp(message: Any) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        seconds=message.seconds, microseconds=message.nanos // 1000
    )


def _interval(value: timedelta) -> str:
    return f"{value.days * 86_400 + value.seconds} s {value.microseconds} us"


def _duration(value: timedelta) -> str:
    sign, length = ("-", -value) if value < timedelta(0) else ("", value)
    whole = length.days * 86_400 + length.seconds
    return f"{sign}{whole}.{length.microseconds:06d}s" if length.microseconds else f"{sign}{whole}s"


def _array(spell: Callable[[Value], str]) -> Callable[[Sequence[Value]], str]:
    def spelled(values: Sequence[Value]) -> str:
        inner = (spell(one).replace("\\", "\\\\").replace('"', '\\"') for one in values)
        return "{" + ",".join(f'"{one}"' for one in inner) + "}"

    return spelled


def some(values: Sequence[Value], most: int = 3) -> Callable[[Random], list[Value]]:
    """Return what draws a list of values."""
    return lambda chance: chance.choices(values, k=chance.randrange(most + 1))


def _mapping(values: Sequence[Value]) -> Callable[[Random], dict[str, Value]]:
    return lambda chance: {key: chance.choice(values) for key in KEYS if chance.random() < 0.4}


def numbers_as_floats(value: Value) -> Value:
    """Return a JSON value as a Struct has it."""
    if isinstance(value, dict):
        return {key: numbers_as_floats(one) for key, one in value.items()}
    if isinstance(value, list):
        return [numbers_as_floats(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _document(message: Any) -> Value:
    """Return the fields of a message that are set, by their names."""
    return {one.name: value for one, value in message.ListFields()}


def _kept(zeros: Mapping[str, Value]) -> Callable[[Value], Value]:
    """Return what leaves out a document's zeros of fields without presence."""

    def kept(value: Value) -> Value:
        return {name: one for name, one in value.items() if name not in zeros or one != zeros[name]}

    return kept


def _drawn_address(chance: Random) -> Value:
    pools = {
        "street": TEXTS,
        "number": (0, 1, -1, 2**31 - 1),
        "floor": ("", "1st", "é"),
        "lift": (False, True),
    }
    return {name: chance.choice(values) for name, values in pools.items() if chance.random() < 0.7}


def _drawn_stops(chance: Random) -> Value:
    stops = [
        {"city": chance.choice(("Rome", "ROMA", "rômé", "", "Ro*")), "days": chance.choice((0, 1, 7))}
        for _ in range(chance.randrange(4))
    ]
    return [{name: one for name, one in stop.items() if chance.random() < 0.8} for stop in stops]


DOCUMENTS: Sequence[Any] = (
    {"name": "Ab", "sizes": [1, 2], "items": [{"sku": "a"}, {"sku": "b", "n": 1}], "size": 3},
    {"name": 4, "sizes": "a", "items": {"sku": "a", "n": [1, "a"]}, "size": "7"},
    {"name": "école", "items": [], "sizes": [], "a": True, "size": 7.5},
    {},
    {"size": None, "name": "", "a": False},
    {"size": -1e300, "name": "a"},
)
ADDRESS_ZEROS: Mapping[str, Value] = {"street": "", "number": 0, "lift": False}
STOP_ZEROS: Mapping[str, Value] = {"city": "", "days": 0}

TEXT = Kind("text", _of(TEXTS), "text", literal=quoted, zero="")
SHORT = Kind("varchar", _of([one[:12] for one in TEXTS]), "varchar(12)", literal=quoted, zero="")
SMALL = Kind("smallint", _of(_SMALL), "smallint", literal=str, zero=0)
INT = Kind("int", _of(_INTS), "integer", literal=str, zero=0)
NATURAL = Kind("natural", _of((0, 1, 7, 2**32 - 1, *range(20, 40))), "bigint", literal=str, zero=0)
BIG = Kind("bigint", _of(_BIGS), "bigint", literal=str, zero=0)
HUGE = Kind("huge", _of(_HUGE), "numeric(20)", literal=str, zero=0)
WRAPPED = Kind("wrapped", _of(_INTS), "integer", literal=str, told=lambda one: one.value)
WRAPPED_TEXT = Kind("wrapped text", _of(TEXTS), "text", literal=quoted, told=lambda one: one.value)
DOUBLE = Kind("double", _of(_DOUBLES), "double precision", _float, _float, zero=0.0)
REAL = Kind("real", _of([single(one) for one in _DOUBLES]), "real", _float, _float, zero=0.0)
BOOL = Kind(
    "bool",
    _of((True, False)),
    "boolean",
    lambda one: str(one).lower(),
    lambda one: str(one).lower(),
    zero=False,
)
WRAPPED_BOOL = Kind("wrapped bool", BOOL.draw, "boolean", BOOL.spell, BOOL.literal, lambda one: one.value)
UUID = Kind("uuid", _of(UUIDS), "uuid", literal=quoted, zero="")
DECIMAL = Kind("decimal", _of(_DECIMALS), "numeric", literal=str, told=lambda one: one.value)
WEIGHT = Kind("numeric text", _of(_WEIGHTS), "numeric(40,12)", literal=str, zero="")
TIMESTAMP = Kind(
    "timestamp",
    _of(MOMENTS),
    "timestamptz",
    datetime.isoformat,
    lambda one: f'"{one.isoformat()}"',
    _timestamp,
)
LOCAL = Kind(
    "local",
    _of(MOMENTS),
    "timestamp",
    lambda one: one.replace(tzinfo=None).isoformat(),
    TIMESTAMP.literal,
    _timestamp,
)
WITHIN = (datetime(1, 2, 10, tzinfo=UTC), *MOMENTS[1:-1], datetime(9999, 12, 20, 23, 59, tzinfo=UTC))
"""Whose days, weeks and months are in years that messages hold, in every zone."""
GROUPED = replace(TIMESTAMP, draw=_of(WITHIN))
ADDED = replace(DOUBLE, draw=_of((*_DOUBLES[:5], 0.125, -1.5, 2.5, 3.0, 1e120)))
"""Whose sums and squares are the same in every order of adding, or beyond what tells them apart."""
GROUPED_LOCAL = replace(LOCAL, draw=_of(WITHIN))
DATE = Kind(
    "date", _of(_DATES), "date", str, lambda one: f'"{one}"', lambda one: date(one.year, one.month, one.day)
)
HOUR = Kind(
    "hour",
    _of(_HOURS),
    "time",
    str,
    lambda one: f'"{one}"',
    lambda one: time(one.hours, one.minutes, one.seconds, one.nanos // 1000),
)
DURATION = Kind(
    "duration",
    _of(_SPANS),
    "interval",
    _interval,
    _duration,
    lambda one: timedelta(seconds=one.seconds, microseconds=one.nanos / 1000),
)
BYTES = Kind(
    "bytes",
    _of(_BYTES),
    "bytea",
    lambda one: f"\\x{one.hex()}",
    lambda one: f'"{base64.b64encode(one).decode()}"',
    zero=b"",
)
WORD = Kind("word", _of(WORDS), "text", literal=quoted)
WORD_LIST = Kind("words", some(WORDS), "text[]", _array(str), told=list, ordered=False, element=WORD)
BIG_LIST = Kind("bigs", some(_BIGS), "bigint[]", _array(str), told=list, ordered=False, element=BIG)
SMALL_LIST = Kind("bigs", some(_SMALL), "smallint[]", _array(str), told=list, ordered=False, element=SMALL)
DOUBLE_LIST = Kind(
    "doubles", some(_DOUBLES), "double precision[]", _array(_float), told=list, ordered=False, element=DOUBLE
)
TEXT_MAP = Kind("texts by key", _mapping(TEXTS), "jsonb", json.dumps, told=dict, ordered=False)
INT_MAP = Kind("ints by key", _mapping(_INTS), "jsonb", json.dumps, told=dict, ordered=False)
STRUCT = Kind(
    "struct",
    _of(DOCUMENTS),
    "jsonb",
    json.dumps,
    told=lambda one: numbers_as_floats(json_format.MessageToDict(one)),
    plain=numbers_as_floats,
    ordered=False,
)
JSON_TEXT = Kind(
    "json text",
    _of((*DOCUMENTS, "x", 4, [1, "x"], True)),
    "jsonb",
    json.dumps,
    told=lambda one: numbers_as_floats(json.loads(one)),
    plain=numbers_as_floats,
    ordered=False,
)
ADDRESS = Kind(
    "address", _drawn_address, "jsonb", json.dumps, told=_document, plain=_kept(ADDRESS_ZEROS), ordered=False
)
STOPS = Kind(
    "stops",
    _drawn_stops,
    "jsonb",
    json.dumps,
    told=lambda many: [_document(one) for one in many],
    plain=lambda many: [_kept(STOP_ZEROS)(one) for one in many],
    ordered=False,
)


def enum(cast: str, names: Mapping[str, Any], numbers: Mapping[str, int]) -> Kind:
    """Return the kind of an enum.

    Args:
        cast: its type in SQL.
        names: what is stored, by the values' names; those that are left out are never stored.
        numbers: the values' numbers in protos.

    """
    by_number = {number: name for name, number in numbers.items()}
    return Kind(
        f"enum {sorted(names)}",
        _of(list(names)),
        cast,
        lambda name: str(names[name]),
        str,
        by_number.__getitem__,
        zero=by_number[0],
    )


def vector(size: int) -> Kind:
    """Return the kind of vectors of so many numbers."""
    values = (-2.0, -1.0, 0.0, 0.5, 1.0, 3.0)
    return Kind(
        f"vector of {size}",
        lambda chance: chance.choices(values, k=size),
        f"vector({size})",
        str,
        told=list,
        ordered=False,
        element=DOUBLE,
    )


def enum_list(one: Kind) -> Kind:
    """Return the kind of a list of an enum's values, which are stored by their names."""
    return Kind(
        f"list of {one.name}",
        lambda chance: [one.draw(chance) for _ in range(chance.randrange(4))],
        f"{one.cast}[]",
        _array(one.spell),
        told=lambda many: [one.told(each) for each in many],
        ordered=False,
        element=one,
    )
