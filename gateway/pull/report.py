"""The report of a pull: what is served, and what isn't, or not as it is, with the reason."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.pull.resources import Left

_SCREEN = 24
"""Lines that are seen at once: longer reports end with their sums."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of each relation and column.

    Args:
        served: each table, and its message's full name.
        tables: the relations that are left out.
        columns: the columns that are left out.
        notes: what is served, but not for all it is.
        unasked: how many relations the choices leave out.
        views: how many of those that are served are views.

    """

    served: Sequence[tuple[str, str]]
    tables: Sequence[Left]
    columns: Sequence[Left]
    notes: Sequence[Left]
    unasked: int = 0
    views: int = 0

    def __str__(self) -> str:
        lines = list(self._lines())
        return "\n".join([*lines, *self._summary()] if len(lines) > _SCREEN else lines)

    def _summary(self) -> Iterator[str]:
        tables = _counted(len(self.served) - self.views, "table")
        yield f"in all: {tables} and {_counted(self.views, 'view')} served"
        yield from _grouped("table or view", "tables and views", self.tables)
        yield from _grouped("column", "columns", self.columns)

    def _lines(self) -> Iterator[str]:
        yield f"served: {_counted(len(self.served), 'table')}"
        yield from (f"  {table} as {message}" for table, message in self.served)
        yield from _listed(
            f"left out: {_counted(len(self.tables), 'table or view', 'tables and views')}", self.tables
        )
        yield from _listed(f"left out: {_counted(len(self.columns), 'column')} of them", self.columns)
        yield from _listed("to know of what is served:", self.notes)
        if self.unasked:
            yield f"not asked for: {_counted(self.unasked, 'table or view', 'tables and views')}"


def _grouped(noun: str, nouns: str, items: Sequence[Left]) -> Iterator[str]:
    """Yield how many are left out for each reason, the most frequent first."""
    for why, number in Counter(item.kind or item.why for item in items).most_common():
        yield f"  {_counted(number, noun, nouns)} left out: {why}"


def _listed(head: str, items: Sequence[Left]) -> Iterator[str]:
    if items:
        yield head
        yield from (f"  {item.name}: {item.why}" for item in items)


def _counted(number: int, noun: str, nouns: str = "") -> str:
    return f"{number} {noun if number == 1 else nouns or f'{noun}s'}"
