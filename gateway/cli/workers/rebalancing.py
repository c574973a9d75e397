"""The rebalancing of workers: which of them sends connections away, and how many.

A connection that is sent away is opened anew by its client, and then goes to the worker with the least to do.
What is moved is at most half of the difference: so no worker has more to do then than another had before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

_CLEARLY = 1.5
"""As many times the work of another is clearly more."""
_PART = 4
"""At most this part of a worker's connections is moved at once."""


class Load(Protocol):
    """A worker's load."""

    @property
    def connections(self) -> int:
        """How many it has."""

    @property
    def weight(self) -> float:
        """What it has to do, by its connections and calls."""


@dataclass(frozen=True, slots=True)
class Move:
    """What a worker is to send away.

    Args:
        worker: which, by its place.
        connections: how many at most.
        weight: how much they may have to do in all.

    """

    worker: int
    connections: int
    weight: float


class Balance:
    """Watches how loads differ.

    Args:
        seconds: how long one must have had clearly more to do than another; then it is watched anew.

    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._heaviest: Load | None = None
        self._since = 0.0

    def next_move(self, loads: Sequence[Load], now: float) -> Move | None:
        """Return what has to be moved at this time; called about as often as loads are told."""
        move = _move(loads)
        heaviest = None if move is None else loads[move.worker]
        if heaviest is not self._heaviest:
            self._heaviest, self._since = heaviest, now
        if move is None or now - self._since < self._seconds:
            return None
        self._heaviest = None
        return move


def _move(loads: Sequence[Load]) -> Move | None:
    """Return what would even out the two that differ most; None where nothing would, or clearly should."""
    if not loads:
        return None
    worker, heavy = max(enumerate(loads), key=lambda one: one[1].weight)
    light = min(loads, key=lambda one: one.weight)
    if not heavy.connections or heavy.weight < _CLEARLY * light.weight:
        return None
    half = (heavy.weight - light.weight) / 2
    count = int(half * heavy.connections / heavy.weight)
    if not count:
        return None
    return Move(worker, min(count, max(1, heavy.connections // _PART)), half)
