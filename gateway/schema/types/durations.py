"""Duration ⇄ interval, exact to the microsecond."""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy.dialects import postgresql

from gateway.schema.types.intervals import INTERVALS, TIME_INTERVALS, Interval, keeping
from gateway.schema.types.precision import precision_of
from gateway.schema.types.sql_types import InvalidTypeError, SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

_MICROS = 1_000_000
_DAY = 86_400 * _MICROS
# google/protobuf/duration.proto: about 10,000 years.
_LAST_SECOND = 315_576_000_000
_LAST = _LAST_SECOND * _MICROS
_NANOS_MAX = 999_999_999
_SECONDS = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?s")


def duration(sql: SqlType) -> ValueType:
    """Return the type of a Duration field. It is written as microseconds alone, without months and days."""
    if sql.name not in TIME_INTERVALS:
        right = "declare the field string" if sql.name in INTERVALS else "use interval"
        raise InvalidTypeError(f"a Duration can't be stored as {sql}", right)
    fields = sql.name.partition(" ")[2].upper() or None
    engine = postgresql.INTERVAL(precision=precision_of(sql), fields=fields)
    encode, parse = (_kept(sql, read) for read in (_encode, _parse))
    return ValueType(str(sql), engine, ValueKind.DURATION, encode, _decode, parse if fields else _parse)


def _kept(sql: SqlType, read: Callable[[Any], Interval]) -> Callable[[Any], Interval]:
    """Return what reads a value, refusing one that the type would cut or round."""
    if sql == SqlType("interval"):
        return read
    check = keeping(sql)

    def checked(value: Any) -> Interval:
        interval = read(value)
        check(interval)
        return interval

    return checked


def _encode(value: Any) -> Interval:
    seconds, nanos = value.seconds, value.nanos
    if not (-_LAST_SECOND <= seconds <= _LAST_SECOND and -_NANOS_MAX <= nanos <= _NANOS_MAX):
        raise InvalidValueError(
            "is longer than 315576000000 s, or its nanos are past 999999999", "OUT_OF_RANGE"
        )
    if (seconds < 0 < nanos) or (nanos < 0 < seconds):
        raise InvalidValueError("has seconds and nanos of different signs", "INVALID_DURATION")
    return _interval(seconds * 10**9 + nanos)


def _interval(nanos: int) -> Interval:
    if nanos % 1000:
        raise InvalidValueError("is finer than a microsecond, which is what is stored", "INEXACT")
    micros = nanos // 1000
    if not -_LAST <= micros <= _LAST:
        raise InvalidValueError("is longer than 315576000000 s", "OUT_OF_RANGE")
    return (0, 0, micros)


def _decode(value: Interval) -> dict[str, int]:
    months, days, rest = value
    if months:
        raise InvalidValueError(
            "the stored interval is infinite, or has months, whose length varies", "INEXACT"
        )
    micros = days * _DAY + rest
    if not -_LAST <= micros <= _LAST:
        raise InvalidValueError("the stored interval is longer than 315576000000 s", "OUT_OF_RANGE")
    sign = -1 if micros < 0 else 1
    seconds, fraction = divmod(abs(micros), _MICROS)
    return {"seconds": sign * seconds, "nanos": sign * fraction * 1000}


def _parse(text: str) -> Interval:
    match = _SECONDS.fullmatch(text)
    if match is None:
        raise InvalidValueError("is no duration in seconds, as 1.5s", "INVALID_DURATION")
    sign, seconds, fraction = match.groups()
    nanos = int(seconds) * 10**9 + int((fraction or "").ljust(9, "0"))
    return _interval(-nanos if sign else nanos)
