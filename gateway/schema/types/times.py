"""Points in time, spans of time, dates and times of day, each exact to PostgreSQL's microsecond."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy.dialects import postgresql

from gateway.schema.protojson.texts import utc_text
from gateway.schema.types.precision import exactly, precision_of
from gateway.schema.types.sql_types import InvalidTypeError, SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

MICROS = 1_000_000
# PostgreSQL counts from 2000-01-01, protobuf from 1970-01-01.
EPOCH_SECONDS = 946_684_800
# google/protobuf/timestamp.proto: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
FIRST_MICROS = (_FIRST_SECOND - EPOCH_SECONDS) * MICROS
LAST_MICROS = (_LAST_SECOND - EPOCH_SECONDS) * MICROS + MICROS - 1

_NANOS_MAX = 999_999_999
_KEPT = 8192
"""Times whose texts are kept."""
_PARTS = attrgetter("seconds", "nanos")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.(\d{1,9}))?(?:[Zz]|[+-]\d\d:\d\d)")


def timestamp(sql: SqlType) -> ValueType:
    """Return the type of a Timestamp field: `timestamptz`, or `timestamp`, which then holds UTC."""
    zoned = sql.name == "timestamp with time zone"
    if not (zoned or sql.name == "timestamp without time zone"):
        raise InvalidTypeError(f"a Timestamp can't be stored as {sql}", "use timestamptz or timestamp")
    return ValueType(
        sql=str(sql),
        engine=postgresql.TIMESTAMP(timezone=zoned, precision=precision_of(sql)),
        kind=ValueKind.TIMESTAMP,
        encode=exactly(sql, encode_timestamp),
        decode=decode_timestamp,
        parse=_parse_timestamp,
    )


def encode_timestamp(value: Any) -> tuple[int]:
    """Return a Timestamp's microseconds since 2000, as the driver takes them; raises InvalidValueError."""
    seconds, nanos = value.seconds, value.nanos
    if not (_FIRST_SECOND <= seconds <= _LAST_SECOND and 0 <= nanos <= _NANOS_MAX):
        raise InvalidValueError(
            "is outside the years 1 to 9999, or its nanos are outside 0 to 999999999", "OUT_OF_RANGE"
        )
    if nanos % 1000:
        raise InvalidValueError("is finer than a microsecond, which is what is stored", "INEXACT")
    return ((seconds - EPOCH_SECONDS) * MICROS + nanos // 1000,)


def encode_timestamps(values: Iterable[Any]) -> list[tuple[int] | None]:
    """Encode many Timestamps in a third of the time that one by one would take.

    None stands for one that the caller has to encode by itself: it is refused, or in the epoch's first
    second, which is also what an unset field reads as.
    """
    return [
        ((seconds - EPOCH_SECONDS) * MICROS + nanos // 1000,)
        if seconds
        and _FIRST_SECOND <= seconds <= _LAST_SECOND
        and (not nanos or (0 < nanos <= _NANOS_MAX and not nanos % 1000))
        else None
        for seconds, nanos in map(_PARTS, values)
    ]


def decode_timestamp(value: Any) -> dict[str, int]:
    """Return the fields of a Timestamp for a stored time; raises InvalidValueError."""
    (micros,) = value
    if not FIRST_MICROS <= micros <= LAST_MICROS:
        raise InvalidValueError("the stored time is infinite, or outside the years 1 to 9999", "OUT_OF_RANGE")
    seconds, rest = divmod(micros, MICROS)
    return {"seconds": seconds + EPOCH_SECONDS, "nanos": rest * 1000}


def decode_timestamps(values: Iterable[tuple[int] | None]) -> list[dict[str, int] | None]:
    """Return what the type's `decode` returns for many values, without a call for each; None stays None.

    Whole seconds come without nanos, which is the same and sooner read.
    """
    return [
        value and decode_timestamp(value)
        if value is None or not FIRST_MICROS <= value[0] <= LAST_MICROS
        else {"seconds": value[0] // MICROS + EPOCH_SECONDS, "nanos": micros * 1000}
        if (micros := value[0] % MICROS)
        else {"seconds": value[0] // MICROS + EPOCH_SECONDS}
        for value in values
    ]


class _Texts(dict[tuple[int] | None, str | None]):
    """The texts of stored times; rows have many in common, and the same page is asked for again."""

    def __missing__(self, value: tuple[int] | None) -> str | None:
        if value is None:
            return self.setdefault(None)
        micros = value[0]
        if not FIRST_MICROS <= micros <= LAST_MICROS:
            decode_timestamp(value)
        if len(self) >= _KEPT:
            self.clear()
        seconds, rest = divmod(micros, MICROS)
        text = self[value] = utc_text(seconds + EPOCH_SECONDS, rest * 1000)
        return text


timestamp_json: Callable[[tuple[int] | None], str | None] = _Texts().__getitem__
"""Returns the JSON of a stored time, None of NULL; raises InvalidValueError where `decode` does."""


def _parse_timestamp(text: str) -> tuple[int]:
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise InvalidValueError(
            "is no time with a zone, as 2024-05-01T12:30:00Z (RFC 3339)", "INVALID_TIMESTAMP"
        )
    fraction = (match[1] or "").ljust(9, "0")
    if fraction[6:] != "000":
        raise InvalidValueError("is finer than a microsecond, which is what is stored", "INEXACT")
    whole = text.upper().replace("." + (match[1] or ""), "") if match[1] else text.upper()
    try:
        since = datetime.fromisoformat(whole) - datetime(2000, 1, 1, tzinfo=UTC)
    except ValueError:
        raise InvalidValueError("is no time of the calendar", "INVALID_TIMESTAMP") from None
    return ((since.days * 86_400 + since.seconds) * MICROS + int(fraction[:6]),)
