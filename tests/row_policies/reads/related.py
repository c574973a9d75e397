"""What calls ask of relations: which there are, drawn, spelled, and refused."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.row_policies.rules import names_in
from tests.row_policies.tables import TABLES, Table

Unreadable = Callable[[Table], set[str]]
"""Returns the fields of a table that a caller may not read."""
_DEEPEST = 2


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows of a table that a field holds.

    Args:
        target: the table's message.
        on: the fields that are equal, here and there.
        many: whether it is repeated.
        rule: the schema's filter.
        write: what becomes of its rows where their holder is written.

    """

    target: str
    on: Mapping[str, str]
    many: bool = True
    rule: str = ""
    write: str = ""


RELATIONS: Mapping[str, Mapping[str, Relation]] = {
    "Desk": {
        "notices": Relation("Notice", {"owner": "author"}),
        "peers": Relation("Desk", {"note": "note"}),
    },
    "Notice": {"desks": Relation("Desk", {"author": "owner"}, rule='NOT note = "locked"')},
    "Dossier": {
        "others": Relation("Dossier", {"holder": "holder"}),
        "peers": Relation("Dossier", {"rank": "rank"}),
    },
    "Estate": {"leases": Relation("Lease", {"id": "estate"}, write="REPLACE")},
    "Lease": {
        "held": Relation("Estate", {"estate": "id"}, many=False),
        "before": Relation("Lease", {"after": "id"}, many=False),
        "next": Relation("Lease", {"id": "after"}, write="CREATE"),
        "lines": Relation("Line", {"id": "lease"}, write="MERGE"),
    },
    "Ward": {"beds": Relation("Bed", {"id": "ward"})},
    "Bed": {"place": Relation("Ward", {"ward": "id"}, many=False)},
    "Line": {"whole": Relation("Lease", {"lease": "id"}, many=False)},
}
"""By the names of their tables' messages."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a call asks of a relation.

    Args:
        mask: the fields of its rows; none for all.
        filter: beside the schema's.
        order_by: a field, by which several come; by their keys without it.
        limit: the most rows; 0 for the schema's.
        below: what is asked of relations of its rows.

    """

    mask: Sequence[str] = ()
    filter: str = ""
    order_by: str = ""
    limit: int = 0
    below: Mapping[str, "Held"] = field(default_factory=dict)


Asked = Mapping[str, Held]
"""By the relations' names."""


def relations_of(table: Table) -> Mapping[str, Relation]:
    """Return a table's relations."""
    return RELATIONS.get(table.name, {})


def target_of(table: Table, name: str) -> Table:
    """Return the table whose rows a relation holds."""
    wanted = relations_of(table)[name].target
    return next(other for other in TABLES[table.schema] if other.name == wanted)


def drawn_related(table: Table, chance: Random, depth: int = 0) -> Asked:
    """Draw what is asked of a table's relations."""
    asked = {}
    for name in relations_of(table):
        if chance.random() < (0.6, 0.3)[depth]:
            target, many = target_of(table, name), relations_of(table)[name].many
            names = list(target.fields)
            orders = [*target.orders, *(one for one in names if target.fields[one].kind == "int")]
            order_by = chance.choice(orders) if many and chance.random() < 0.2 else ""
            # Which rows are the first by their keys is the collation's to say where those are any texts.
            limited = many and not order_by and len(target.key) == 1 and chance.random() < 0.3
            asked[name] = Held(
                chance.sample(names, min(len(names), 3)) if chance.random() < 0.4 else (),
                chance.choice([*target.filters, *target.across]) if chance.random() < 0.3 else "",
                order_by,
                chance.randrange(1, 3) if limited else 0,
                drawn_related(target, chance, depth + 1) if depth + 1 < _DEEPEST else {},
            )
    return asked


def paths_of(table: Table, asked: Asked, prefix: str = "") -> Iterator[str]:
    """Yield what a read mask names of relations."""
    for name, held in asked.items():
        inside = prefix + name + (".*." if relations_of(table)[name].many else ".")
        yield from (inside + one for one in held.mask) if held.mask else (prefix + name,)
        yield from paths_of(target_of(table, name), held.below, inside)


def arguments_of(table: Table, asked: Asked, prefix: str = "") -> Iterator[Mapping[str, Any]]:
    """Yield what a request asks of relations."""
    for name, held in asked.items():
        asks = {"filter": held.filter, "orderBy": held.order_by, "limit": held.limit}
        if any(asks.values()):
            yield {"path": prefix + name, **asks}
        inside = prefix + name + (".*." if relations_of(table)[name].many else ".")
        yield from arguments_of(target_of(table, name), held.below, inside)


def refusals_of(
    table: Table,
    asked: Asked,
    unreadable: Unreadable,
) -> Iterator[str]:
    """Yield how it is refused that a call asks for what its caller may not read.

    Args:
        table: whose relations they are.
        asked: what is asked of them.
        unreadable: returns the fields of a table that the caller may not read.

    """
    for name, held in asked.items():
        target = target_of(table, name)
        hidden = unreadable(target)
        gone = {one for one in hidden if target.fields[one].mask is None}
        is_gone = _is_gone(table, name, unreadable)
        if is_gone or gone & {*held.mask}:
            yield "INVALID_ARGUMENT INVALID_FIELD_MASK"
        if is_gone and any(arguments_of(table, {name: held})):
            yield "INVALID_ARGUMENT INVALID_RELATION_ARGUMENTS"
        if asks_for_hidden(target, held.filter, unreadable):
            yield "INVALID_ARGUMENT INVALID_FILTER"
        if held.order_by and is_hidden(target, held.order_by.split("."), unreadable):
            yield "INVALID_ARGUMENT INVALID_ORDER_BY"
        yield from refusals_of(target, held.below, unreadable)


def asks_for_hidden(table: Table, text: str, unreadable: Unreadable) -> bool:
    """Return whether a filter names what isn't there for its caller, who may look for a word alone."""
    names = () if text == "*" or re.fullmatch('"[^"]*"', text) else names_in(text)
    return any(is_hidden(table, path, unreadable) for path in names)


def is_hidden(table: Table, path: Sequence[str], unreadable: Unreadable) -> bool:
    """Return whether a name, with the relations before it, isn't there for a caller."""
    first, *rest = path
    if first not in relations_of(table):
        return first in unreadable(table)
    below = bool(rest) and is_hidden(target_of(table, first), rest, unreadable)
    return _is_gone(table, first, unreadable) or below


def _is_gone(table: Table, name: str, unreadable: Unreadable) -> bool:
    """Return whether a relation goes by columns that the caller may not read."""
    relation, hidden = relations_of(table)[name], unreadable(target_of(table, name))
    return not (unreadable(table).isdisjoint(relation.on) and hidden.isdisjoint(relation.on.values()))
