"""What makes a read's rows ones that may be kept."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class CachedRows:
    """The rows of a table that may be kept, as one kind of read finds them.

    Args:
        table: `schema.table`.
        seconds: how long.
        row: tells a row's identity from the read's arguments (gateway.schema.identity).

    """

    table: str
    seconds: float
    row: Callable[[Sequence[Any]], Hashable]
