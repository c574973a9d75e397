"""Filters and orders across relations, drawn together with the same conditions in SQL written another way.

Every name of a filter is here a value in SQL: of another row a scalar subquery, NULL where none is there. So
SQL's own three values decide. The views `seen_…` hold the rows that are there for whoever asks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Named(NamedTuple):
    """A field of a resource.

    Args:
        name: in filters.
        column: in SQL, with its quotes.
        literals: values, each as filters and as SQL spell it.

    """

    name: str
    column: str
    literals: Sequence[tuple[str, str]]

    @property
    def is_text(self) -> bool:
        """Whether it is a text."""
        return self.literals[0][1].startswith("'")


class Link(NamedTuple):
    """A relation.

    Args:
        name: its field's.
        target: the resource of its rows.
        join: the condition in SQL: `{own}` and `{other}` stand for the two rows.

    """

    name: str
    target: str
    join: str


@dataclass(frozen=True, slots=True)
class Table:
    """What filters over a resource may ask for."""

    view: str
    key: Sequence[str]
    fields: Sequence[Named]
    one: Sequence[Link] = field(default=())
    many: Sequence[Link] = field(default=())


def texts(*values: str) -> Sequence[tuple[str, str]]:
    """Return texts as literals."""
    return [(f'"{value}"', f"'{value}'") for value in values]


def numbers(*values: int) -> Sequence[tuple[str, str]]:
    """Return numbers as literals."""
    return [(str(value), str(value)) for value in values]


class Asked(NamedTuple):
    """A part of a filter, and what it means."""

    text: str
    sql: str


class _Path(NamedTuple):
    """A name that leads to a value; its links are of single rows.

    Args:
        text: the name.
        sql: the value, of the row `of`.
        field: what it is.

    """

    text: str
    sql: str
    field: Named


_COMPARES = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class Drawing:
    """Draws conditions over the rows of some tables."""

    def __init__(self, draw: st.DrawFn, tables: Mapping[str, Table]) -> None:
        self._draw = draw
        self._tables = tables
        self._names = (f"a{number}" for number in count())

    def condition(self, name: str, of: str, depth: int = 0, levels: int = 2) -> Asked:
        """Draw a condition over the row `of`, some relations below the filter's."""
        kind = self._one_of(["leaf", "leaf", "leaf", "and", "or", "not"] if levels else ["leaf"])
        if kind == "leaf":
            return self._leaf(name, of, depth)
        if kind == "not":
            inner = self.condition(name, of, depth, levels - 1)
            return Asked(f"NOT ({inner.text})", f"NOT ({inner.sql})")
        parts = [self.condition(name, of, depth, levels - 1) for _ in range(2)]
        word = kind.upper()
        text, sql = (f" {word} ".join(f"({one})" for one in side) for side in zip(*parts, strict=True))
        return Asked(text, sql)

    def path(self, name: str, of: str, depth: int = 0) -> _Path:
        """Draw a name of a value, of the row or of one that relations lead to."""
        table = self._tables[name]
        if not table.one or depth > 2 or self._one_of([False, True]):
            found = self._one_of(table.fields)
            return _Path(found.name, f"{of}.{found.column}", found)
        link, alias = self._one_of(table.one), next(self._names)
        below = self.path(link.target, alias, depth + 1)
        return _Path(f"{link.name}.{below.text}", self._of_row(link, alias, of, below.sql), below.field)

    def _leaf(self, name: str, of: str, depth: int) -> Asked:
        table = self._tables[name]
        kinds = ["value", "value", "value"]
        if depth < 3:
            kinds += ["there"] * bool(table.one or table.many)
            kinds += ["any", "any", "count", "exists"] if table.many else []
            kinds += ["below"] * bool(table.one)
        match self._one_of(kinds):
            case "value":
                return self._compared(self.path(name, of, depth))
            case "there":
                return self._there(self._one_of([*table.one, *table.many]), of)
            case "below":
                return self._below(self._one_of(table.one), of)
            case "any":
                return self._any(self._one_of(table.many), of, depth)
            case "exists":
                return self._exists(self._one_of(table.many), of, depth)
        return self._count(self._one_of(table.many), of, depth)

    def _compared(self, path: _Path) -> Asked:
        text, sql, of = path
        literal, other = self._one_of(of.literals)
        kinds = ["compare", "compare", "null", "list", "function", "there"]
        match self._one_of(kinds):
            case "null":
                operator = self._one_of(["=", "!="])
                return Asked(f"{text} {operator} null", f"{sql} IS {'NOT ' * (operator == '!=')}NULL")
            case "list":
                listed = [literal, of.literals[0][0]], [other, of.literals[0][1]]
                return Asked(f"{text} IN ({', '.join(listed[0])})", f"{sql} IN ({', '.join(listed[1])})")
            case "function" if of.is_text:
                start, begin = literal[:2] + '"', other[1:2]
                if self._one_of([False, True]):
                    return Asked(f"{text}.startsWith({start})", f"{sql} LIKE '{begin}%'")
                return Asked(f"lower({text}) = {literal}", f"lower({sql}) = lower({other})")
            case "there" if of.is_text:
                return Asked(f"{text}:*", f"coalesce({sql} <> '', false)")
        operator = self._one_of([*_COMPARES])
        return Asked(f"{text} {operator} {literal}", f"{sql} {_COMPARES[operator]} {other}")

    def _there(self, link: Link, of: str) -> Asked:
        alias = next(self._names)
        return Asked(f"{link.name}:*", self._there_is(link, alias, of, "true"))

    def _below(self, link: Link, of: str) -> Asked:
        """Draw what is asked of the rows of a row: where that isn't there it has none."""
        alias, below = next(self._names), self._tables[link.target]
        many = self._one_of([*below.many, *below.one]) if below.many or below.one else None
        if many is None:
            return self._there(link, of)
        inner = self._there(many, alias)
        return Asked(f"{link.name}.{inner.text}", self._there_is(link, alias, of, inner.sql))

    def _any(self, link: Link, of: str, depth: int) -> Asked:
        alias = next(self._names)
        inner = self._compared(self.path(link.target, alias, depth + 1))
        if inner.text.startswith("lower("):
            text = inner.text.replace("lower(", f"lower({link.name}.", 1)
        else:
            text = f"{link.name}.{inner.text}"
        return Asked(text, self._there_is(link, alias, of, inner.sql))

    def _exists(self, link: Link, of: str, depth: int) -> Asked:
        alias = next(self._names)
        inner = self.condition(link.target, alias, depth + 1, levels=1)
        return Asked(f"exists({link.name}, {inner.text})", self._there_is(link, alias, of, inner.sql))

    def _count(self, link: Link, of: str, depth: int) -> Asked:
        alias, literal = next(self._names), self._one_of([0, 1, 2, 3])
        operator, text, where = self._one_of([*_COMPARES]), link.name, "true"
        if self._one_of([False, True]):
            inner = self.condition(link.target, alias, depth + 1, levels=0)
            text, where = f"{link.name}, {inner.text}", inner.sql
        rows = f"SELECT count(*) FROM {self._joined(link, alias, of)} AND ({where})"  # noqa: S608 - drawn
        return Asked(f"count({text}) {operator} {literal}", f"({rows}) {_COMPARES[operator]} {literal}")

    def _of_row(self, link: Link, alias: str, of: str, value: str) -> str:
        return f"(SELECT {value} FROM {self._joined(link, alias, of)})"  # noqa: S608 - drawn

    def _there_is(self, link: Link, alias: str, of: str, where: str) -> str:
        return f"EXISTS (SELECT FROM {self._joined(link, alias, of)} AND ({where}))"

    def _joined(self, link: Link, alias: str, of: str) -> str:
        view = self._tables[link.target].view
        return f"{view} {alias} WHERE {link.join.format(own=of, other=alias)}"

    def _one_of(self, values: Sequence[T]) -> T:
        return self._draw(st.sampled_from(values))


@st.composite
def filters(draw: st.DrawFn, tables: Mapping[str, Table], name: str) -> Asked:
    """Draw a filter over rows that are called `t` in SQL."""
    return Drawing(draw, tables).condition(name, "t")


@st.composite
def orders(draw: st.DrawFn, tables: Mapping[str, Table], name: str) -> Asked:
    """Draw an order over rows that are called `t` in SQL, with the key behind."""
    drawing, terms, seen = Drawing(draw, tables), [], set()
    for _ in range(draw(st.integers(1, 3))):
        path = drawing.path(name, "t")
        if path.text not in seen:
            seen.add(path.text)
            terms.append((path, draw(st.sampled_from(["", " desc"]))))
    last = terms[-1][1]
    by = [(path.sql, direction) for path, direction in terms]
    by += [(f"t.{column}", last) for column in tables[name].key]
    return Asked(
        ", ".join(f"{path.text}{direction}" for path, direction in terms),
        ", ".join(f"{value}{direction}" for value, direction in by),
    )
