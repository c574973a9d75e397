"""Timestamp, Duration and FieldMask ⇄ the text that ProtoJSON has for each."""

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from gateway.schema.protojson.errors import JsonError

_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as the text is read, without its offset
_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_SECONDS = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?s")
_DAY = 86_400
_EPOCH_DAY = date(1970, 1, 1).toordinal()
# Texts are put together of these: that takes a third of the time of datetime's own.
_MINUTES = [f"T{hour:02d}:{minute:02d}:" for hour in range(24) for minute in range(60)]
_WHOLE_SECONDS = [f"{second:02d}Z" for second in range(60)]
# google/protobuf/timestamp.proto and duration.proto: the years 1 to 9999, and as many to either side.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_MAX_DURATION = 315_576_000_000
_NANOS = 1_000_000_000


def read_timestamp(value: Any) -> dict[str, int]:
    """Return the fields of a Timestamp for a text as RFC 3339 has it."""
    match = _RFC3339.fullmatch(value) if type(value) is str else None
    if match is None:
        raise JsonError("is no time with a zone, as 2024-05-01T12:30:00Z (RFC 3339)")
    whole, fraction, zone = match.groups()
    try:
        # The offset is taken away by hand: with it a time of the first or last day may have no UTC.
        since = datetime.fromisoformat(whole) - _NAIVE_EPOCH
        seconds = since.days * _DAY + since.seconds - (0 if zone == "Z" else _offset(zone))
    except ValueError:
        raise JsonError("is no time of the calendar") from None
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise JsonError("is outside the years 1 to 9999")
    return {"seconds": seconds, "nanos": int(fraction.ljust(9, "0"))} if fraction else {"seconds": seconds}


def _offset(zone: str) -> int:
    hours, minutes = int(zone[1:3]), int(zone[4:])
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - of a clock
        raise ValueError(zone)
    seconds = hours * 3600 + minutes * 60
    return seconds if zone[0] == "+" else -seconds


def read_duration(value: Any) -> dict[str, int]:
    """Return the fields of a Duration for seconds, such as `-1.5s`."""
    match = _SECONDS.fullmatch(value) if type(value) is str else None
    if match is None:
        raise JsonError("is no count of seconds, as 1.5s")
    sign, whole, fraction = match.groups()
    seconds, nanos = int(whole), int((fraction or "").ljust(9, "0"))
    if seconds > _MAX_DURATION:
        raise JsonError(f"is longer than {_MAX_DURATION} s")
    return {"seconds": -seconds, "nanos": -nanos} if sign else {"seconds": seconds, "nanos": nanos}


def read_mask(value: Any) -> dict[str, list[str]]:
    """Return the fields of a FieldMask for its paths, with commas between, in lowerCamelCase."""
    if type(value) is not str:
        raise JsonError("is no text of paths with commas between")
    mask: Any = FieldMask()
    try:
        mask.FromJsonString(value)
    except ValueError:
        raise JsonError("holds a path that isn't in lowerCamelCase") from None
    return {"paths": list(mask.paths)}


def write_timestamp(value: Any) -> str:
    """Return a Timestamp's text."""
    seconds, nanos = value.seconds, value.nanos
    if not (_FIRST_SECOND <= seconds <= _LAST_SECOND and 0 <= nanos < _NANOS):
        raise JsonError("is outside the years 1 to 9999, or its nanos are outside 0 to 999999999")
    return utc_text(seconds, nanos)


def utc_text(seconds: int, nanos: int) -> str:
    """Return the text of a time within the years 1 to 9999."""
    day, second = divmod(seconds, _DAY)
    minute, second = divmod(second, 60)
    minute_text = _date(day) + _MINUTES[minute]
    return minute_text + (f"{second:02d}.{_fraction(nanos)}Z" if nanos else _WHOLE_SECONDS[second])


@lru_cache(4096)
def _date(day: int) -> str:
    """Return a day's text, by how many days it is after 1970: a list has few of them."""
    return date.fromordinal(_EPOCH_DAY + day).isoformat()


def write_duration(value: Any) -> str:
    """Return a Duration's text."""
    seconds, nanos = value.seconds, value.nanos
    if abs(seconds) > _MAX_DURATION or abs(nanos) >= _NANOS or (seconds < 0 < nanos) or (nanos < 0 < seconds):
        raise JsonError(
            f"is longer than {_MAX_DURATION} s, or its nanos have another sign or none of a second"
        )
    sign = "-" if seconds < 0 or nanos < 0 else ""
    return f"{sign}{abs(seconds)}.{_fraction(abs(nanos))}s" if nanos else f"{sign}{abs(seconds)}s"


def _fraction(nanos: int) -> str:
    """Return as many threes of digits as it takes."""
    if nanos % 1_000:
        return f"{nanos:09d}"
    return f"{nanos // 1_000:06d}" if nanos % 1_000_000 else f"{nanos // 1_000_000:03d}"


def write_mask(value: Any) -> str:
    """Return a FieldMask's text."""
    try:
        return str(value.ToJsonString())
    except ValueError:
        raise JsonError("holds a path that lowerCamelCase has no spelling for") from None
