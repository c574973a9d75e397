"""Readings for the tests of aggregates, and SQL by hand for each field of their statistics."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from gateway.schema.model import Field
from gateway.schema.types.mapping import WRAPPERS

KEYS: Mapping[str, str] = {
    "station": "station",
    "sensor": "sensor",
    "kind": "kind",
    "grade": "grade",
    "valid": "valid",
    "large": "big",
    "day": "day",
    "uuid": "uuid",
    "exact": "exactly",
    "measured": "measured",
    "hour": "date_trunc('hour', taken_at, $1)",
    "zurich_day": "date_trunc('day', taken_at, 'Europe/Zurich')",
    "month": "date_trunc('month', taken_at AT TIME ZONE $1)::date",
    "week": "date_trunc('week', day::timestamp)::date",
    "local_quarter": "date_trunc('quarter', local_at AT TIME ZONE 'UTC', $1)",
    "hour_of_day": "extract(hour FROM taken_at AT TIME ZONE $1)::int",
    "day_of_week": "extract(isodow FROM day)::int",
}
"""The fields that make groups, in SQL; `$1` is the request's time zone."""

_GOOD = "kind = 'KIND_GOOD'"
_EXTREMES = {
    **{name: name for name in ("small", "big", "huge", "single", "price", "wrapped", "kind", "grade")},
    **{
        name: name
        for name in ("taken_at", "local_at", "day", "starts", "lasted", "address", "short", "sensor")
    },
    "exact": "exactly",
}


def _listed(values: str, part: str) -> str:
    return f"coalesce(({values}){part}, '{{}}')"


AGGREGATES: Mapping[str, str] = {
    "readings": "count(*)",
    "bad": "count(*) FILTER (WHERE kind = 'KIND_BAD' OR measured < 0)",
    "sensors": "count(DISTINCT sensor)",
    "good_days": "count(DISTINCT day) FILTER (WHERE kind <> 'KIND_BAD')",
    "sum_small": "sum(small)",
    "sum_whole": "sum(whole)",
    "sum_big": "sum(big::numeric)",
    "sum_huge": "sum(huge)",
    "sum_single": "sum(single::float8)",
    "sum_measured": "sum(measured)",
    "sum_exact": "sum(exactly)",
    "sum_price": "sum(price)",
    "sum_wrapped": "sum(wrapped)",
    "sum_lasted": "sum(lasted)",
    "sum_good": f"sum(whole) FILTER (WHERE {_GOOD})",
    "avg_small": "avg(small)::float8",
    "avg_big": "avg(big)",
    "avg_exact": "avg(exactly)::float8",
    "avg_single": "avg(single)",
    "avg_price": "avg(price)",
    "avg_lasted": "avg(lasted)",
    **{f"min_{name}": f"min({column})" for name, column in _EXTREMES.items()},
    **{f"max_{name}": f"max({column})" for name, column in _EXTREMES.items()},
    "median_whole": "percentile_cont(0.5) WITHIN GROUP (ORDER BY whole)",
    "median_lasted": "percentile_cont(0.5) WITHIN GROUP (ORDER BY lasted)",
    "p90_exact": "percentile_cont(0.9) WITHIN GROUP (ORDER BY exactly::float8)",
    "p10_good": f"percentile_cont(0.1) WITHIN GROUP (ORDER BY single) FILTER (WHERE {_GOOD})",
    "p75_sensor": "percentile_disc(0.75) WITHIN GROUP (ORDER BY sensor)",
    "first_uuid": "percentile_disc(0) WITHIN GROUP (ORDER BY uuid)",
    "all_valid": "bool_and(valid)",
    "any_valid": "bool_or(valid)",
    "some_sensors": _listed(
        "array_agg(DISTINCT sensor ORDER BY sensor) FILTER (WHERE sensor IS NOT NULL)", "[:3]"
    ),
    "largest": _listed("array_agg(big ORDER BY big DESC, id DESC) FILTER (WHERE big IS NOT NULL)", "[:2]"),
    "grades": _listed(
        "array_agg(grade ORDER BY taken_at, id) FILTER (WHERE grade IS NOT NULL AND whole > 0)", "[:4]"
    ),
    "exacts": _listed("array_agg(exactly ORDER BY exactly, id) FILTER (WHERE exactly IS NOT NULL)", "[:5]"),
    "uuids": _listed("array_agg(uuid ORDER BY uuid) FILTER (WHERE uuid IS NOT NULL)", "[:2]"),
    "first_measured": "(array_agg(measured ORDER BY day NULLS LAST, id))[1]",
    "last_address": "(array_agg(address ORDER BY day DESC NULLS LAST, id DESC) FILTER (WHERE whole > 0))[1]",
    "last_price": "(array_agg(price ORDER BY small ASC NULLS LAST, taken_at DESC, id DESC))[1]",
}
"""What is computed of groups, in SQL."""

FILTERS: Sequence[tuple[str, str]] = [
    ("", "true"),
    ("whole > 0", "whole > 0"),
    ('sensor = "s1" OR kind = KIND_BAD', "(sensor = 's1' OR kind = 'KIND_BAD')"),
    ("measured = null", "measured IS NULL"),
    ('station = "nowhere"', "station = 'nowhere'"),
]
"""Filters of readings, and the same in SQL."""
HAVINGS: Sequence[tuple[str, str, tuple[str, ...]]] = [
    ("", "true", ()),
    ("readings > 2", "readings > 2", ("readings",)),
    (
        "sum_big > 9223372036854775807 OR max_small = null",
        "(sum_big > 9223372036854775807 OR max_small IS NULL)",
        ("sum_big", "max_small"),
    ),
    (
        'max_day >= "2024-02-29" AND some_sensors:s1',
        "max_day >= '2024-02-29' AND 's1' = ANY (some_sensors)",
        ("max_day", "some_sensors"),
    ),
    ("avg_small < 1.5", "avg_small < 1.5", ("avg_small",)),
    ("median_lasted > 1.5s", "median_lasted > interval '1.5 s'", ("median_lasted",)),
]
"""Filters of groups, the same in SQL, and the fields that they ask for."""
ZONES = ["", "UTC", "America/New_York", "Asia/Kathmandu"]

_VALUES: Mapping[str, Sequence[Any]] = {
    "station": ["north", "south", ""],
    "sensor": ["s1", "S2", "ä", None],
    "small": [-32768, 0, 7, None],
    "whole": [2**31 - 1, 1, -5],
    "big": [2**63 - 1, 2**63 - 2, -1, None],
    "huge": [Decimal(2**64 - 1), Decimal(3), None],
    "single": [0.1, -2.5, float("inf"), None],
    "measured": [0.1, -0.0, 1e300, float("nan"), None],
    "exactly": [Decimal("0.1000"), Decimal("12345678901234567890.123456789"), Decimal(-1), None],
    "price": [Decimal("19.99"), Decimal("-0.000000001"), None],
    "wrapped": [1, -2, None],
    "valid": [True, False, None],
    "kind": ["KIND_GOOD", "KIND_BAD", "KIND_UNSPECIFIED", None],
    "grade": ["KIND_GOOD", "KIND_BAD", None],
    "taken_at": [
        datetime(2024, 3, 31, 0, 30, tzinfo=UTC),
        datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC),
        datetime(2024, 11, 3, 5, 30, tzinfo=UTC),
        datetime(2024, 11, 3, 6, 30, tzinfo=UTC),
    ],
    "local_at": [datetime(2024, 1, 1, 2), datetime(2023, 12, 31, 23), None],  # noqa: DTZ001 - without a zone
    "day": [date(2024, 2, 29), date(2024, 3, 3), date(2024, 3, 4), None],
    "starts": [time(12, 30), time(0), None],
    "lasted": [timedelta(seconds=1), timedelta(days=2, microseconds=1), timedelta(seconds=-3), None],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-000000000000", None],
    "address": ["10.0.0.1", "10.0.0.0/8", "::1", None],
    "short": ["a", "Ab", None],
    "blob": [b"\0", None],
    "deleted_at": [None, None, None, datetime(2024, 1, 1, tzinfo=UTC)],
}


def rows(number: int, seed: int) -> list[dict[str, Any]]:
    """Return rows with many ties and NULLs, and values at the ends of their types."""
    chance = Random(seed)  # noqa: S311 - rows, no secrets
    return [
        {"id": i, **{name: chance.choice(values) for name, values in _VALUES.items()}}
        for i in range(1, number + 1)
    ]


def told(field: Field, message: Any) -> Any:
    """Return a field of an answer as plain Python; None where it is unset."""
    descriptor = field.descriptor
    value = getattr(message, field.name)
    if descriptor.is_repeated:
        return [_plain(descriptor, one) for one in value]
    if descriptor.has_presence and not message.HasField(field.name):
        return None
    return _plain(descriptor, value)


def _plain(descriptor: Any, value: Any) -> Any:
    if descriptor.enum_type is not None:
        return descriptor.enum_type.values_by_number[value].name
    if descriptor.message_type is None:
        return value
    name = descriptor.message_type.full_name
    return value.value if name in WRAPPERS else _OF_MESSAGES[name](value)


_OF_MESSAGES = {
    "google.protobuf.Timestamp": lambda one: (
        datetime.fromtimestamp(one.seconds, UTC) + timedelta(microseconds=one.nanos // 1000)
    ),
    "google.protobuf.Duration": lambda one: timedelta(seconds=one.seconds, microseconds=one.nanos // 1000),
    "google.type.Date": lambda one: date(one.year, one.month, one.day),
    "google.type.TimeOfDay": lambda one: time(one.hours, one.minutes, one.seconds),
    "google.type.Decimal": lambda one: Decimal(one.value),
    "google.type.Money": lambda one: Decimal(one.units) + Decimal(one.nanos) / 10**9,
}


def stored(value: Any, field: Field) -> Any:
    """Return what SQL gives as what an answer tells of it."""
    if field.descriptor.is_repeated:
        return [_stored(one, field) for one in value or ()]
    return None if value is None else _stored(value, field)


def _stored(value: Any, field: Field) -> Any:
    if field.descriptor.message_type is not None and isinstance(value, int):
        return Decimal(value) if field.descriptor.message_type.name == "Decimal" else value
    if isinstance(value, Decimal) and field.descriptor.message_type is None:
        return format(value, "f") if field.descriptor.type == field.descriptor.TYPE_STRING else int(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    if isinstance(value, str | int | float | bytes | timedelta | date | time | Decimal):
        return value
    return str(value)
