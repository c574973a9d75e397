"""Rows that are written with the row that holds them: what becomes of them, and of those beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.row_policies.calls import Call, Item
from tests.row_policies.changes import DENIED, Refused, created, removed, updated
from tests.row_policies.columns import NOT_ALLOWED, sets_forbidden, shown
from tests.row_policies.reads.held import in_order
from tests.row_policies.reads.related import Asked, Held, Relation, relations_of, target_of
from tests.row_policies.tables import Row
from tests.row_policies.visibility import meets, visible
from tests.row_policies.world import World


@dataclass(frozen=True, slots=True)
class Holder:
    """A row that was written.

    Args:
        row: as it is stored.
        item: what was sent, with what it is to hold.
        is_new: whether it wasn't there before.

    """

    row: Row
    item: Item
    is_new: bool


def write_held(
    world: World, call: Call, related: Asked, holders: Sequence[Holder], faults: set[str]
) -> Sequence[Row]:
    """Write what rows hold; return what each of them is told to hold, lists in any order.

    Args:
        world: is changed.
        call: a write of the holders' table.
        related: the relations that a mask names, and those below them.
        holders: the rows.
        faults: takes how it is refused.

    """
    told: list[Row] = [{} for _ in holders]
    for name, relation in relations_of(call.table).items():
        if not (relation.write and holders):
            continue
        ours = replace(call, table=target_of(call.table, name))
        writing = _Writing(world, ours, relation, related.get(name))
        lists = writing.write(holders, [one.item.held.get(name, ()) for one in holders], faults)
        for one, rows in zip(told, lists, strict=True):
            one.update({name: in_order(rows)} if name in related else {})
    return told


@dataclass(frozen=True, slots=True)
class _Writing:
    """The writing of one relation.

    Args:
        world: is changed.
        call: a write of the relation's table.
        relation: the relation.
        held: what a mask names of stored rows; None where it doesn't name the relation.

    """

    world: World
    call: Call
    relation: Relation
    held: Held | None

    def write(
        self, holders: Sequence[Holder], sent: Sequence[Sequence[Item]], faults: set[str]
    ) -> list[list[Row]]:
        """Write rows; return what is told of them, by their holders."""
        written = [one.is_new or self.held is not None for one in holders]
        items = [
            (place, replace(item, values={**item.values, **self._reference(holder.row)}))
            for place, holder in enumerate(holders)
            for item in (sent[place] if written[place] else ())
        ]
        stored = {item.key for place, item in items if not holders[place].is_new and self._is_held(item)}
        if self.relation.write == "REPLACE" and self.held is not None:
            faults |= self._left_out([one.row for one in holders if not one.is_new], stored)
        below: list[tuple[int, Holder]] = []
        for place, item in sorted(items, key=lambda one: one[1].key not in stored):
            try:
                below.append((place, self._written(item, is_new=item.key not in stored)))
            except Refused as refused:
                faults |= refused.answers
        asked = self.held.below if self.held else {}
        lists = write_held(self.world, self.call, asked, [one for _, one in below], faults)
        told: list[list[Row]] = [[] for _ in holders]
        for (place, one), rows in zip(below, lists, strict=True):
            told[place].append({**shown(self.call.table, one.row, self.call.caller), **rows})
        return told

    def _written(self, item: Item, *, is_new: bool) -> Holder:
        if is_new:
            return Holder(self._created(item), item, is_new)
        assert self.held is not None
        names = self.held.mask or item.values
        change = replace(item, values={name: item.values[name] for name in names})
        row = self.world[self.call.table.name][item.key]
        return Holder(updated(self.world, replace(self.call, kind="Update"), change, row), item, is_new)

    def _created(self, item: Item) -> Row:
        """Create a row; what it and those below it set is looked at first, or each where it is written."""
        call = replace(self.call, kind="Create")
        forbidden = [NOT_ALLOWED] if _sets_forbidden(call, item) else []
        try:
            row = created(self.world, call, item)
        except Refused as refused:
            raise Refused(*refused.answers, *forbidden) from None
        if forbidden:
            raise Refused(*forbidden)
        return row

    def _reference(self, holder: Row) -> Row:
        return {there: holder[here] for here, there in self.relation.on.items()}

    def _is_held(self, item: Item) -> bool:
        """Whether a row is stored, is there for the caller, and refers to its holder already."""
        row = self.world[self.call.table.name].get(item.key)
        held = row is not None and all(row[name] == item.values[name] for name in self.relation.on.values())
        return held and visible(self.call.table, row or {}, self.call.caller)

    def _left_out(self, holders: Sequence[Row], kept: set[tuple[Any, ...]]) -> set[str]:
        """Delete what rows hold beside what is kept; return how that is refused."""
        table, caller = self.call.table, self.call.caller
        wanted = [self._reference(holder) for holder in holders]
        gone = [
            key
            for key, row in self.world[table.name].items()
            if key not in kept
            and visible(table, row, caller)
            and any(all(row[name] == value for name, value in one.items()) for one in wanted)
        ]
        denied = not all(meets("delete", table, self.world[table.name][key], caller) for key in gone)
        return {*removed(self.world, table, gone), *([DENIED] if denied else [])}


def _sets_forbidden(call: Call, item: Item) -> bool:
    """Return whether a new row, or one that it is to hold, sets a field that its caller may not write."""
    below = (
        _sets_forbidden(replace(call, table=target_of(call.table, name)), one)
        for name, items in item.held.items()
        for one in items
    )
    return sets_forbidden(call, item) or any(below)
