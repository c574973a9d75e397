"""Kinds of column: how each is declared in a proto, the values that it stores, and those that are refused.

Nothing here asks the gateway: SQL types, conversions and spellings are written down a second time, from
docs/protos.md and PostgreSQL's documentation.
"""

import base64
import ipaddress
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto as F
from google.protobuf.message import Message
from hypothesis import strategies as st

Value = Any
"""What a message's constructor takes for a field; of Struct, Value and ListValue, plain JSON."""


_ALL_SYNTAXES = ("proto2", "proto3", "editions")
_NOT_PROTO3 = ("proto2", "editions")


def same(value: Value) -> Any:
    """Return a value as it is."""
    return value


def quoted(text: str) -> str:
    """Return a text as SQL spells it."""
    return "'" + text.replace("'", "''") + "'"


def filter_text(text: str) -> str:
    """Return a text as a filter spells it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("*", "\\*") + '"'


@dataclass(frozen=True, repr=False)
class Kind:
    """A kind of column.

    Args:
        type: the proto field's type.
        column: the SQL type that stores it.
        good: values that are stored.
        bad: values that are refused.
        message: the full name of its message or enum; one without a dot is the schema's own.
        options: what (rowgate.v1.column) says.
        sql: value → SQL, to be cast to the column's type; None where SQL has another idea of it.
        literal: value → a filter's literal; None where a filter can't name the value.
        shown: a field of a message → what two answers are compared by.
        alike: what is shown → what PostgreSQL's `=` compares.
        zero: whether the zero value is stored.
        key: whether it may be part of a key.
        ordered: whether filters have `<`, and order_by takes it.
        respelled: value → the same value, to be spelled otherwise in a key.
        json: whether values are plain JSON, for a message of google/protobuf/struct.proto.
        repeated: whether the field is.
        map: key and value type of a map.
        compared: whether PostgreSQL has `=` for it.
        element: what an array holds.
        syntaxes: those that have it.

    """

    type: int
    column: str
    good: st.SearchStrategy[Value]
    bad: Sequence[Value] = ()
    message: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    sql: Callable[[Value], str] | None = None
    literal: Callable[[Value], str] | None = None
    shown: Callable[[Any], Any] = same
    alike: Callable[[Any], Any] = same
    zero: bool = True
    key: bool = False
    ordered: bool = True
    respelled: Callable[[Value], Value] = same
    json: bool = False
    repeated: bool = False
    map: tuple[int, int, str] | None = None
    compared: bool = True
    element: "Kind | None" = None
    syntaxes: Sequence[str] = _ALL_SYNTAXES

    @property
    def hashable(self) -> bool:
        """Whether PostgreSQL has a hash of it, as of all that it compares but bit strings."""
        return self.compared and not self.column.startswith("bit")


def _whole(
    proto: tuple[int, int], kinds: Sequence[int], columns: Mapping[str, tuple[int, int]]
) -> dict[str, Kind]:
    found = {}
    for place, (asked, stored) in enumerate(columns.items()):
        low, high = max(proto[0], stored[0]), min(proto[1], stored[1])
        column = asked.lstrip("=")
        found[f"{F.Type.Name(kinds[0])[5:].lower()}_{column.replace(' ', '_')}"] = Kind(
            type=kinds[place % len(kinds)],
            column=column,
            good=st.sampled_from([low, high, 0, 1, max(low, -1), low + 1, high - 1]) | st.integers(low, high),
            bad=tuple(
                v
                for v in (proto[0], proto[1], low - 1, high + 1)
                if proto[0] <= v <= proto[1] and not low <= v <= high
            ),
            options={} if asked.startswith("=") else {"type": column},
            sql=lambda value: quoted(str(value)),
            literal=str,
            key=True,
        )
    return found


_INTEGER, _BIGINT, _SMALLINT = (-(2**31), 2**31 - 1), (-(2**63), 2**63 - 1), (-(2**15), 2**15 - 1)


def _digits(precision: int) -> tuple[int, int]:
    return -(10**precision) + 1, 10**precision - 1


_WHOLE = {
    **_whole(
        _INTEGER,
        [F.TYPE_INT32, F.TYPE_SINT32, F.TYPE_SFIXED32],
        {
            "=integer": _INTEGER,
            "smallint": _SMALLINT,
            "bigint": _BIGINT,
            "numeric(5,0)": _digits(5),
            "numeric(12)": _digits(12),
        },
    ),
    **_whole(
        _BIGINT,
        [F.TYPE_INT64, F.TYPE_SINT64, F.TYPE_SFIXED64],
        {
            "=bigint": _BIGINT,
            "integer": _INTEGER,
            "smallint": _SMALLINT,
            "numeric(7)": _digits(7),
            "numeric(30)": _digits(30),
        },
    ),
    **_whole(
        (0, 2**32 - 1),
        [F.TYPE_UINT32, F.TYPE_FIXED32],
        {"=bigint": _BIGINT, "integer": _INTEGER, "smallint": _SMALLINT, "numeric(12)": _digits(12)},
    ),
    **_whole(
        (0, 2**64 - 1),
        [F.TYPE_UINT64, F.TYPE_FIXED64],
        {"=numeric(20,0)": (0, 2**64 - 1), "bigint": _BIGINT, "numeric(30)": _digits(30)},
    ),
}


def _bits(value: float) -> Any:
    return "NaN" if value != value else struct.pack(">d", value)  # noqa: PLR0124 - NaN alone differs from itself


def _number_of(bits: Any) -> Any:
    return bits if bits == "NaN" else struct.unpack(">d", bits)[0]


def _spelled(value: float) -> str:
    if value != value:  # noqa: PLR0124 - as above
        return "NaN"
    return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, repr(value))


_FLT_MAX = 3.4028234663852886e38
_INF = float("inf")
_SINGLES = st.sampled_from(
    [
        0.0,
        -0.0,
        1.5,
        float("nan"),
        _INF,
        -_INF,
        _FLT_MAX,
        -_FLT_MAX,
        1.401298464324817e-45,
        0.10000000149011612,
    ]
) | st.floats(width=32)
_DOUBLES = (
    st.sampled_from([0.0, -0.0, 0.1, float("nan"), _INF, -_INF, 1.7976931348623157e308, 5e-324]) | st.floats()
)


def _floating(
    kind: int, column: str, good: st.SearchStrategy[float], *bad: float, asked: bool = False
) -> Kind:
    return Kind(
        type=kind,
        column=column,
        good=good,
        bad=bad,
        options={"type": column} if asked else {},
        sql=lambda value: quoted(_spelled(value)),
        literal=_spelled,
        shown=_bits,
        alike=_number_of,
        key=True,
    )


_FLOATING = {
    "float": _floating(F.TYPE_FLOAT, "real", _SINGLES),
    "float_double": _floating(F.TYPE_FLOAT, "double precision", _SINGLES, asked=True),
    "double": _floating(F.TYPE_DOUBLE, "double precision", _DOUBLES),
    "double_real": _floating(F.TYPE_DOUBLE, "real", _SINGLES, 0.1, 1e300, asked=True),
}

_TEXTS = st.sampled_from(
    [
        "",
        "a",
        "A",
        "é",
        "e\u0301",
        "it's",
        'q"uote',
        "50%",
        "b\\a",
        "x*y",
        "\U0001f600",
        " ",
        "a b",
        "null",
        "\n",
    ]
)
_ANY_TEXT = _TEXTS | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
_LONG = st.just("long " * 30)


def _text(column: str = "text", **changes: Any) -> Kind:
    found = Kind(
        type=F.TYPE_STRING,
        column=column,
        good=_ANY_TEXT | _LONG,
        bad=("\0", "a\0b"),
        sql=quoted,
        literal=filter_text,
        key=True,
    )
    return replace(found, **changes)


def _cast(column: str, good: Sequence[str], *bad: str, **changes: Any) -> Kind:
    """Return a kind of string whose text PostgreSQL casts to a type of its own; `good` is as it spells it."""
    known = Kind(
        type=F.TYPE_STRING,
        column=column,
        good=st.sampled_from(good),
        bad=("\0", "nonsense", *bad),
        options={"type": column},
        sql=quoted,
        literal=filter_text,
        zero=False,
    )
    return replace(known, **changes)


def _plain_decimal(text: str) -> Decimal:
    return Decimal(text or "0").normalize() + 0


def _digits_alone(text: str) -> str:
    """Return a number without sign, exponent and needless zeros."""
    return f"{_plain_decimal(text):f}"


def _number_sql(text: str) -> str:
    return quoted(text or "0")


def _same_json(text: str) -> str:
    def number(spelled: str) -> str:
        return f"~{Decimal(spelled).normalize()}"

    return json.dumps(json.loads(text, parse_float=number, parse_int=number), sort_keys=True)


_DECIMALS = st.sampled_from(
    ["0", "1", "-1", "1.0", "2.5", "0.10", "-12.50", "99999.99", "1e3", "+7", "007", ".5", "5.", "-0"]
)
_DEC_BAD = ("0.001", "1000000", "NaN", "Infinity", "x", "1,5", "--1", "0x10")
_JSON_TEXTS = [
    "null",
    "true",
    "0",
    "1.50",
    '"x"',
    "[]",
    "{}",
    '{"a": [1, {"b": null}]}',
    "[1e400]",
    '"\\u00e9"',
    '{"k": 1.7976931348623157e308}',
]

_STRINGS = {
    "string": _text(),
    "string_varchar": _text(
        "character varying(5)",
        good=_TEXTS.filter(lambda text: len(text) <= 5) | st.text("aé\U0001f600", max_size=5),
        bad=("sixsix", "\0"),
        options={"type": "varchar(5)"},
    ),
    "string_length": _text("character varying(9)", good=_TEXTS, bad=("0123456789",), options={"length": 9}),
    "string_unbounded": _text("character varying", options={"type": "varchar"}),
    "uuid": _text(
        "uuid",
        good=st.sampled_from(
            [
                "00000000-0000-0000-0000-000000000000",
                "123E4567-e89b-12d3-a456-426614174000",
                "ffffffff-ffff-ffff-ffff-ffffffffffff",
            ]
        )
        | st.uuids().map(str),
        bad=("x", "123e4567e89b12d3a456426614174000", "\0"),
        options={"type": "uuid"},
        shown=str.lower,
        respelled=str.swapcase,
        zero=False,
    ),
    "inet": _text(
        "inet",
        good=st.sampled_from(
            [
                "10.0.0.1",
                "10.0.0.1/24",
                "10.0.0.1/32",
                "::1",
                "2001:db8::1/64",
                "2001:DB8::1",
                "255.255.255.255",
            ]
        ),
        bad=("x", "10.0.0.256", "10.0.0.1/33", "fe80::1%eth0", "\0"),
        options={"type": "inet"},
        shown=lambda text: str(ipaddress.ip_interface(text)),
        respelled=str.swapcase,
        zero=False,
    ),
    "cidr": _text(
        "cidr",
        good=st.sampled_from(["10.0.0.0/8", "10.0.0.1/32", "::/0", "2001:db8::/32"]),
        bad=("x", "10.0.0.1/8", "\0"),
        options={"type": "cidr"},
        shown=lambda text: str(ipaddress.ip_network(text)),
        zero=False,
    ),
    "string_numeric": _text(
        "numeric",
        good=_DECIMALS,
        bad=("x", "NaN", "\0", "1e200000"),
        options={"type": "numeric"},
        shown=_plain_decimal,
        sql=_number_sql,
        respelled=_digits_alone,
        literal=lambda v: str(Decimal(v or "0")),
    ),
    "string_numeric_7_2": _text(
        "numeric(7,2)",
        good=_DECIMALS,
        bad=_DEC_BAD,
        options={"type": "numeric(7,2)"},
        shown=_plain_decimal,
        sql=_number_sql,
        respelled=_digits_alone,
        literal=lambda v: str(Decimal(v or "0")),
    ),
    "string_json": _text(
        "json",
        good=st.sampled_from(_JSON_TEXTS),
        bad=("", "{", "NaN", '"\\ud800"', "nul"),
        options={"type": "json"},
        literal=None,
        sql=quoted,
        key=False,
        ordered=False,
        compared=False,
        zero=False,
    ),
    "string_jsonb": _text(
        "jsonb",
        good=st.sampled_from(_JSON_TEXTS),
        bad=("", "{", "NaN", '"\\u0000"', "-0"),
        options={"type": "jsonb"},
        literal=None,
        shown=_same_json,
        ordered=False,
        zero=False,
    ),
    "macaddr": _cast("macaddr", ["08:00:2b:01:02:03", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"], key=True),
    "int4range": _cast("int4range", ["empty", "[1,5)", "(,)", "[7,)"], "[5,1)", key=True),
    "int8multirange": _cast("int8multirange", ["{}", "{[1,5),[7,9)}", "{(,)}"], "{[5,1)}", key=True),
    "numrange": _cast("numrange", ["empty", "[1.0,1.5]", "(1.5,)", "(,)"], "[2,1.9]", key=True),
    "daterange": _cast("daterange", ["empty", "[2024-02-29,2024-03-01)"], "[2023-02-29,]", key=True),
    "tstzrange": _cast("tstzrange", ["empty", "(,)"], "[5,1)", key=True),
    "pg_lsn": _cast("pg_lsn", ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"], key=True),
    "box": _cast("box", ["(2,2),(1,1)"], compared=False, key=False, ordered=False, literal=None),
    "char_5": _cast(
        "character(5)",
        ["", "a", "é b", "12345", " x"],
        "sixsix",
        "a ",
        key=True,
        zero=True,
        options={"type": "char(5)"},
    ),
    "bit_3": _cast("bit(3)", ["000", "101", "111"], "10", "1010", key=True),
    "varbit": _cast("bit varying(4)", ["0", "1", "1010"], "10101", key=True),
    "timetz": _cast(
        "time(3) with time zone", ["00:00:00+00", "12:30:00.125+02"], "12:30:00.0001+02", key=True
    ),
    "name": _cast("name", ["", "a", "x" * 63], bad=("\0", "x" * 64), key=True, zero=True),
}


def _bytes_literal(value: bytes) -> str:
    return f'"{base64.b64encode(value).decode()}"'


_BYTES = st.sampled_from([b"", b"\0", b"\xff\xfe", b"text", bytes(range(256)) * 5]) | st.binary(max_size=6)
_SIMPLE = {
    "bool": Kind(
        F.TYPE_BOOL,
        "boolean",
        st.booleans(),
        sql=str,
        literal=lambda v: str(v).lower(),
        ordered=False,
        key=True,
    ),
    "bytes": Kind(
        F.TYPE_BYTES, "bytea", _BYTES, sql=lambda v: f"'\\x{v.hex()}'", literal=_bytes_literal, key=True
    ),
}

OPEN = {0: "OPEN_ZERO", 1: "OPEN_ONE", 7: "OPEN_SEVEN", -3: "OPEN_BELOW"}
CLOSED = {3: "CLOSED_FIRST", 1: "CLOSED_ONE", -2147483648: "CLOSED_LEAST"}
NESTED = {0: "OPEN_ZERO", 5: "x" * 63}
"""Declared inside a message; its labels may be those of an enum beside it."""
ALIASES = {"OPEN_UNO": 1, "OPEN_NULL": 0}
"""Further names of OPEN's numbers: rows hold the first."""


def _enum(
    name: str,
    names: Mapping[int, str],
    column: str,
    options: Mapping[str, Any],
    *bad: int,
    told: Mapping[int, str] | None = None,
) -> Kind:
    by_name = column not in ("smallint", "integer")
    return Kind(
        F.TYPE_ENUM,
        column,
        st.sampled_from(list(names)),
        bad,
        name,
        options,
        sql=lambda value: quoted(names[value] if by_name else str(value)),
        literal=(told or names).__getitem__,
        zero=0 in names,
        key=True,
        syntaxes=_NOT_PROTO3 if name == "Closed" else _ALL_SYNTAXES,
    )


_ENUMS = {
    "open": _enum("Open", OPEN, "text", {}, 2, 99, -(2**31)),
    "open_small": _enum("Open", OPEN, "smallint", {"type": "smallint"}, 2, 99),
    "open_integer": _enum("Open", OPEN, "integer", {"type": "integer"}, 2, 99),
    "open_enum": _enum("Open", OPEN, "open_label", {"enum_type": "open_label"}, 2, 99),
    "open_by_alias": _enum(
        "Open", OPEN, "text", {}, 2, told={**OPEN, **{number: name for name, number in ALIASES.items()}}
    ),
    "nested": _enum("Part.Nested", NESTED, "text", {}, 1),
    "closed": _enum("Closed", CLOSED, "text", {}),
    "closed_integer": _enum("Closed", CLOSED, "integer", {"type": "integer"}),
}


def _bytes_of(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


def _moment(value: Mapping[str, int]) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        seconds=value.get("seconds", 0), microseconds=value.get("nanos", 0) // 1000
    )
    return f"{at.year:04}-{at:%m-%dT%H:%M:%S}.{at.microsecond:06}Z"


def _span(value: Mapping[str, int]) -> str:
    whole = value.get("seconds", 0) * 10**6 + value.get("nanos", 0) // 1000
    return f"{'-' if whole < 0 else ''}{abs(whole) // 10**6}.{abs(whole) % 10**6:06}s"


_MOMENTS = st.sampled_from(
    [
        {"seconds": s, "nanos": n}
        for s, n in [
            (0, 0),
            (-1, 999_999_000),
            (-62_135_596_800, 0),
            (253_402_300_799, 999_999_000),
            (1_700_000_000, 1000),
        ]
    ]
)
_MOMENTS_3 = st.sampled_from(
    [
        {"seconds": s, "nanos": n}
        for s, n in [(0, 0), (-1, 999_000_000), (253_402_300_799, 999_000_000), (1_700_000_000, 1_000_000)]
    ]
)
_SPANS = st.sampled_from(
    [
        {"seconds": s, "nanos": n}
        for s, n in [
            (0, 0),
            (1, 500_000_000),
            (-1, -1000),
            (315_576_000_000, 0),
            (-315_576_000_000, 0),
            (86_400 * 40, 0),
        ]
    ]
)


def _message(name: str, column: str, good: st.SearchStrategy[Value], *bad: Value, **changes: Any) -> Kind:
    return replace(Kind(F.TYPE_MESSAGE, column, good, bad, name, shown=_bytes_of, key=True), **changes)


def _day(value: Mapping[str, int]) -> str:
    return f"{value['year']:04}-{value['month']:02}-{value['day']:02}"


def _clock(value: Mapping[str, int]) -> str:
    whole = ":".join(f"{value.get(part, 0):02}" for part in ("hours", "minutes", "seconds"))
    return f"{whole}.{value.get('nanos', 0) // 1000:06}"


def _amount(value: Mapping[str, Any]) -> Decimal:
    nanos = value.get("nanos", 0)
    return Decimal(value.get("units", 0)) + (Decimal(nanos).scaleb(-9) if nanos else 0)


_BAD_MOMENTS = (
    {"nanos": 1},
    {"seconds": 253_402_300_800},
    {"seconds": -62_135_596_801},
    {"nanos": -1000},
    {"nanos": 10**9},
)
_MESSAGES = {
    "timestamp": _message(
        "google.protobuf.Timestamp",
        "timestamp with time zone",
        _MOMENTS,
        *_BAD_MOMENTS,
        sql=lambda v: quoted(_moment(v)),
        literal=lambda v: f'"{_moment(v)}"',
    ),
    "timestamp_utc": _message(
        "google.protobuf.Timestamp",
        "timestamp without time zone",
        _MOMENTS,
        *_BAD_MOMENTS,
        options={"type": "timestamp"},
        sql=lambda v: quoted(_moment(v).rstrip("Z")),
        literal=lambda v: f'"{_moment(v)}"',
    ),
    "timestamp_3": _message(
        "google.protobuf.Timestamp",
        "timestamp(3) without time zone",
        _MOMENTS_3,
        *_BAD_MOMENTS,
        {"nanos": 1000},
        {"seconds": 1_700_000_000, "nanos": 123_456_000},
        options={"type": "timestamp(3)"},
        sql=lambda v: quoted(_moment(v).rstrip("Z")),
        literal=lambda v: f'"{_moment(v)}"',
    ),
    "timestamptz_0": _message(
        "google.protobuf.Timestamp",
        "timestamp(0) with time zone",
        st.sampled_from([{}, {"seconds": -1}, {"seconds": 253_402_300_799}, {"seconds": 1_700_000_000}]),
        *_BAD_MOMENTS,
        {"seconds": 1_700_000_000, "nanos": 500_000_000},
        options={"type": "timestamptz(0)"},
        sql=lambda v: quoted(_moment(v)),
        literal=lambda v: f'"{_moment(v)}"',
    ),
    "duration_1": _message(
        "google.protobuf.Duration",
        "interval(1)",
        st.sampled_from([{}, {"seconds": 1, "nanos": 500_000_000}, {"seconds": -1, "nanos": -100_000_000}]),
        {"nanos": 10_000_000},
        options={"type": "interval(1)"},
        sql=lambda v: quoted(_span(v).rstrip("s") + " seconds"),
        literal=_span,
    ),
    "time_2": _message(
        "google.type.TimeOfDay",
        "time(2) without time zone",
        st.sampled_from([{}, {"hours": 24}, {"hours": 11, "minutes": 30, "nanos": 990_000_000}]),
        {"nanos": 1_000_000},
        options={"type": "time(2)"},
        sql=lambda v: quoted(_clock(v)),
        literal=lambda v: f'"{_clock(v)}"',
    ),
    "duration": _message(
        "google.protobuf.Duration",
        "interval",
        _SPANS,
        {"nanos": 1},
        {"seconds": 1, "nanos": -1000},
        {"seconds": 315_576_000_001},
        {"nanos": 10**9},
        sql=lambda v: quoted(_span(v).rstrip("s") + " seconds"),
        literal=_span,
    ),
    "date": _message(
        "google.type.Date",
        "date",
        st.sampled_from(
            [
                {"year": y, "month": m, "day": d}
                for y, m, d in [(1, 1, 1), (9999, 12, 31), (2024, 2, 29), (1999, 12, 31)]
            ]
        ),
        {"year": 2023, "month": 2, "day": 29},
        {"year": 2023},
        {"month": 2, "day": 1},
        {"year": 10_000, "month": 1, "day": 1},
        {},
        sql=lambda v: quoted(_day(v)),
        literal=lambda v: f'"{_day(v)}"',
        zero=False,
    ),
    "time": _message(
        "google.type.TimeOfDay",
        "time without time zone",
        st.sampled_from(
            [
                {},
                {"hours": 24},
                {"hours": 23, "minutes": 59, "seconds": 59, "nanos": 999_999_000},
                {"hours": 11, "minutes": 30},
            ]
        ),
        {"hours": 24, "nanos": 1000},
        {"seconds": 60},
        {"hours": -1},
        {"nanos": 1},
        sql=lambda v: quoted(_clock(v)),
        literal=lambda v: f'"{_clock(v)}"',
    ),
    "decimal": _message(
        "google.type.Decimal",
        "numeric",
        _DECIMALS.map(lambda text: {"value": text}),
        {"value": "x"},
        {"value": "NaN"},
        sql=lambda v: quoted(v["value"]),
        respelled=lambda v: {"value": _digits_alone(v["value"])},
        literal=lambda v: str(Decimal(v["value"])),
        shown=lambda m: _plain_decimal(m.value),
    ),
    "decimal_7_2": _message(
        "google.type.Decimal",
        "numeric(7,2)",
        _DECIMALS.map(lambda text: {"value": text}),
        *({"value": text} for text in _DEC_BAD),
        options={"type": "numeric(7,2)"},
        sql=lambda v: quoted(v["value"]),
        respelled=lambda v: {"value": _digits_alone(v["value"])},
        literal=lambda v: str(Decimal(v["value"])),
        shown=lambda m: _plain_decimal(m.value),
    ),
    "money": _message(
        "google.type.Money",
        "numeric",
        st.sampled_from(
            [
                {"currency_code": "EUR", "units": u, "nanos": n}
                for u, n in [(0, 0), (2**63 - 1, 999_999_999), (-(2**63), 0), (1, 10_000_000), (-1, -1)]
            ]
        ),
        {"currency_code": "USD", "units": 1},
        {},
        {"currency_code": "EUR", "units": 1, "nanos": -1},
        {"currency_code": "EUR", "nanos": 10**9},
        options={"currency": "EUR"},
        sql=lambda v: quoted(str(_amount(v))),
        literal=lambda v: str(_amount(v)),
        zero=False,
    ),
    "latlng": _message(
        "google.type.LatLng",
        "point",
        st.sampled_from([{}, {"latitude": 90.0, "longitude": -180.0}, {"latitude": -0.5, "longitude": 0.1}]),
        {"latitude": 91.0},
        {"longitude": float("nan")},
        key=False,
        ordered=False,
        compared=False,
    ),
}
_WRAPPED = {
    "BoolValue": "bool",
    "Int32Value": "int32_integer",
    "Int64Value": "int64_bigint",
    "UInt32Value": "uint32_bigint",
    "UInt64Value": "uint64_numeric(20,0)",
    "FloatValue": "float",
    "DoubleValue": "double",
    "StringValue": "string",
    "BytesValue": "bytes",
}


def _wrapper(name: str, inner: Kind) -> Kind:
    sql, literal = inner.sql or str, inner.literal or str
    return replace(
        inner,
        type=F.TYPE_MESSAGE,
        message=f"google.protobuf.{name}",
        good=inner.good.map(lambda value: {"value": value}),
        bad=tuple({"value": value} for value in inner.bad),
        sql=lambda value: sql(value["value"]),
        literal=lambda value: literal(value["value"]),
        shown=lambda message: inner.shown(message.value),
    )


_JSON = st.recursive(
    st.none() | st.booleans() | st.sampled_from([0, 1, -1.5, 1e300, 2**53]) | _TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXTS, inner, max_size=2),
    max_leaves=4,
)


def _document(
    message: str, good: st.SearchStrategy[Value], *bad: Value, column: str = "jsonb", **changes: Any
) -> Kind:
    known = Kind(
        F.TYPE_MESSAGE,
        column,
        good,
        bad,
        message,
        {"type": column} if column == "json" else {},
        shown=_bytes_of,
        ordered=False,
        compared=column == "jsonb",
    )
    return replace(known, **changes)


# Part is the schema's own message: descriptors.py declares it.
PART_VALUES: Mapping[str, tuple[st.SearchStrategy[Value], Sequence[Value]]] = {
    "text": (_TEXTS, ("\0",)),
    "maybe_text": (_TEXTS, ()),
    "number": (_WHOLE["int64_bigint"].good, ()),
    "unsigned": (_WHOLE["uint64_numeric(20,0)"].good, ()),
    "single": (
        st.sampled_from([_FLT_MAX, -_FLT_MAX, 0.0, 1.5, float("nan"), _INF, -_INF, 0.10000000149011612]),
        (-0.0,),
    ),
    "double": (st.sampled_from([0.0, 0.1, float("nan"), _INF, 5e-324, 1.7976931348623157e308]), ()),
    "truth": (st.booleans(), ()),
    "raw": (_BYTES, ()),
    "kind": (st.sampled_from(list(NESTED)), ()),
    "at": (_MOMENTS, ()),
    "texts": (st.lists(_TEXTS, max_size=2), (["\0"],)),
    "counts": (st.dictionaries(_TEXTS, st.integers(-(2**31), 2**31 - 1), max_size=2), ({"\0": 1},)),
    "either_text": (_TEXTS, ()),
}


def _part(depth: int = 1) -> st.SearchStrategy[Value]:
    inner = {name: good for name, (good, _) in PART_VALUES.items()}
    if depth:
        inner["part"] = _part(depth - 1)
        inner["parts"] = st.lists(_part(depth - 1), max_size=2)
    return st.fixed_dictionaries({}, optional=inner)


_BAD_PARTS = tuple({name: value} for name, (_, bad) in PART_VALUES.items() for value in bad)

_DOCUMENTS = {
    "part": _document("Part", _part(), *_BAD_PARTS, {"part": {"text": "\0"}}),
    "part_json": _document("Part", _part(), column="json"),
    "struct": _document(
        "google.protobuf.Struct",
        st.dictionaries(_TEXTS, _JSON, max_size=2),
        {"a": "\0"},
        {"a": -0.0},
        json=True,
    ),
    "value": _document("google.protobuf.Value", _JSON, "\0", -0.0, json=True),
    "list_value": _document("google.protobuf.ListValue", st.lists(_JSON, max_size=2), ["\0"], json=True),
    "part_delimited": _document("Part", _part(), *_BAD_PARTS, syntaxes=("editions",)),
    "empty": _document("google.protobuf.Empty", st.just({})),
    "field_mask": _document("google.protobuf.FieldMask", st.just({"paths": ["a.b", "c"]}) | st.just({})),
}


def _sorted_items(entries: Any) -> Any:
    return sorted(
        (repr(key), _bytes_of(value) if isinstance(value, Message) else repr(value))
        for key, value in entries.items()
    )


def _map(key: int, value: int, message: str, good: st.SearchStrategy[Value], *bad: Value) -> Kind:
    return Kind(
        F.TYPE_MESSAGE,
        "jsonb",
        good,
        bad,
        shown=_sorted_items,
        ordered=False,
        repeated=True,
        map=(key, value, message),
    )


_MAPS = {
    "map_text": _map(
        F.TYPE_STRING, F.TYPE_STRING, "", st.dictionaries(_TEXTS, _TEXTS, max_size=3), {"\0": ""}, {"a": "\0"}
    ),
    "map_int64": _map(
        F.TYPE_INT64,
        F.TYPE_DOUBLE,
        "",
        st.dictionaries(st.integers(-(2**63), 2**63 - 1), st.sampled_from([1.5, 0.0, _INF]), max_size=2),
        {1: -0.0},
    ),
    "map_bool": _map(F.TYPE_BOOL, F.TYPE_BYTES, "", st.dictionaries(st.booleans(), _BYTES, max_size=2)),
    "map_part": _map(
        F.TYPE_UINT32,
        F.TYPE_MESSAGE,
        "Part",
        st.dictionaries(st.integers(0, 9), _part(0), max_size=2),
        {1: {"text": "\0"}},
    ),
    "map_open": _map(
        F.TYPE_STRING, F.TYPE_ENUM, "Open", st.dictionaries(_TEXTS, st.sampled_from(list(OPEN)), max_size=2)
    ),
}


def _listed(shown: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda values: [shown(value) for value in values]


def _array(inner: Kind) -> Kind:
    sql = inner.sql
    options = dict(inner.options)
    if "type" in options:
        options["type"] = options["type"] + "[]"
    elif "length" in options:
        options = {"type": f"{inner.column}[]"}
    return replace(
        inner,
        column=f"{inner.column}[]",
        good=st.lists(inner.good, max_size=3),
        bad=tuple([value] for value in inner.bad),
        options=options,
        sql=None if sql is None else lambda values: f"ARRAY[{', '.join(map(sql, values))}]::{inner.column}[]",
        literal=None,
        shown=_listed(inner.shown),
        alike=_listed(inner.alike),
        zero=True,
        key=False,
        repeated=True,
        element=inner,
    )


def _repeated_document(inner: Kind, **changes: Any) -> Kind:
    return replace(
        inner,
        column=changes.pop("column", inner.column),
        good=st.lists(inner.good, max_size=2),
        bad=tuple([value] for value in inner.bad),
        shown=_listed(inner.shown),
        repeated=True,
        key=False,
        **changes,
    )


_SINGLE = {**_WHOLE, **_FLOATING, **_STRINGS, **_SIMPLE, **_ENUMS, **_MESSAGES}
_WRAPPERS = {name: _wrapper(name, _SINGLE[inner]) for name, inner in _WRAPPED.items()}
_ARRAYED = [
    *(
        "int32_integer",
        "int32_smallint",
        "int64_bigint",
        "uint32_bigint",
        "uint64_numeric(20,0)",
        "float",
        "double",
        "double_real",
    ),
    *(
        "bool",
        "bytes",
        "string",
        "string_varchar",
        "string_length",
        "uuid",
        "inet",
        "cidr",
        "string_numeric_7_2",
        "string_jsonb",
    ),
    *(
        "macaddr",
        "int4range",
        "numrange",
        "nested",
        "open_by_alias",
        "open",
        "open_small",
        "open_enum",
        "closed",
    ),
    *("timestamp", "timestamp_utc", "duration", "date", "time", "decimal", "decimal_7_2", "money", "latlng"),
    *("timestamp_3", "char_5", "bit_3", "duration_1", "time_2"),
]
_LISTS = {
    **{f"{name}_array": _array(_SINGLE[name]) for name in _ARRAYED},
    "string_list": _repeated_document(
        _STRINGS["string"], column="jsonb", options={"type": "jsonb"}, ordered=False, literal=None, sql=None
    ),
    "parts": _repeated_document(_DOCUMENTS["part"]),
    "int_values": _repeated_document(
        _WRAPPERS["Int64Value"], column="jsonb", ordered=False, literal=None, sql=None
    ),
}

KINDS: Mapping[str, Kind] = {**_SINGLE, **_WRAPPERS, **_DOCUMENTS, **_MAPS, **_LISTS}
"""All kinds, by the name that a kept case calls them by."""
