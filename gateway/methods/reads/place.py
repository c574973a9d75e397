"""Places in an order, where more rows go on: after a row, or after so many of those that are alike."""

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from gateway.request.pages.exact_values import dump_values
from gateway.response.shape import Row


class Place(NamedTuple):
    """What rows follow.

    Args:
        values: the last row's values of the order's columns.
        told: of rows without a key, how many with these very values were told.

    """

    values: Sequence[Any]
    told: int = 0


def place_after(rows: Sequence[Row], before: Place | None, values: Callable[[Row], Sequence[Any]]) -> Place:
    """Return the place after rows without a key.

    Args:
        rows: those that are told now; at least one.
        before: the place that they follow.
        values: returns a row's values of the order's columns.

    """
    last = values(rows[-1])
    exactly = dump_values(last)
    alike = sum(1 for _ in takewhile(lambda row: dump_values(values(row)) == exactly, reversed(rows)))
    goes_on = before is not None and alike == len(rows) and dump_values(before.values) == exactly
    return Place(last, alike + before.told if before is not None and goes_on else alike)
