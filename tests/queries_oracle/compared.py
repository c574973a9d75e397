"""What is heard of rows and groups, beside what is due."""

import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from tests.queries_oracle.answers import Tree
from tests.queries_oracle.questions import Question
from tests.queries_oracle.shown import Shown, heard_row, same
from tests.queries_oracle.tables import BY_NAME, Table

_NUMBER = re.compile(r"-?\d+\.?\d*")


class Wrong(Exception):  # noqa: N818 - reads as what happened
    """An answer that isn't due."""


def told_of(asked: Question, message: Any) -> Tree:
    """Return what a message tells of what was asked."""
    return _told(asked.table, message, asked.shown)


def _told(table: Table, message: Any, shown: Shown) -> Tree:
    """Return what a message tells, with the rows of relations; of those that weren't named there are none."""
    told = heard_row(table, message)
    for name, relation in table.relations.items():
        value, held = getattr(message, name), shown.relations.get(name)
        is_there = value if relation.many else message.HasField(name)
        if held is None:
            told |= {name: repr(value)} if is_there else {}
        elif relation.many:
            told[name] = [_told(BY_NAME[relation.target], one, held.shown) for one in value]
        else:
            told[name] = _told(BY_NAME[relation.target], value, held.shown) if is_there else None
    return told


def alike(one: Any, other: Any) -> bool:
    """Return whether two groups are the same.

    Sums and means of floats depend on the order of adding, and of values that are equal, as 1.5 and 1.50 are,
    either may be the greatest.
    """
    return one.keys() == other.keys() and all(_close(one[name], other[name]) for name in one)


def _close(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return same(one, other) or math.isclose(one, other, rel_tol=1e-12)
    if isinstance(one, str) and isinstance(other, str) and _NUMBER.fullmatch(one):
        return one == other or (_NUMBER.fullmatch(other) is not None and Decimal(one) == Decimal(other))
    return same(one, other)


def compare(due: Sequence[Tree], heard: Sequence[Tree], same_row: Callable[[Any, Any], bool] = same) -> None:
    """Raise Wrong where rows aren't those that are due, in their order."""
    unlike = [i for i, (one, other) in enumerate(zip(due, heard, strict=False)) if not same_row(one, other)]
    if not unlike and len(due) == len(heard):
        return
    place = unlike[0] if unlike else min(len(due), len(heard))
    one: Tree = due[place] if place < len(due) else {}
    other: Tree = heard[place] if place < len(heard) else {}
    told = [
        f"{name}: {other.get(name)!r}\n    due: {one.get(name)!r}"
        for name in {**one, **other}
        if not same(one.get(name), other.get(name))
    ]
    first = f"{len(heard)} rows, where {len(due)} are due; row {place} differs"
    raise Wrong("\n  ".join([first, *told]))
