"""What relations hold: of the world, as its caller may see it, and as a message tells."""

from typing import Any

from tests.row_policies.callers import Caller
from tests.row_policies.columns import cut, shown
from tests.row_policies.reads.across import is_found, related_rows
from tests.row_policies.reads.related import Asked, relations_of, target_of
from tests.row_policies.tables import Row, Table
from tests.row_policies.world import World


def with_related(world: World, table: Table, row: Row, told: Row, asked: Asked, caller: Caller) -> Row:  # noqa: PLR0917 - a row, whose it is and whom it is told
    """Return a row as it is told, with what its relations hold; lists in any order."""
    whole = dict(told)
    for name, held in asked.items():
        relation, target = relations_of(table)[name], target_of(table, name)
        there = sorted(related_rows(world, relation, target, row, caller), key=target.key_of)
        found = [other for other in there if is_found(world, target, held.filter, other, caller)]
        rows = [
            with_related(
                world, target, other, cut(target, shown(target, other, caller), held.mask), held.below, caller
            )
            for other in found[: held.limit or None]
        ]
        whole[name] = in_order(rows) if relation.many else rows[0] if rows else None
    return whole


def in_order(rows: list[Row]) -> list[Row]:
    """Return rows in some order of their own: that of their keys is the database's collation's."""
    return sorted(rows, key=repr)


def told_related(table: Table, message: Any, asked: Asked, row_of: Any) -> Row:
    """Return what a message tells of relations."""
    told: Row = {}
    for name, held in asked.items():
        target, value = target_of(table, name), getattr(message, name)
        if relations_of(table)[name].many:
            told[name] = in_order(
                [{**row_of(target, one), **told_related(target, one, held.below, row_of)} for one in value]
            )
        elif message.HasField(name):
            told[name] = {**row_of(target, value), **told_related(target, value, held.below, row_of)}
        else:
            told[name] = None
    return told
