"""What a read mask names: fields, parts of them, and relations with what is asked of their rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tests.queries_oracle import kinds
from tests.queries_oracle.filters.across import renamed, rows_held
from tests.queries_oracle.filters.trees import Tree, drawn_filter
from tests.queries_oracle.tables import BY_NAME, Row, Table

Tables = Mapping[str, Table]
_DEEPEST = 4
_MOST_ROWS = 10_000
"""That lists within lists may have of one row."""
_PARTS: Mapping[str, Sequence[str]] = {
    "address": ("street", "number", "floor", "lift"),
    "stops": ("city", "days"),
}


@dataclass(frozen=True, slots=True)
class Held:
    """What is asked of a relation.

    Args:
        shown: of its rows.
        filter: beside the schema's.
        order: in place of the schema's, by paths to fields, each with whether it descends.
        limit: where it is smaller than the schema's; 0 for that.

    """

    shown: "Shown"
    filter: Tree | None = None
    order: Sequence[tuple[str, bool]] = ()
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """What a mask names of a table's rows.

    Args:
        fields: with the parts of each that are named, none for all of it; None where all fields are shown.
        relations: what is asked of them.

    """

    fields: Mapping[str, Sequence[str]] | None = None
    relations: Mapping[str, Held] = field(default_factory=dict)

    def paths(self, table: Table, tables: Tables) -> list[str]:
        """Return the mask's paths."""
        if self.fields is None and self.relations:
            return ["*", *self._related(table, tables)]
        fields = [
            path for name, parts in (self.fields or {}).items() for path in _of_field(table, name, parts)
        ]
        return [*fields, *self._related(table, tables)]

    def _related(self, table: Table, tables: Tables) -> Iterator[str]:
        for name, held in self.relations.items():
            relation = table.relations[name]
            below = held.shown.paths(tables[relation.target], tables)
            if held.shown.fields is None:
                yield name
            yield from (_below(table, name, path) for path in below if path != "*")

    def arguments(self, table: Table, tables: Tables, prefix: str = "") -> Iterator[Mapping[str, Any]]:
        """Yield what a request asks of relations."""
        for name, held in self.relations.items():
            asked = {
                "path": prefix + name,
                "filter": held.filter.text if held.filter else "",
                "limit": held.limit,
            }
            asked["order_by"] = spelled_order(held.order)
            if held.filter or held.limit or held.order:
                yield asked
            target = tables[table.relations[name].target]
            yield from held.shown.arguments(target, tables, prefix + _below(table, name, ""))

    def simpler(self) -> Iterator["Shown"]:
        """Yield what names less, or asks for less."""
        if self.fields:
            yield replace(self, fields=None)
        for name, held in self.relations.items():
            rest = {other: one for other, one in self.relations.items() if other != name}
            yield replace(self, relations=rest, fields=self.fields if rest else self.fields or None)
            less = [replace(held, shown=shown) for shown in held.shown.simpler()]
            less += [replace(held, filter=None)] if held.filter else []
            less += [replace(held, filter=tree) for tree in (held.filter.simpler() if held.filter else ())]
            less += [replace(held, order=())] if held.order else []
            less += [replace(held, limit=0)] if held.limit else []
            for one in less:
                yield replace(self, relations={**self.relations, name: one})


def spelled_order(order: Sequence[tuple[str, bool]]) -> str:
    """Return an order as requests have it."""
    return ", ".join(f"{name}{' desc' if descends else ''}" for name, descends in order)


def sql_order(table: Table, order: Sequence[tuple[str, bool]]) -> str:
    """Return an order in SQL: the key ends it, in the direction of the last field."""
    down = bool(order) and order[-1][1]
    named = {name for name, _ in order}
    whole = [*order, *((name, down) for name in table.key if name not in named)]
    return ", ".join(f"{_value_at(table, path)}{' DESC' if descends else ''}" for path, descends in whole)


def _value_at(table: Table, path: str, depth: int = 0) -> str:
    """Return the field that a path leads to, in SQL over the table as `t`: NULL where no row is there."""
    name, _, below = path.partition(".")
    if not below:
        return table.column(name)
    relation = table.relations[name]
    value = renamed(_value_at(BY_NAME[relation.target], below, depth + 1), depth)
    return f"(SELECT {value} {rows_held(table, relation, depth)})"


def _below(table: Table, name: str, path: str) -> str:
    return f"{name}.*.{path}" if table.relations[name].many else f"{name}.{path}"


def _of_field(table: Table, name: str, parts: Sequence[str]) -> list[str]:
    kind = table.fields[name].kind
    inner = f"{name}.*" if kind is kinds.STOPS else name
    return [f"{inner}.{part if part.isascii() and part.isalpha() else f'`{part}`'}" for part in parts] or [
        name
    ]


def drawn_order(table: Table, chance: Random) -> Sequence[tuple[str, bool]]:
    """Draw an order, also by rows that relations lead to."""
    paths = dict.fromkeys(_drawn_path(table, chance) for _ in range(chance.choice((0, 1, 1, 2, 3))))
    return [(path, chance.random() < 0.5) for path in paths]


def _drawn_path(table: Table, chance: Random, depth: int = 0) -> str:
    """Draw a field to sort by, of the rows or of others to which relations lead that hold one each."""
    ways = [name for name, relation in table.relations.items() if not relation.many]
    if ways and depth < _DEEPEST and chance.random() < 0.3:
        name = chance.choice(ways)
        return f"{name}.{_drawn_path(BY_NAME[table.relations[name].target], chance, depth + 1)}"
    return chance.choice([name for name, one in table.fields.items() if one.kind.ordered])


def drawn_shown(table: Table, tables: Tables, chance: Random) -> Shown:
    """Draw a mask."""
    return _drawn(table, tables, chance, depth=0, rows=1)


def _drawn(table: Table, tables: Tables, chance: Random, *, depth: int, rows: int) -> Shown:
    fields = None
    if chance.random() < 0.6:
        names = chance.sample(list(table.fields), chance.randrange(min(5, len(table.fields) + 1)))
        fields = {name: _drawn_parts(table, name, chance) for name in names}
    relations = {}
    for name in table.relations:
        if depth < _DEEPEST and chance.random() < (0.35, 0.3, 0.2, 0.1)[depth]:
            relations[name] = _drawn_held(table, name, tables, chance, depth, rows)
    if fields == {} and not relations:
        fields = None
    return Shown(fields, relations)


def _drawn_held(table: Table, name: str, tables: Tables, chance: Random, depth: int, rows: int) -> Held:  # noqa: PLR0917 - as drawn
    relation = table.relations[name]
    target = tables[relation.target]
    limit = chance.choice((0, 0, 1, 2, 3, 50)) if relation.many else 0
    if relation.many and rows * min(limit or relation.limit, relation.limit) > _MOST_ROWS:
        limit = 1
    held = rows * min(limit or relation.limit, relation.limit) if relation.many else rows
    return Held(
        _drawn(target, tables, chance, depth=depth + 1, rows=held),
        drawn_filter(target, chance, depth=1) if chance.random() < 0.3 else None,
        drawn_order(target, chance) if relation.many and chance.random() < 0.4 else (),
        limit,
    )


def _drawn_parts(table: Table, name: str, chance: Random) -> Sequence[str]:
    kind = table.fields[name].kind
    parts = _PARTS.get(kind.name, kinds.KEYS if kind in (kinds.TEXT_MAP, kinds.INT_MAP) else ())
    return chance.sample(parts, chance.randrange(1, len(parts))) if parts and chance.random() < 0.5 else ()


def told_row(table: Table, row: Row, shown: Shown) -> Row:
    """Return the stored fields of a row as its message tells them under a mask."""
    return {name: _told(table, name, row[name], shown.fields) for name in table.fields}


def _told(table: Table, name: str, value: Any, named: Mapping[str, Sequence[str]] | None) -> Any:
    field_ = table.fields[name]
    if named is not None and name not in named:
        return unset(table, name)
    if value is None:
        return None
    plain = field_.kind.plain(value)
    parts = named[name] if named is not None else ()
    if not parts:
        return plain
    if isinstance(plain, list):
        return [{part: one for part, one in element.items() if part in parts} for element in plain]
    return {part: one for part, one in plain.items() if part in parts}


def unset(table: Table, name: str) -> Any:
    """Return what is told of a field that isn't named."""
    field_ = table.fields[name]
    if field_.optional:
        return None
    if field_.kind.element is not None or field_.kind is kinds.STOPS:
        return []
    return {} if field_.kind in (kinds.TEXT_MAP, kinds.INT_MAP) else field_.kind.zero


def heard_row(table: Table, message: Any) -> Row:
    """Return the stored fields that a message tells."""
    return {name: _heard(table, name, message) for name in table.fields}


def _heard(table: Table, name: str, message: Any) -> Any:
    if message.DESCRIPTOR.fields_by_name[name].has_presence and not message.HasField(name):
        return None
    return table.fields[name].kind.told(getattr(message, name))


def same(one: Any, other: Any) -> bool:
    """Return whether two plain values are the same: of one type, NaN beside NaN, and zeros of one sign."""
    return bool(_exact(one) == _exact(other))


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _exact(one) for name, one in value.items()}
    return [_exact(one) for one in value] if isinstance(value, list) else repr(value)
