"""Rows drawn for those that hold them: stored ones of theirs, hidden ones, others' and new ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from tests.row_policies.callers import Caller
from tests.row_policies.calls import Call, Item
from tests.row_policies.changes import DENIED
from tests.row_policies.columns import tenant, unwritable
from tests.row_policies.drawing import call_of, drawn_caller, new_values
from tests.row_policies.oracle import OK, expected
from tests.row_policies.reads.related import Asked, Held, Relation, relations_of, target_of
from tests.row_policies.tables import TABLES, Row, Table
from tests.row_policies.visibility import visible
from tests.row_policies.world import World

_KINDS = ("Create", "BatchCreate", "Update", "Update", "BatchUpdate")
_DEEPEST = 2
_TRIES = 10
_WANTED = (frozenset({OK}), frozenset({OK}), frozenset({DENIED}), frozenset[str]())
"""What cases should come to, most of them: what is written, or what a rule alone is against."""


def drawn_tree(schema: str, world: World, chance: Random) -> Call:
    """Draw a write of rows with those that they hold."""
    table = chance.choice([table for table in TABLES[schema] if _written(table)])
    targets = [target_of(table, name) for name in _written(table)]
    callers = [drawn_caller(world, chance.choice(targets), chance) for _ in range(3)]
    caller = max(callers, key=lambda one: sum(_seen(world, target, one) for target in (table, *targets)))
    return _with_held(call_of(chance.choice(_KINDS), table, caller, world, chance), world, chance)


def with_held_rows(call: Call, world: World, chance: Random) -> Call:
    """Let a write send rows of relations along, drawn again for a while where they would be refused."""
    if call.kind not in _KINDS or not _written(call.table) or chance.random() < 0.3:
        return call
    return _with_held(call, world, chance)


def _seen(world: World, table: Table, caller: Caller) -> int:
    return sum(visible(table, row, caller) for row in world[table.name].values())


def _with_held(call: Call, world: World, chance: Random) -> Call:
    wanted = chance.choice(_WANTED)
    made = call
    for _ in range(_TRIES if wanted else 1):
        made = _Drawing(call, world, chance).call()
        if wanted <= expected(world, made).answers <= wanted | {DENIED}:
            break
    return made


def _written(table: Table) -> Mapping[str, Relation]:
    return {name: relation for name, relation in relations_of(table).items() if relation.write}


class _Drawing:
    def __init__(self, call: Call, world: World, chance: Random) -> None:
        self._call = call
        self._world = world
        self._chance = chance
        self._creates = call.kind.endswith("Create")
        self._heedful = chance.random() < 0.85
        self._taken: set[tuple[str, Any]] = set()

    def call(self) -> Call:
        """Return the call with rows."""
        table = self._call.table
        items = [self._holder(table, item) for item in self._call.items]
        return replace(self._call, items=items, related=self._named(table, 0))

    def _holder(self, table: Table, item: Item) -> Item:
        """Return a row with those that it holds; a mask names them beside fields, not beside `*`."""
        left_out = unwritable(table, self._call.caller) if self._heedful and not self._creates else set()
        values = {name: value for name, value in item.values.items() if name not in left_out}
        held = self._held(table, item.key, 0)
        return replace(item, values=values, whole=False, allow_missing=False, held=held)

    def _named(self, table: Table, depth: int) -> Asked:
        """Draw which relations a mask names, and what of their rows; new rows have all."""
        named = {}
        for name, relation in _written(table).items() if depth < _DEEPEST else ():
            target = target_of(table, name)
            if self._creates:
                named[name] = Held(below=self._named(target, depth + 1))
            elif relation.write != "CREATE" and self._chance.random() < 0.8:
                named[name] = Held(self._mask(target, relation), below=self._named(target, depth + 1))
        return named

    def _mask(self, target: Table, relation: Relation) -> Sequence[str]:
        names = [
            name
            for name, one in target.fields.items()
            if name not in target.key
            and name not in relation.on.values()
            and not (one.fixed or one.is_preset)
            and not (self._heedful and name in unwritable(target, self._call.caller))
        ]
        some = self._chance.sample(names, self._chance.randrange(1, len(names) + 1)) if names else []
        return some if self._chance.random() < 0.5 else ()

    def _held(self, table: Table, key: tuple[Any, ...], depth: int) -> Mapping[str, Sequence[Item]]:
        held = {}
        for name, relation in _written(table).items() if depth < _DEEPEST else ():
            rows = [
                self._item(target_of(table, name), relation, key, depth)
                for _ in range(self._chance.choice((0, 1, 1, 2, 3)[: 5 - depth]))
            ]
            held[name] = [row for row in rows if row is not None]
        return held

    def _item(self, target: Table, relation: Relation, holder: tuple[Any, ...], depth: int) -> Item | None:
        key = self._key(target, relation, holder)
        if (target.name, key) in self._taken:
            return None
        self._taken.add((target.name, key))
        call = replace(self._call, table=target, kind="Create")
        values = new_values(call, self._world, self._chance)
        if self._chance.random() < 0.8:
            values |= self._callers_own(target, values)
        stored = self._world[target.name].get(key)
        if stored and self._chance.random() < 0.5:
            values = {name: stored[name] for name in values}
        if self._creates and target.tenant and self._chance.random() < 0.25:
            values["tenant"] = ""
        left_out = unwritable(target, self._call.caller) if self._heedful else set()
        wanted = {
            name: value
            for name, value in values.items()
            if name not in relation.on.values() and name not in left_out
        }
        return Item(key, wanted, held=self._held(target, key, depth + 1))

    def _callers_own(self, target: Table, values: Row) -> Row:
        """Return what makes a row more often one that its caller may create."""
        caller = self._call.caller
        own = {"tenant": tenant(target, caller), "holder": caller.id}
        refers = {
            name: self._chance.choice([None, *(key[0] for key in self._world[other])])
            for name, other in target.refers.items()
        }
        return {name: value for name, value in (own | refers).items() if name in values}

    def _key(self, target: Table, relation: Relation, holder: tuple[Any, ...]) -> tuple[Any, ...]:
        """Draw a key: of a row that the holder has, of another's, or of none."""
        rows, (reference,) = self._world[target.name], relation.on.values()
        own = [key for key, row in rows.items() if row[reference] == holder[0]]
        drawn = target.key_of({name: target.fields[name].draw(self._chance) for name in target.key})
        weights = (1, 1, 8) if self._creates else (6, 1, 3)
        (kind,) = self._chance.choices([own, [*rows], [drawn]], weights)
        return self._chance.choice(kind or [drawn])
