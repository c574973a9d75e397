"""Figures of metrics: plain values, which travel between processes and add up."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

Kind = Literal["counter", "gauge", "histogram"]
Labels = tuple[str, ...]
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds of durations, of calls and of what they wait for."""


class Distribution:
    """How many values were up to each bound, and their sum.

    Args:
        bounds: upper bounds, rising; what is past the last is counted too.

    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value: a bisection and two additions."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add_all(self, values: Sequence[float]) -> None:
        """Count many values, in little more time than one: sorted, they are counted by the bound."""
        rising = sorted(values)
        ends = [0, *(bisect_right(rising, bound) for bound in self.bounds), len(rising)]
        for place, (start, end) in enumerate(pairwise(ends)):
            self.counts[place] += end - start
        self.total += sum(rising)

    @classmethod
    def of(cls, bounds: Sequence[float], counts: Sequence[int], total: float) -> "Distribution":
        """Return one that was counted elsewhere; counts may be missing at the end."""
        made = cls(bounds)
        made.counts[: len(counts)] = counts
        made.total = total
        return made

    def __add__(self, other: "Distribution") -> "Distribution":
        counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        return Distribution.of(self.bounds, counts, self.total + other.total)


Value: TypeAlias = float | Distribution
Figures: TypeAlias = Mapping[str, Mapping[Labels, Value]]
"""The values of each metric, by the values of its labels. They are pickled between processes."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, as a scrape names it.

    Args:
        name: as the exposition has it, `_total` of counters included.
        kind: counter, gauge or histogram.
        about: one line that says what it is.
        labels: their names.
        several: what workers' values become together; counters and histograms are always added.

    """

    name: str
    kind: Kind
    about: str
    labels: tuple[str, ...] = ()
    several: Callable[[float, float], float] = float.__add__

    @property
    def is_cumulative(self) -> bool:
        """Whether it counts since the start, so that it outlives the worker that counted."""
        return self.kind != "gauge"

    def together(self, one: Value, other: Value) -> Value:
        """Return what two workers' values become in one scrape."""
        if isinstance(one, Distribution) and isinstance(other, Distribution):
            return one + other
        if isinstance(one, Distribution) or isinstance(other, Distribution):
            raise TypeError(f"{self.name} is a histogram in one worker alone")
        return one + other if self.kind == "counter" else self.several(one, other)
