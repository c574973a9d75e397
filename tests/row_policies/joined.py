"""A row and the rows that its relations hold, as filters go through them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of a relation.

    Args:
        many: whether there may be several.
        rows: returns those that are there.
        nothing: returns what stands for the one that isn't there: all of it is NULL.

    """

    many: bool
    rows: Callable[[], Sequence["Joined"]]
    nothing: Callable[[], "Joined"]


class Joined(dict[str, Any]):
    """A row.

    Args:
        row: its values.
        types: the kinds of its fields.
        relations: what each of its relations holds.
        is_there: whether it is a row, not what a LEFT JOIN has in its place.

    """

    def __init__(
        self,
        row: Mapping[str, Any],
        types: Mapping[str, str],
        relations: Mapping[str, Held],
        *,
        is_there: bool = True,
    ) -> None:
        super().__init__(row)
        self.types = types
        self.relations = relations
        self.is_there = is_there
