"""Rows with what their relations hold for a caller, and the filters that find them."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from tests.row_policies.callers import Caller
from tests.row_policies.columns import unreadable
from tests.row_policies.joined import Held, Joined
from tests.row_policies.reads.related import Relation, relations_of, target_of
from tests.row_policies.rules import found
from tests.row_policies.tables import Row, Table
from tests.row_policies.visibility import visible
from tests.row_policies.world import World


def joined(world: World, table: Table, row: Row, caller: Caller, *, is_there: bool = True) -> Joined:
    """Return a row with what its relations hold for a caller."""
    held = {
        name: Held(
            relation.many,
            partial(_rows, world, relation, target_of(table, name), row, caller),
            partial(_nothing, world, target_of(table, name), caller),
        )
        for name, relation in relations_of(table).items()
    }
    return Joined(row, table.types, held, is_there=is_there)


def _rows(world: World, relation: Relation, target: Table, row: Row, caller: Caller) -> Sequence[Joined]:
    return [
        joined(world, target, other, caller) for other in related_rows(world, relation, target, row, caller)
    ]


def _nothing(world: World, target: Table, caller: Caller) -> Joined:
    return joined(world, target, dict.fromkeys(target.fields), caller, is_there=False)


def related_rows(world: World, relation: Relation, target: Table, row: Row, caller: Caller) -> Sequence[Row]:
    """Return the rows that a relation of a row holds for a caller."""
    return [
        other
        for other in world[target.name].values()
        if all(row[here] is not None and row[here] == other[there] for here, there in relation.on.items())
        and not other.get("deleted_at")
        and visible(target, other, caller)
        and found(relation.rule, other, target.types) is True
    ]


def is_in_order(world: World, table: Table, order_by: str, rows: Sequence[Row], caller: Caller) -> bool:
    """Return whether rows come in an order, as far as it is by numbers: that of texts is the collation's."""
    path, _, descends = order_by.partition(" ")
    if table.types.get(path) == "time":
        return True  # of which rows hold whether there is one
    stored = [world[table.name][table.key_of(row)] for row in rows]
    values = [_value(joined(world, table, row, caller), path) for row in stored]
    if any(isinstance(value, str) for value in values):
        return True
    keys = [(value is None, value or 0) for value in values]
    return keys == sorted(keys, reverse=bool(descends))


def _value(row: Joined, path: str) -> Any:
    """Return a value of a row, or by relations that hold one each."""
    first, _, rest = path.partition(".")
    if not rest:
        return row[first]
    relation = row.relations[first]
    return _value(next(iter(relation.rows()), None) or relation.nothing(), rest)


def is_found(world: World, table: Table, text: str, row: Row, caller: Caller) -> bool:
    """Return whether a caller's filter finds a row; a word alone is looked for in texts that it may read."""
    if not re.fullmatch('"[^"]*"', text):
        return found(text, joined(world, table, row, caller), table.types) is True
    hidden = unreadable(table, caller)
    texts = [name for name, one in table.fields.items() if one.kind == "text" and name not in hidden]
    return any(text.strip('"').casefold() in (row[name] or "").casefold() for name in texts)
