"""Spans of time as filters spell them: `7d`, `1h30m`, `1.5s`."""

import re
from collections.abc import Mapping

from gateway.schema.values import InvalidValueError

_MICROS: Mapping[str, int] = {
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60 * 1_000_000,
    "h": 3_600 * 1_000_000,
    "d": 86_400 * 1_000_000,
    "w": 7 * 86_400 * 1_000_000,
}
_PART = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,9}))?(ms|[smhdw])")
_SPAN = re.compile(rf"-?(?:{_PART.pattern})+")
_MOST = 36_525 * _MICROS["d"]


def micros_of(text: str) -> int:
    """Return a span's microseconds; raises InvalidValueError where it is none, or finer than that."""
    if not _SPAN.fullmatch(text):
        raise InvalidValueError("is no span of time, as 7d or 1h30m", "INVALID_DURATION")
    total = 0
    for whole, fraction, unit in _PART.findall(text):
        finer, rest = divmod(int(fraction.ljust(9, "0")) * _MICROS[unit], 10**9)
        if rest:
            raise InvalidValueError("is finer than a microsecond, which is what is stored", "INEXACT")
        total += int(whole) * _MICROS[unit] + finer
    return -total if text.startswith("-") else total


def distance_of(text: str) -> int:
    """Return the microseconds of a span that a time is away; raises InvalidValueError past 100 years."""
    micros = micros_of(text)
    if abs(micros) > _MOST:
        raise InvalidValueError("is longer than 36525d, which is a hundred years", "OUT_OF_RANGE")
    return micros


def in_seconds(text: str) -> str:
    """Return a span in seconds alone, as protobuf spells it; what is none stays as it is."""
    if not _SPAN.fullmatch(text):
        return text
    micros = micros_of(text)
    seconds, rest = divmod(abs(micros), _MICROS["s"])
    return f"{'-' if micros < 0 else ''}{seconds}{f'.{rest:06}' if rest else ''}s"
