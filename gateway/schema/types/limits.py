"""Limits of texts that PostgreSQL casts to another type: what it would cut, pad or round is refused."""

import re
from collections.abc import Callable

from gateway.schema.types.precision import MICROSECONDS
from gateway.schema.values import InvalidValueError

Check = Callable[[str], object]
"""Raises InvalidValueError for a text that would be cut, padded or rounded."""

_DECIMALS = re.compile(r"\.(\d+)", re.ASCII)
_NAME_MAX = 63
_AMOUNT = re.compile(r"-?\$?\d{1,3}(?:,?\d{3})*(?:\.\d{1,2})?", re.ASCII)


def seconds(name: str, limits: tuple[int, ...]) -> Check:
    """Return the check of a time that is written with no more decimals than are kept."""
    (kept,) = limits or (MICROSECONDS,)

    def check(value: str) -> None:
        if any(decimals[kept:].strip("0") for decimals in _DECIMALS.findall(value)):
            raise InvalidValueError(f"has more decimals than {name} keeps", "INEXACT")

    return check


def bits(name: str, limits: tuple[int, ...]) -> Check | None:
    """Return the check of bits, as many as `bit(n)` has, or at most as many as `bit varying(n)` takes."""
    least = 0 if name.startswith("bit varying") else sum(limits)
    digits = re.compile(f"[01]{{{least},{sum(limits)}}}")

    def check(value: str) -> None:
        if not digits.fullmatch(value):
            raise InvalidValueError(f"is no {name}", "INEXACT")

    return check if limits else None


def padded(name: str, limits: tuple[int, ...]) -> Check:
    """Return the check of a text that PostgreSQL pads with blanks, so that those at its end mean nothing."""

    def check(value: str) -> None:
        if limits and len(value) > limits[0]:
            raise InvalidValueError(f"has {len(value)} characters, {limits[0]} are allowed", "TOO_LONG")
        if value.endswith(" "):
            raise InvalidValueError(f"ends in a blank, which {name} doesn't keep", "INEXACT")

    return check


def short_name(value: str) -> None:
    """Check a name of PostgreSQL's own."""
    if len(value.encode()) > _NAME_MAX:
        raise InvalidValueError(f"has more than the {_NAME_MAX} bytes of a name", "TOO_LONG")


def amount(value: str) -> None:
    """Check an amount of `money`, which is rounded to cents."""
    if not _AMOUNT.fullmatch(value):
        raise InvalidValueError("is no amount, as $1,000.50 or -3.5", "INVALID_NUMBER")
