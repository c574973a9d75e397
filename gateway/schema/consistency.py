"""Consistency of reads: how fresh what a replica answers has to be, as a caller or a method says."""

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

HEADER = "rowgate-consistency"
"""The metadata by which a read says how fresh it is to be, and by which a write tells what to say."""
EXPECTED = "expected strong, any, bounded=2s (or ms), or at-least= with the token of a write"
MAX_BOUND = 3600.0
"""The most seconds of a bound."""
_BOUND = re.compile(r"(\d{1,7}(?:\.\d{1,6})?)(ms|s)")
_SECONDS = {"ms": 0.001, "s": 1.0}
_TEXTS = 4096


class Freshness(Enum):
    """What a read asks for."""

    STRONG = "strong"
    ANY = "any"
    BOUNDED = "bounded"
    AT_LEAST = "at-least"


@dataclass(frozen=True, slots=True)
class Consistency:
    """How fresh a read is.

    Args:
        freshness: of the primary, or of a replica that is fresh enough.
        seconds: BOUNDED: how far it may be behind.
        token: AT_LEAST: which write it must have, at least.

    """

    freshness: Freshness
    seconds: float = 0.0
    token: str = ""


_WORDS = {one.value: Consistency(one) for one in (Freshness.STRONG, Freshness.ANY)}


@lru_cache(_TEXTS)
def read_consistency(text: str) -> Consistency | None:
    """Return what a text asks for; None where that is nothing known."""
    name, is_more, rest = text.partition("=")
    if not is_more:
        return _WORDS.get(name)
    if name == Freshness.AT_LEAST.value and rest:
        return Consistency(Freshness.AT_LEAST, token=rest)
    bound = _BOUND.fullmatch(rest) if name == Freshness.BOUNDED.value else None
    seconds = float(bound[1]) * _SECONDS[bound[2]] if bound else 0.0
    return Consistency(Freshness.BOUNDED, seconds) if 0 < seconds <= MAX_BOUND else None
