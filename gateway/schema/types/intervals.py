"""Intervals: to what their types keep them, and as text, in which months and days stay what they are.

https://www.postgresql.org/docs/current/datatype-datetime.html#DATATYPE-INTERVAL-INPUT
"""

import re
from collections.abc import Callable
from typing import TypeAlias

from gateway.schema.types.precision import MICROSECONDS, precision_of
from gateway.schema.types.sql_types import SqlType
from gateway.schema.values import InvalidValueError

Interval: TypeAlias = tuple[int, int, int]
"""Months, days, microseconds."""

_DATES = ("year", "month", "year to month", "day")
_TIMES = (
    *("day to hour", "day to minute", "day to second", "hour", "hour to minute", "hour to second"),
    *("minute", "minute to second", "second"),
)
TIME_INTERVALS = ("interval", *(f"interval {fields}" for fields in _TIMES))
"""The types whose values may be a time."""
INTERVALS = (*TIME_INTERVALS, *(f"interval {fields}" for fields in _DATES))
"""All: with fields, the last of which is the finest that is kept."""

_SECOND = 10**MICROSECONDS
_STEPS = {"hour": 3600 * _SECOND, "minute": 60 * _SECOND}
_MONTHS_OF_YEAR = 12
_NUMBER = r"(?:[+-]?\d{1,10})"
# As PostgreSQL prints it: `1 year 2 mons -3 days +04:05:06.789`.
_PRINTED = re.compile(
    rf"(?=.)(?:(?P<years>{_NUMBER}) years?)?(?:(?:^| )(?P<months>{_NUMBER}) mon(?:th)?s?)?"
    rf"(?:(?:^| )(?P<days>{_NUMBER}) days?)?"
    r"(?:(?:^| )(?P<sign>[+-]?)(?P<hours>\d{1,10}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d(?:\.\d{1,6})?))?",
    re.ASCII,
)
# ISO 8601 with designators: `P1Y2M-3DT4H5M6.789S`.
_ISO = re.compile(
    rf"P(?=.)(?:(?P<years>{_NUMBER})Y)?(?:(?P<months>{_NUMBER})M)?(?:(?P<days>{_NUMBER})D)?"
    rf"(?:T(?=.)(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?"
    rf"(?:(?P<seconds>{_NUMBER}(?:\.\d{{1,6}})?)S)?)?",
    re.ASCII,
)
_INFINITE = ("infinity", "-infinity")


def keeping(sql: SqlType) -> Callable[[Interval], None]:
    """Return the check that an interval type keeps a value whole, which raises InvalidValueError."""
    last = sql.name.rpartition(" ")[2]
    step = _STEPS.get(last) or 10 ** (MICROSECONDS - (precision_of(sql) or 0) if sql.modifiers else 0)

    def check(value: Interval) -> None:
        months, days, micros = value
        if last in ("year", "month"):
            is_cut = bool(days or micros or (last == "year" and months % _MONTHS_OF_YEAR))
        else:
            is_cut = bool(micros if last == "day" else micros % step)
        if is_cut:
            raise InvalidValueError(f"is finer than {sql}, which is what is stored", "INEXACT")

    return check


def kept_text(sql: SqlType) -> Callable[[str], None]:
    """Return the same check of an interval that is written out."""
    check = keeping(sql)

    def checked(text: str) -> None:
        if text not in _INFINITE:
            check(_read(text))

    return checked


def _read(text: str) -> Interval:
    match = _PRINTED.fullmatch(text) or _ISO.fullmatch(text)
    if match is None:
        raise InvalidValueError("is no interval, as 1 year 2 mons 3 days 04:05:06", "INVALID_INTERVAL")
    found = match.groupdict()
    years, months, days, hours, minutes = (
        int(found[name] or 0) for name in ("years", "months", "days", "hours", "minutes")
    )
    whole, _, decimals = (found["seconds"] or "0").partition(".")
    micros = abs(int(whole)) * _SECOND + int(decimals.ljust(MICROSECONDS, "0") or 0)
    seconds = -micros if whole.startswith("-") else micros
    time = (hours * 3600 + minutes * 60) * _SECOND + seconds
    return years * _MONTHS_OF_YEAR + months, days, -time if found.get("sign") == "-" else time
