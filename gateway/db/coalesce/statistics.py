"""Counts of shared statements, and of the calls in them."""

from dataclasses import dataclass

_SIZES = 16


@dataclass(frozen=True, slots=True)
class BatchStatistics:
    """One kind of statement's numbers since the start.

    Args:
        name: the kind, as the statement for many is called.
        calls: callers that were answered by statements of the kind.
        alone: those that shared with nobody, because nothing of the kind was under way.
        statements: how many were sent for the others.
        divided: batches that failed for one of their callers and were divided.
        sizes: how many batches had 1 caller, 2 to 3, 4 to 7, …
        wait_seconds: the longest wait of each batch's callers, summed over the batches.
        longest_wait: the longest of all, in seconds.

    """

    name: str
    calls: int
    alone: int
    statements: int
    divided: int
    sizes: tuple[int, ...]
    wait_seconds: float
    longest_wait: float


class Outcomes:
    """Counts one kind of statement, at the cost of a few additions per statement.

    Args:
        name: the kind.

    """

    __slots__ = ("_longest_wait", "_name", "_shared", "_sizes", "_wait_seconds", "alone", "divided")

    def __init__(self, name: str) -> None:
        self._name = name
        self._shared = 0
        self._sizes = [0] * _SIZES
        self._wait_seconds = 0.0
        self._longest_wait = 0.0
        self.alone = 0
        self.divided = 0

    def sent(self, callers: int, waited: float) -> None:
        """Count a batch, and how long the first of its callers waited for it to set out."""
        self._shared += callers
        self._sizes[min(callers.bit_length(), _SIZES) - 1] += 1
        self._wait_seconds += waited
        self._longest_wait = max(self._longest_wait, waited)

    @property
    def figures(self) -> BatchStatistics:
        """The numbers as they are now."""
        sizes = list(self._sizes)
        while sizes and not sizes[-1]:
            sizes.pop()
        return BatchStatistics(
            name=self._name,
            calls=self._shared + self.alone,
            alone=self.alone,
            statements=sum(self._sizes),
            divided=self.divided,
            sizes=tuple(sizes),
            wait_seconds=self._wait_seconds,
            longest_wait=self._longest_wait,
        )
