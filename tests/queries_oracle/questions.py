"""A question: what a call asks, its request, and the same made simpler."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tests.queries_oracle.filters.trees import Tree, drawn_filter
from tests.queries_oracle.shown import Shown, Tables, drawn_order, drawn_shown, spelled_order
from tests.queries_oracle.tables import Row, Table

BY_KEY = ("Get", "BatchGet")
VERBS = (
    "List",
    "List",
    "List",
    "List",
    "Stream",
    "Stream",
    "Get",
    "BatchGet",
    "Count",
    "Aggregate",
    "Aggregate",
    "Search",
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a table.

    Args:
        verb: the method's kind; Count asks Exists, too, where there is such a method.
        table: of which rows.
        keys: which rows by their keys; the last may be of no row.
        filter: which rows.
        equal: values of fields, which rows have to have.
        order: by which fields, of the rows or behind relations, each with whether it descends.
        page_size: how many rows a page has.
        show_deleted: whether rows count that are marked as deleted.
        shown: what is told of rows.

    """

    verb: str
    table: Table
    keys: Sequence[Mapping[str, Any]] = ()
    filter: Tree | None = None
    equal: Mapping[str, Any] = field(default_factory=dict)
    order: Sequence[tuple[str, bool]] = ()
    page_size: int = 1000
    show_deleted: bool = False
    shown: Shown = field(default_factory=Shown)

    @property
    def rows(self) -> Mapping[str, Any]:
        """Which rows, in proto JSON."""
        told = {"filter": self.filter.text if self.filter else "", **self.equal}
        return {**told, "show_deleted": True} if self.show_deleted else told

    def condition(self) -> str:
        """Return which rows, in SQL over the table as `t`."""
        table = self.table
        parts = [self.filter.sql] if self.filter else []
        parts += [
            f"{table.column(name)} = {table.fields[name].kind.sql(value)}"
            for name, value in self.equal.items()
        ]
        if table.deleted and not self.show_deleted:
            parts.append(f"{table.column(table.deleted)} IS NULL")
        return " AND ".join(parts) or "true"

    def simpler(self) -> Iterator["Question"]:
        """Yield questions that ask for less."""
        if self.filter:
            yield replace(self, filter=None)
            yield from (replace(self, filter=tree) for tree in self.filter.simpler())
        for name in self.equal:
            yield replace(self, equal={other: one for other, one in self.equal.items() if other != name})
        if self.order:
            yield from (
                replace(self, order=[*self.order[:i], *self.order[i + 1 :]]) for i in range(len(self.order))
            )
        yield from (replace(self, shown=shown) for shown in self.shown.simpler())
        if self.show_deleted:
            yield replace(self, show_deleted=False)
        if len(self.keys) > 1:
            yield from (replace(self, keys=[key]) for key in self.keys)
        if self.page_size < 1000:
            yield replace(self, page_size=1000)

    def __str__(self) -> str:
        """Tell what is asked."""
        table = self.table
        asked = [f"{self.verb} {table.name}", f"filter={self.rows['filter']!r}" if self.filter else ""]
        asked += [f"{name}={value!r}" for name, value in self.equal.items()]
        asked += [f"order_by={spelled_order(self.order)!r}" if self.order else ""]
        asked += [
            f"page_size={self.page_size}" if self.page_size < 1000 else "",
            f"keys={self.keys}" if self.keys else "",
        ]
        asked += [
            "show_deleted" if self.show_deleted else "",
            f"shown={self.shown}" if self.shown != Shown() else "",
        ]
        return " ".join(one for one in asked if one)


def drawn_question(verb: str, table: Table, tables: Tables, rows: Sequence[Row], chance: Random) -> Question:
    """Draw a question of a verb."""
    shown = drawn_shown(table, tables, chance)
    if verb in BY_KEY:
        return Question(verb, table, _drawn_keys(verb, table, rows, chance), shown=shown)
    equal = {}
    if table.equal and chance.random() < 0.15:
        name = chance.choice(table.equal)
        value = chance.choice(rows)[name] if rows and chance.random() < 0.7 else None
        equal = {name: table.fields[name].kind.draw(chance) if value is None else value}
    return Question(
        verb,
        table,
        filter=drawn_filter(table, chance) if chance.random() < 0.8 else None,
        equal=equal,
        order=drawn_order(table, chance),
        page_size=chance.choice((1, 2, 3, 7, 1000)) if verb == "List" else 1000,
        show_deleted=bool(table.deleted) and chance.random() < 0.4,
        shown=shown,
    )


def _drawn_keys(verb: str, table: Table, rows: Sequence[Row], chance: Random) -> Sequence[Mapping[str, Any]]:
    found = [{name: row[name] for name in table.key} for row in rows]
    drawn = {name: table.fields[name].kind.draw(chance) for name in table.key}
    if verb == "Get":
        return [chance.choice(found) if found and chance.random() < 0.9 else drawn]
    some = chance.sample(found, min(len(found), chance.randrange(6)))
    return [*some, *([drawn] if chance.random() < 0.3 and drawn not in some else [])] or [drawn]
