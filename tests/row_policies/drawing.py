"""Calls drawn for a world: on rows that a caller may read, on hidden ones, and on none."""

from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any
from uuid import uuid4

from tests.row_policies.callers import Caller, all_callers
from tests.row_policies.calls import BULKS, BY_FILTER, COUNTS, READS, Call, Item
from tests.row_policies.columns import unreadable, unwritable
from tests.row_policies.oracle import OK, Expected, expected
from tests.row_policies.reads.aggregates import STATISTICS, hidden_fields
from tests.row_policies.reads.queries import BYPASSING, WALLED
from tests.row_policies.reads.related import drawn_related
from tests.row_policies.reads.searches import drawn_parts
from tests.row_policies.tables import (
    BED,
    CALLED,
    LINE,
    MEMO,
    VAULT_DOCUMENT,
    WARD,
    Field,
    Row,
    Table,
    policy_of,
)
from tests.row_policies.visibility import visible
from tests.row_policies.world import World

ONE = (
    "Get",
    "BatchGet",
    "List",
    "Count",
    "Stream",
    "Create",
    "Update",
    "Update",
    "Update",
    "Delete",
    "Undelete",
    *BY_FILTER,
)
OF_GROUPS = ("Exists", "Aggregate", "Aggregate")
OF_ROWS = ("Get", "BatchGet", "List", "Stream")
BATCHES = ("BatchCreate", "BatchUpdate", "BatchDelete")


@cache
def _callers() -> Sequence[Caller]:
    return all_callers()


def drawn_caller(world: World, table: Table, chance: Random) -> Caller:
    """Draw a caller, more often one who sees something."""
    callers = chance.sample(_callers(), 4)
    if chance.random() < 0.4:
        return callers[0]
    return max(callers, key=lambda one: sum(visible(table, row, one) for row in world[table.name].values()))


def drawn_call(schema: str, world: World, chance: Random) -> Call:
    """Draw a call."""
    if schema not in CALLED:
        return _drawn_walled(world, chance)
    table = chance.choice(CALLED[schema])
    kinds = [kind for kind in (*ONE, *BATCHES, *BULKS, *BULKS) if kind != "Undelete" or table.soft]
    call = call_of(chance.choice(kinds), table, drawn_caller(world, table, chance), world, chance)
    # Drawn last, so that the other cases stay what they were.
    if schema == "offices" and chance.random() < 0.1:
        return drawn_search(schema, world, chance)
    if schema == "estates" and chance.random() < 0.1:
        lines = call_of(chance.choice((*OF_ROWS, "Count")), LINE, call.caller, world, chance)
        return with_relations(lines, chance)
    if table.name in STATISTICS and chance.random() < 0.15:
        return call_of(chance.choice(OF_GROUPS), table, call.caller, world, chance)
    if table.name == "Desk" and chance.random() < 0.15:
        return _query(call.caller, table, chance)
    return with_relations(call, chance)


def drawn_search(_: str, world: World, chance: Random) -> Call:
    """Draw a search for memos."""
    caller = drawn_caller(world, MEMO, chance)
    call = Call(caller, MEMO, "Search", parts=drawn_parts(chance, unreadable(MEMO, caller)))
    call.filter = chance.choice(("", "", *MEMO.filters))
    call.mask = _some(list(MEMO.fields), chance) if chance.random() < 0.3 else ()
    return call


def _drawn_walled(world: World, chance: Random) -> Call:
    """Draw a call over tables of which the database's own policies say whose they are."""
    table = chance.choice((WARD, WARD, BED))
    caller = drawn_caller(world, table, chance)
    if table == WARD and chance.random() < 0.4:
        call = Call(caller, WARD, chance.choice(WALLED), [Item(())], level=chance.choice((0, 4)))
        call.validate_only = chance.random() < 0.3
        return call
    kinds = ("List", "Count", "Exists", "Aggregate") if table == WARD else ("List", "Count")
    call = call_of(chance.choice(kinds), table, caller, world, chance)
    return with_relations(call, chance)


def _query(caller: Caller, table: Table, chance: Random) -> Call:
    shade = {"shade": table.fields["shade"].draw(chance)}
    return Call(
        caller,
        table,
        chance.choice(BYPASSING),
        [Item((), shade)],
        level=chance.choice((-1, 0, 3, 9)),
        validate_only=chance.random() < 0.2,
    )


def with_relations(call: Call, chance: Random) -> Call:
    """Draw what a call asks of relations, if it reads rows."""
    if call.kind in OF_ROWS and chance.random() < 0.5:
        call.related = drawn_related(call.table, chance)
    return call


def call_of(kind: str, table: Table, caller: Caller, world: World, chance: Random) -> Call:
    """Draw a call of a kind; many writes are drawn again for a while where they would be refused."""
    tries = 12 if kind not in READS and chance.random() < (0.8 if kind in BULKS else 0.5) else 1
    for _ in range(tries):
        call = _call_of(kind, table, caller, world, chance)
        if tries == 1 or _writes(expected(world, call)):
            break
    return call


def _writes(due: Expected) -> bool:
    """Whether a call is carried out, and of a bulk some row that is there."""
    found = {"UPDATED", "UNCHANGED"}
    changes = not due.outcomes or not found.isdisjoint(due.outcomes)
    return OK in due.answers and changes and due.count != 0


def _call_of(kind: str, table: Table, caller: Caller, world: World, chance: Random) -> Call:
    call = Call(caller, table, kind)
    if kind in ("List", "Count", "Stream", "Exists"):
        return _asked(call, chance)
    if kind in BY_FILTER:
        return _by_filter(call, world, chance)
    if kind == "Aggregate":
        return _grouped(_asked(call, chance), chance)
    keys = list(dict.fromkeys(drawn_key(call, world, chance) for _ in range(_how_many(kind, chance))))
    call.items = [_item(call, key, world, chance) for key in keys]
    if kind in ("Get", "BatchGet"):
        call.mask = _some(list(table.fields), chance) if chance.random() < 0.3 else ()
        return call
    call.validate_only = chance.random() < 0.2 and kind != "Ingest"
    if kind in BULKS:
        call.on_conflict = chance.choice(["", "ON_CONFLICT_UPDATE", "ON_CONFLICT_IGNORE", "ON_CONFLICT_FAIL"])
        call.partial = chance.random() < 0.5
        call.request_id = request_id() if kind == "Ingest" else ""  # a stream's name, in each run another
    call.allow_missing = kind == "BatchDelete" and chance.random() < 0.3
    call.force = table.name == "Lease" and kind.endswith("Delete") and chance.random() < 0.5
    if kind == "BatchDelete" and table.refers:
        call.items = call.items[:1]  # what refers to what within a batch is no matter of policies
    if kind in ("BatchCreate", "BatchUpdate"):
        _tell_apart(call)
    if chance.random() < 0.85:
        _leave_out(call, unwritable(table, caller))
    if kind in BULKS:
        names = list(call.items[0].values)
        call.bulk_mask = chance.choice([names, names, _most(names, chance), ()])
        _scatter(call, set(names) - set(call.bulk_mask or names), chance)
    return call


def _by_filter(call: Call, world: World, chance: Random) -> Call:
    call.filter = chance.choice([*_filters(call.table, chance), "*", "*"])
    call.max_rows = chance.choice([1, 3, 100, 100])
    call.items = [_item(call, (), world, chance)]
    call.validate_only = chance.random() < 0.4
    if chance.random() < 0.85:
        _leave_out(call, unwritable(call.table, call.caller))
    return call


def _scatter(call: Call, names: set[str], chance: Random) -> None:
    """Let rows hold anything where a mask leaves it alone, but what other keys or documents have a say in."""
    alone = {key[-1] for key in call.table.unique} | {*call.table.refers}
    for item in call.items:
        for name in sorted(names - alone):
            drawn = call.table.fields[name].draw(chance)
            if call.table.fields[name].kind != "document" and drawn not in ("handover", "given away"):
                item.values[name] = drawn


def _leave_out(call: Call, names: set[str]) -> None:
    """Let a call not name what its caller may not write; a full replace leaves it alone anyway."""
    for item in call.items:
        kept = {name: value for name, value in item.values.items() if name not in names or item.whole}
        own = [name for name in kept if not call.table.fields[name].is_preset]
        item.values = kept if own or not item.values else item.values
        item.transforms = {name: one for name, one in item.transforms.items() if name not in names}


def _most(names: Sequence[str], chance: Random) -> Sequence[str]:
    return [name for name in names if chance.random() < 0.6] or names


def _how_many(kind: str, chance: Random) -> int:
    return chance.choice([1, 2, 3, 5]) if kind.startswith("Batch") or kind in BULKS else 1


def _grouped(call: Call, chance: Random) -> Call:
    """Draw what is computed, more often of what the caller may read."""
    of_table = STATISTICS[call.table.name]
    lost = hidden_fields(call.table, unreadable(call.table, call.caller)) if chance.random() < 0.7 else set()
    keys = [name for name in of_table.keys if name not in lost]
    computed = [name for name in of_table.computed if name not in lost]
    havings = [text for text, name, _ in of_table.havings if name not in lost]
    call.order_by, call.mask = "", ()
    call.groups.keys = [name for name in keys if chance.random() < 0.35]
    call.groups.having = chance.choice(havings) if chance.random() < 0.4 else ""
    call.groups.mask = _some(computed, chance) if chance.random() < 0.6 else ()
    return call


def _asked(call: Call, chance: Random) -> Call:
    if call.table.filters and chance.random() < 0.75:
        call.filter = chance.choice(_filters(call.table, chance))
    names = [name for name, one in call.table.fields.items() if one.kind != "document"]
    if chance.random() < 0.5:
        across = call.table.orders if chance.random() < 0.5 else ()
        call.order_by = chance.choice(across or names) + chance.choice(["", " desc"])
    call.mask = (
        _some(list(call.table.fields), chance) if chance.random() < 0.3 and call.kind not in COUNTS else ()
    )
    call.show_deleted = call.table.soft and chance.random() < 0.5
    # The planner says about how many rows there are where nothing hides some of them.
    policed = policy_of(call.table.schema, call.table.name) is not None or call.table.wall is not None
    hides = policed or call.filter in call.table.across
    call.estimated = chance.random() < 0.5 and hides
    return call


def _filters(table: Table, chance: Random) -> Sequence[str]:
    """Return the filters over the table itself, or those that go by relations to rows of others."""
    return (table.across if chance.random() < 0.5 else table.filters) or table.filters


def _some(names: Sequence[str], chance: Random) -> Sequence[str]:
    return chance.sample(names, chance.randrange(1, min(4, len(names) + 1)))


def drawn_key(call: Call, world: World, chance: Random) -> tuple[Any, ...]:
    """Draw a key: of a row that the caller sees, of a hidden one, or of none."""
    rows = world[call.table.name]
    seen = [key for key, row in rows.items() if visible(call.table, row, call.caller)]
    hidden = [key for key in rows if key not in seen]
    drawn = call.table.key_of({name: call.table.fields[name].draw(chance) for name in call.table.key})
    weights = (2, 2, 8) if call.kind.endswith("Create") else (9, 1, 1) if call.kind in BULKS else (6, 4, 1)
    (kind,) = chance.choices([seen, hidden, [drawn]], weights)
    return chance.choice(kind or [drawn])


def _item(call: Call, key: tuple[Any, ...], world: World, chance: Random) -> Item:
    item = Item(key)
    kind = call.kind.removeprefix("Batch")
    if kind == "Create":
        item.values = new_values(call, world, chance)
    if kind in BULKS:
        item.values = _bulk_values(call, key, world, chance)
    if call.table.tenant and item.values and chance.random() < 0.25:
        item.values["tenant"] = None if call.table.fields["tenant"].optional else ""
    if kind.startswith("Update"):
        item.whole = chance.random() < 0.3
        values = new_values(call, world, chance)
        own = [name for name in values if not call.table.fields[name].is_preset]
        lies = [name for name in values if name not in own and chance.random() < 0.3]
        names = [*_some(own, chance), *lies]
        item.values = values if item.whole else {name: values[name] for name in names}
        if not item.whole and chance.random() < 0.3:
            _transform(item, call.table, chance)
    if kind in ("Update", "Delete"):
        batch_of_keys = call.kind == "BatchDelete"
        item.allow_missing = chance.random() < 0.3 and not batch_of_keys
    if call.table.name == "Dossier" and kind == "Update" and "data" not in item.values:
        item.allow_missing = False  # a new one needs a document
    if call.table.versioned and kind in ("Update", "Delete", "Undelete"):
        item.etag = chance.choice(["", "", "right", "wrong"])
    if item.allow_missing and item.etag:
        item.etag = ""  # what an etag says of a row that isn't there is no matter of policies
    return item


def _transform(item: Item, table: Table, chance: Random) -> None:
    """Let an update make something of stored numbers, and set no field that it does."""
    numbers = [name for name, one in table.fields.items() if _is_transformed(table, name, one)]
    for name in chance.sample(numbers, min(len(numbers), chance.choice((1, 1, 2)))):
        kind = chance.choice(("increment", "multiply", "minimum", "maximum"))
        item.transforms = {**item.transforms, name: (kind, chance.choice((-2, 0, 1, 3)))}
        item.values.pop(name, None)


def _is_transformed(table: Table, name: str, one: Field) -> bool:
    is_own = name not in table.key and name not in table.refers
    return one.kind == "int" and is_own and not (one.fixed or one.is_preset)


def new_values(call: Call, world: World, chance: Random) -> Row:
    """Draw values, in part those of a row that the caller sees: such are more often allowed."""
    table = call.table
    names = [name for name, one in table.fields.items() if name not in table.key and not one.fixed]
    values = {name: table.fields[name].draw(chance) for name in names}
    seen = [row for row in world[table.name].values() if visible(table, row, call.caller)]
    if seen and chance.random() < 0.8:
        row = chance.choice(seen)
        keep = chance.choice([0.5, 0.8, 0.95])
        single = {name for key in table.unique for name in key[-1:]}
        values |= {name: row[name] for name in names if name not in single and chance.random() < keep}
    return {
        name: None if value == VAULT_DOCUMENT and table.fields[name].optional else value
        for name, value in values.items()
    } | ({"data": "[2]"} if values.get("data") == VAULT_DOCUMENT else {})


def _bulk_values(call: Call, key: tuple[Any, ...], world: World, chance: Random) -> Row:
    """Draw values that neither triggers nor other keys have a say in."""
    values = new_values(call, world, chance)
    stored = world[call.table.name].get(key)
    if stored and visible(call.table, stored, call.caller) and chance.random() < 0.4:
        values = {name: stored[name] for name in values}
    else:
        for name, target in call.table.refers.items():
            values[name] = values[name] if (values[name],) in world[target] else None
        values |= {key[-1]: f"bulk {chance.randrange(1 << 30)}" for key in call.table.unique}
    return values | {name: "ann" for name, value in values.items() if value in ("handover", "given away")}


def _tell_apart(call: Call) -> None:
    """Let no two rows of a batch want one unique key: that is no matter of policies."""
    wanted: set[Any] = set()
    for number, item in enumerate(call.items):
        for key in call.table.unique:
            last = key[-1]
            if last in item.values and (last, item.values[last]) in wanted:
                item.values[last] = f"apart {number}"
            wanted.add((last, item.values.get(last)))


def request_id() -> str:
    """Return a name for a call or a stream: another in each run, as the gateway remembers them."""
    return str(uuid4())
