"""google.type.Date ⇄ date and google.type.TimeOfDay ⇄ time."""

import datetime as dt
import re
from typing import Any

from sqlalchemy.dialects import postgresql

from gateway.schema.types.precision import exactly, precision_of
from gateway.schema.types.sql_types import InvalidTypeError, SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

# PostgreSQL counts days from 2000-01-01.
_EPOCH = dt.date(2000, 1, 1).toordinal()
_FIRST = dt.date.min.toordinal() - _EPOCH
_LAST = dt.date.max.toordinal() - _EPOCH
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_MICROS = 1_000_000
_HOUR, _MINUTE = 3600 * _MICROS, 60 * _MICROS
# PostgreSQL's time reaches 24:00:00, the end of a day, and TimeOfDay may.
_DAY = 24 * _HOUR
_ISO_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?")
_LIMITS = (("hours", 24), ("minutes", 59), ("seconds", 59), ("nanos", 999_999_999))


def date(sql: SqlType) -> ValueType:
    """Return the type of a Date field; dates without year, month or day are refused."""
    if sql != SqlType("date"):
        raise InvalidTypeError(f"a Date can't be stored as {sql}", "use date")
    return ValueType("date", postgresql.DATE(), ValueKind.DATE, _encode_date, _decode_date, _parse_date)


def _encode_date(value: Any) -> tuple[int]:
    return _days(value.year, value.month, value.day)


def _days(year: int, month: int, day: int) -> tuple[int]:
    if not (year and month and day):
        raise InvalidValueError("lacks its year, month or day, which a stored date has", "PARTIAL_DATE")
    try:
        return (dt.date(year, month, day).toordinal() - _EPOCH,)
    except (ValueError, OverflowError):
        raise InvalidValueError("is no date of the calendar, from year 1 to 9999", "OUT_OF_RANGE") from None


def _decode_date(value: tuple[int]) -> dict[str, int]:
    (days,) = value
    if not _FIRST <= days <= _LAST:
        raise InvalidValueError("the stored date is infinite, or outside the years 1 to 9999", "OUT_OF_RANGE")
    found = dt.date.fromordinal(days + _EPOCH)
    return {"year": found.year, "month": found.month, "day": found.day}


def _parse_date(text: str) -> tuple[int]:
    if not _ISO_DATE.fullmatch(text):
        raise InvalidValueError("is no date, as 2024-05-01", "INVALID_DATE")
    year, month, day = map(int, text.split("-"))
    return _days(year, month, day)


def time_of_day(sql: SqlType) -> ValueType:
    """Return the type of a TimeOfDay field, to 24:00:00; leap seconds are refused."""
    if sql.name != "time without time zone":
        raise InvalidTypeError(f"a TimeOfDay can't be stored as {sql}", "use time")
    engine, encode = postgresql.TIME(precision=precision_of(sql)), exactly(sql, _encode_time)
    return ValueType(str(sql), engine, ValueKind.TIME, encode, _decode_time, _parse_time)


def _encode_time(value: Any) -> tuple[int]:
    return _micros(value.hours, value.minutes, value.seconds, value.nanos)


def _micros(*parts: int) -> tuple[int]:
    for part, (name, limit) in zip(parts, _LIMITS, strict=True):
        if not 0 <= part <= limit:
            raise InvalidValueError(f"has {name} outside 0 to {limit}", "OUT_OF_RANGE")
    hours, minutes, seconds, nanos = parts
    if nanos % 1000:
        raise InvalidValueError("is finer than a microsecond, which is what is stored", "INEXACT")
    micros = hours * _HOUR + minutes * _MINUTE + seconds * _MICROS + nanos // 1000
    if micros > _DAY:
        raise InvalidValueError("is past 24:00:00", "OUT_OF_RANGE")
    return (micros,)


def _decode_time(value: tuple[int]) -> dict[str, int]:
    hours, rest = divmod(value[0], _HOUR)
    minutes, rest = divmod(rest, _MINUTE)
    seconds, micros = divmod(rest, _MICROS)
    return {"hours": hours, "minutes": minutes, "seconds": seconds, "nanos": micros * 1000}


def _parse_time(text: str) -> tuple[int]:
    match = _ISO_TIME.fullmatch(text)
    if match is None:
        raise InvalidValueError("is no time of day, as 11:30:00", "INVALID_TIME")
    hours, minutes, seconds, fraction = match.groups(default="")
    return _micros(int(hours), int(minutes), int(seconds or 0), int(fraction.ljust(9, "0")))
