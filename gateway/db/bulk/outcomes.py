"""Outcomes of the rows of a bulk upsert."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum

from gateway.errors import RowgateError


class Outcome(IntEnum):
    """Numbers are those of rowgate.v1.RowOutcome; OPEN and COUNTED are nobody's answer.

    A COUNTED row has one of the other outcomes; nobody asked which.
    """

    OPEN = 0
    INSERTED = 1
    UPDATED = 2
    UNCHANGED = 3
    IGNORED = 4
    FAILED = 5
    SUPERSEDED = 6
    COUNTED = 7


class Outcomes:
    """The outcome of every row, and the error of those that failed.

    Args:
        size: how many rows were sent.

    """

    def __init__(self, size: int) -> None:
        self._outcomes = bytearray(size)
        self._counted: Counter[Outcome] = Counter()
        self.failures: dict[int, RowgateError] = {}

    @property
    def outcomes(self) -> Sequence[int]:
        """Each row's outcome, in the order of the request."""
        return self._outcomes

    def count(self, outcome: Outcome) -> int:
        """Return how many rows ended so."""
        return self._outcomes.count(outcome) + self._counted[outcome]

    def settle(self, indexes: Iterable[int], outcome: Outcome) -> None:
        """Note what became of some rows."""
        outcomes = self._outcomes
        for index in indexes:
            outcomes[index] = outcome

    def settle_counted(self, indexes: Sequence[int], counts: Mapping[Outcome, int]) -> None:
        """Note what became of some rows, in ascending order, of which only the sum is known."""
        self.settle_all(indexes, Outcome.COUNTED)
        self._counted.update(counts)

    def settle_all(self, indexes: Sequence[int], outcome: Outcome) -> None:
        """Note what became of some rows, in ascending order: at once where there is no gap between them."""
        span = _span(indexes)
        if span is None:
            self.settle(indexes, outcome)
        else:
            self._outcomes[span] = bytes((outcome,)) * len(indexes)

    def fail(self, index: int, error: RowgateError) -> None:
        """Note that a row is refused; the first reason stays."""
        self._outcomes[index] = Outcome.FAILED
        self.failures.setdefault(index, error)

    def open(self, indexes: Sequence[int]) -> list[int]:
        """Return those of `indexes`, in ascending order, whose fate is open."""
        outcomes = self._outcomes
        span = _span(indexes)
        if span is not None and outcomes.count(Outcome.OPEN, span.start, span.stop) == len(indexes):
            return list(indexes)
        return [index for index in indexes if not outcomes[index]]


def _span(indexes: Sequence[int]) -> slice | None:
    """Return the places that ascending indexes cover, None where there are gaps or no indexes."""
    if not indexes or indexes[-1] - indexes[0] >= len(indexes):
        return None
    return slice(indexes[0], indexes[-1] + 1)
