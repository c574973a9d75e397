"""Values of statements as Python's own types, where the gateway's connections have integers and texts."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
"""What the driver makes of infinity."""
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_FIRST_DAY = _EPOCH.date()
_INFINITY, _NEVER = 2**63 - 1, -(2**63)
_LAST_DAY, _NO_DAY = 2**31 - 1, -(2**31)
_DAYS_OF_MONTH = 30
"""As the driver counts them where it makes a timedelta of an interval."""


class Codec(NamedTuple):
    """What is made of the values of a type.

    Args:
        encode: Python's value as the connection takes it.
        decode: and back.

    """

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def codec_of(name: str) -> Codec | None:
    """Return what is made of the values of a type, as the driver names it; None where nothing need be."""
    found = _CODECS.get(name.removesuffix("[]"))
    if found is None or not name.endswith("[]"):
        return found
    return Codec(_each(found.encode), _each(found.decode))


def converted(values: Sequence[Any], by: Sequence[Callable[[Any], Any] | None]) -> list[Any]:
    """Return values as their types have them; NULL is None in both."""
    return [
        value if value is None or convert is None else convert(value)
        for value, convert in zip(values, by, strict=True)
    ]


def _each(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what converts the elements of an array, of any number of dimensions."""

    def every(value: Any) -> Any:
        if isinstance(value, list):
            return [every(one) for one in value]
        return None if value is None else convert(value)

    return every


def _to_instant(value: datetime) -> tuple[int]:
    if value.tzinfo is None:
        raise ValueError("a timestamptz takes a datetime with a time zone")
    return ((value - _EPOCH) // _MICROSECOND,)


def _instant(value: tuple[int]) -> datetime:
    if value[0] in (_INFINITY, _NEVER):
        return _LAST if value[0] > 0 else _FIRST
    return _EPOCH + timedelta(microseconds=value[0])


def _to_local(value: datetime) -> tuple[int]:
    if value.tzinfo is not None:
        raise ValueError("a timestamp without time zone takes a datetime without one")
    return ((value - _NAIVE_EPOCH) // _MICROSECOND,)


def _local(value: tuple[int]) -> datetime:
    return _instant(value).replace(tzinfo=None)


def _to_day(value: date) -> tuple[int]:
    return ((value - _FIRST_DAY).days,)


def _day(value: tuple[int]) -> date:
    if value[0] in (_LAST_DAY, _NO_DAY):
        return date.max if value[0] > 0 else date.min
    return _FIRST_DAY + timedelta(days=value[0])


def _to_time(value: time) -> tuple[int]:
    return ((datetime.combine(_FIRST_DAY, value) - _NAIVE_EPOCH) // _MICROSECOND,)


def _time(value: tuple[int]) -> time:
    # PostgreSQL has 24:00, which Python hasn't.
    return time.max if value[0] >= _DAY // _MICROSECOND else _local(value).time()


def _to_interval(value: timedelta) -> tuple[int, int, int]:
    return 0, value.days, (value - value.days * _DAY) // _MICROSECOND


def _interval(value: tuple[int, int, int]) -> timedelta:
    months, days, microseconds = value
    return timedelta(days=months * _DAYS_OF_MONTH + days, microseconds=microseconds)


def _to_json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


_CODECS: Mapping[str, Codec] = {
    "timestamptz": Codec(_to_instant, _instant),
    "timestamp": Codec(_to_local, _local),
    "date": Codec(_to_day, _day),
    "time": Codec(_to_time, _time),
    "interval": Codec(_to_interval, _interval),
    "json": Codec(_to_json, json.loads),
    "jsonb": Codec(_to_json, json.loads),
}
