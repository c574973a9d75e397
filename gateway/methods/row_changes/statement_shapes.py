"""Rows of one shape share a statement; so does every later request of that shape."""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

T = TypeVar("T")
S = TypeVar("S", bound=Hashable)

MAX_SHAPES = 256
"""The most statements kept per method: clients choose the shapes, so their number is bounded."""


def grouped(rows: Sequence[T], shape: Callable[[T], S]) -> dict[S, list[int]]:
    """Return the places of the rows of each shape, shapes by their first row."""
    places: dict[S, list[int]] = {}
    for i, row in enumerate(rows):
        places.setdefault(shape(row), []).append(i)
    return places
