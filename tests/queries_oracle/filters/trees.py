"""Filters as trees: drawn, spelled as requests spell them, told in SQL, and made simpler."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from tests.queries_oracle.filters.across import drawn_across
from tests.queries_oracle.filters.asks import drawn_condition
from tests.queries_oracle.filters.conditions import Condition
from tests.queries_oracle.tables import Table


@dataclass(frozen=True, slots=True)
class Tree:
    """A filter.

    Args:
        word: `AND`, `OR` or `NOT`; empty of a condition.
        parts: what it joins.
        condition: what stands at a leaf.
        plain: whether it is spelled by the shorter of two ways: a space for AND, `-` for NOT.

    """

    word: str = ""
    parts: Sequence["Tree"] = ()
    condition: Condition | None = None
    plain: bool = False

    @property
    def text(self) -> str:
        """As a request spells it: OR binds tighter than AND, so only AND within OR needs parentheses."""
        if self.condition is not None:
            return self.condition.text
        if self.word == "NOT":
            (part,) = self.parts
            inner = part.text if part.condition is not None else f"({part.text})"
            return f"{'-' if self.plain else 'NOT '}{inner}"
        sign = " " if self.word == "AND" and self.plain else f" {self.word} "
        return sign.join(self._within(part) for part in self.parts)

    def _within(self, part: "Tree") -> str:
        bare = part.condition is not None or part.word == "NOT" or (self.word, part.word) == ("AND", "OR")
        return part.text if bare else f"({part.text})"

    @property
    def sql(self) -> str:
        """As SQL spells it, over the table as `t`."""
        if self.condition is not None:
            return f"({self.condition.sql})"
        if self.word == "NOT":
            return f"(NOT {self.parts[0].sql})"
        return f"({f' {self.word} '.join(part.sql for part in self.parts)})"

    def simpler(self) -> Iterator["Tree"]:
        """Yield trees of which less is left."""
        yield from self.parts
        for place, part in enumerate(self.parts):
            rest = [*self.parts[:place], *self.parts[place + 1 :]]
            if len(rest) > 1:
                yield replace(self, parts=rest)
            for less in part.simpler():
                yield replace(self, parts=[*self.parts[:place], less, *self.parts[place + 1 :]])


def drawn_filter(table: Table, chance: Random, names: Sequence[str] = (), depth: int = 2) -> Tree:
    """Draw a filter on a table's rows, on some of its fields or on any."""
    shape = chance.choice(("", "", "", "AND", "OR", "NOT")) if depth else ""
    if not shape and table.relations and not names and chance.random() < 0.15:
        return Tree(condition=drawn_across(table, chance))
    if not shape:
        return Tree(condition=drawn_condition(table, chance, names))
    count = 1 if shape == "NOT" else chance.choice((2, 2, 3))
    parts = [drawn_filter(table, chance, names, depth - 1) for _ in range(count)]
    return Tree(shape, parts, plain=chance.random() < 0.3)
