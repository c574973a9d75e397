"""What calls ask of relations: which there are, drawn, spelled, and refused."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.row_policies.tables import TABLES, Table

_DEEPEST = 2


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows of a table that a field holds.

    Args:
        target: the table's message.
        on: the fields that are equal, here and there.
        many: whether it is repeated.
        rule: the schema's filter.

    """

    target: str
    on: Mapping[str, str]
    many: bool = True
    rule: str = ""


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
    "Estate": {"leases": Relation("Lease", {"id": "estate"})},
    "Lease": {
        "held": Relation("Estate", {"estate": "id"}, many=False),
        "before": Relation("Lease", {"after": "id"}, many=False),
        "next": Relation("Lease", {"id": "after"}),
        "lines": Relation("Line", {"id": "lease"}),
    },
    "Line": {"whole": Relation("Lease", {"lease": "id"}, many=False)},
}
"""By the names of their tables' messages."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a call asks of a relation.

    Args:
        mask: the fields of its rows; none for all.
        filter: beside the schema's.
        below: what is asked of relations of its rows.

    """

    mask: Sequence[str] = ()
    filter: str = ""
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
            target = target_of(table, name)
            names = list(target.fields)
            asked[name] = Held(
                chance.sample(names, min(len(names), 3)) if chance.random() < 0.4 else (),
                chance.choice(target.filters) if target.filters and chance.random() < 0.3 else "",
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
        if held.filter:
            yield {"path": prefix + name, "filter": held.filter}
        inside = prefix + name + (".*." if relations_of(table)[name].many else ".")
        yield from arguments_of(target_of(table, name), held.below, inside)


def refusals_of(
    table: Table,
    asked: Asked,
    unreadable: Callable[[Table], set[str]],
    named: Callable[[str], set[str]],
) -> Iterator[str]:
    """Yield how it is refused that a call asks for what its caller may not read.

    Args:
        table: whose relations they are.
        asked: what is asked of them.
        unreadable: returns the fields of a table that the caller may not read.
        named: returns the words of a filter.

    """
    for name, held in asked.items():
        relation, target = relations_of(table)[name], target_of(table, name)
        hidden = unreadable(target)
        gone = {one for one in hidden if target.fields[one].mask is None}
        is_gone = not (unreadable(table).isdisjoint(relation.on) and hidden.isdisjoint(relation.on.values()))
        if is_gone or gone & {*held.mask}:
            yield "INVALID_ARGUMENT INVALID_FIELD_MASK"
        if is_gone and any(arguments_of(table, {name: held})):
            yield "INVALID_ARGUMENT INVALID_RELATION_ARGUMENTS"
        if hidden & named(held.filter):
            yield "INVALID_ARGUMENT INVALID_FILTER"
        yield from refusals_of(target, held.below, unreadable, named)
