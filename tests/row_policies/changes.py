"""What single changes make of rows, by the policies of the protos, and how they are refused."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.row_policies.calls import BULKS, Call, Item
from tests.row_policies.columns import preset, tenant, unwritable
from tests.row_policies.tables import TABLES, Row, Table, policy_of
from tests.row_policies.visibility import meets, visible
from tests.row_policies.world import World, taken

DENIED = "PERMISSION_DENIED ROW_NOT_ALLOWED"
NOT_THERE = "NOT_FOUND ROW_NOT_FOUND"
TAKEN = "ALREADY_EXISTS UNIQUE_VIOLATION"
STALE = "ABORTED ETAG_MISMATCH"
DANGLING = "FAILED_PRECONDITION FOREIGN_KEY_VIOLATION"
REFERENCED = "FAILED_PRECONDITION ROW_IS_REFERENCED"
_ZEROS: Mapping[str, Any] = {"text": "", "int": 0, "bool": False, "enum": "STATE_UNSPECIFIED", "document": ""}


_TRANSFORMS: Mapping[str, Callable[[int | None, int], int]] = {
    "increment": lambda stored, by: (stored or 0) + by,
    "multiply": lambda stored, by: (stored or 0) * by,
    "minimum": lambda stored, by: by if stored is None else min(stored, by),
    "maximum": lambda stored, by: by if stored is None else max(stored, by),
}


class Refused(Exception):  # noqa: N818 - reads as what happened
    """A change that isn't made."""

    def __init__(self, *answers: str) -> None:
        super().__init__(*answers)
        self.answers = frozenset(answers)


def removed(world: World, table: Table, keys: Sequence[tuple[Any, ...]]) -> set[str]:
    """Remove rows; return how that is refused where others refer to them."""
    for key in keys:
        del world[table.name][key]
    gone = {key[0] for key in keys}
    for other in TABLES[table.schema]:
        names = [name for name, target in other.refers.items() if target == table.name]
        if any(row[name] in gone for row in world[other.name].values() for name in names):
            return {REFERENCED, DANGLING}
    return set()


def changed(world: World, call: Call, item: Item) -> Row | None:
    """Make one change; return the row that it answers, None where it answers none."""
    rows = world[call.table.name]
    stored = rows.get(item.key)
    seen = stored is not None and visible(call.table, stored, call.caller)
    if call.kind.endswith("Create"):
        return created(world, call, item)
    if not seen:
        if not call.allow_missing and not item.allow_missing:
            # An update that no row would make right may be refused before rows are looked at; whether hidden
            # and absent ones are answered alike is looked at apart.
            raise Refused(NOT_THERE, *([DENIED] if call.kind.endswith("Update") else []))
        return created(world, call, item) if call.kind.endswith("Update") else None
    assert stored is not None
    return _CHANGES[call.kind.removeprefix("Batch")](world, call, item, stored)


def may_create(call: Call, item: Item, *, as_sent: bool = False) -> bool:
    """Return whether a caller may create a row; or a row as it is before triggers."""
    row = _new_row(call, item, as_sent=as_sent)
    return meets("create", call.table, row, call.caller) and visible(call.table, row, call.caller)


def taken_over(call: Call, item: Item) -> Row:
    """Return what a stored row takes of an item."""
    kept = unwritable(call.table, call.caller)
    names = {*item.values} - kept - {name for name, one in call.table.fields.items() if one.is_preset}
    if call.kind in BULKS and call.bulk_mask:
        names &= {*call.bulk_mask}
    elif call.kind in BULKS:
        names = {name for name in names if item.values[name] is not None}
    return {name: item.values[name] for name in names} | _own_tenant(call, item)


def _transformed(item: Item, stored: Row) -> Row:
    """Return what becomes of the numbers of a stored row, or a new one."""
    return {name: _TRANSFORMS[kind](stored[name], by) for name, (kind, by) in item.transforms.items()}


def _own_tenant(call: Call, item: Item) -> Row:
    """Return the tenant of a row that may be a new one, and leaves it unset."""
    own = tenant(call.table, call.caller)
    left_out = item.values.get("tenant") is None
    unset = left_out if own is None or call.table.fields["tenant"].optional else not item.values.get("tenant")
    creates = item.allow_missing or not call.kind.removesuffix("ByFilter").endswith("Update")
    return {"tenant": own} if own is not None and unset and creates else {}


def _new_row(call: Call, item: Item, *, as_sent: bool = False) -> Row:
    """Return a row as it is created; or as it is before triggers."""
    table, kept = call.table, unwritable(call.table, call.caller)
    values = {
        name: value
        for name, value in item.values.items()
        if name not in kept and not table.fields[name].is_preset
    }
    zeros = {name: None if one.optional else _ZEROS.get(one.kind) for name, one in table.fields.items()}
    row = {**zeros, **table.defaults, **dict(zip(table.key, item.key, strict=True)), **values}
    row |= _own_tenant(call, item) | preset(table, call.caller, creates=True)
    row |= {"version": 1} if table.versioned else {}
    row |= {"deleted_at": False} if table.soft else {}
    row |= _transformed(item, row)
    if table.trigger and not as_sent:
        table.trigger(row)
    return row


def created(world: World, call: Call, item: Item) -> Row:
    """Create a row."""
    table = call.table
    row = _new_row(call, item)
    if not may_create(call, item):
        # What triggers make of a row is known where it is written: after its keys are.
        late = may_create(call, item, as_sent=True)
        raise Refused(DENIED, *([TAKEN] if late else []))
    there = item.key in world[table.name]
    if there and call.kind.endswith("Update"):
        # It is hidden: whether its key is taken, or nobody may update it so, it can't but be told apart.
        raise Refused(TAKEN, DENIED)
    try:
        _look_at_keys(world, table, row, key_is_taken=there)
    except Refused as refused:
        as_sent = may_create(call, item, as_sent=True)
        raise Refused(*refused.answers, *([] if as_sent else [DENIED])) from None
    world[table.name][item.key] = row
    return row


def updated(world: World, call: Call, item: Item, stored: Row) -> Row:
    """Change a row."""
    table = call.table
    row = stored | taken_over(call, item) | _transformed(item, stored)
    row |= preset(table, call.caller, creates=False)
    if table.versioned:
        row["version"] += 1
    late = table.trigger is not None and _may_become(call, row)
    if table.trigger:
        table.trigger(row)
    allowed = meets("update", table, stored, call.caller)
    if stored.get("deleted_at"):
        raise Refused("FAILED_PRECONDITION ROW_DELETED", DENIED, STALE)
    result = _may_become(call, row)
    if allowed and late and not result:
        raise Refused(DENIED, STALE if item.etag == "wrong" else TAKEN)
    _refuse_where(denied=not (allowed and result), stale=item.etag == "wrong")
    _look_at_keys(world, table, row, key_is_taken=False)
    world[table.name][item.key] = row
    return row


def _may_become(call: Call, row: Row) -> bool:
    """Return whether a caller may make a stored row this one."""
    return meets("update_check", call.table, row, call.caller) and visible(call.table, row, call.caller)


def _deleted(world: World, call: Call, item: Item, stored: Row) -> Row | None:
    table = call.table
    if stored.get("deleted_at"):
        if item.allow_missing or call.allow_missing:
            return stored
        raise Refused(NOT_THERE)
    _refuse_where(denied=not meets("delete", table, stored, call.caller), stale=item.etag == "wrong")
    if table.soft:
        return marked(world, call, item, stored, deleted=True)
    for other in TABLES[table.schema]:
        _part_from(world, other, table, item.key, force=call.force)
    del world[table.name][item.key]
    return None


def _part_from(world: World, other: Table, table: Table, key: tuple[Any, ...], *, force: bool) -> None:
    """Take rows that refer to a key along, where they have no policy and `force` says so."""
    rows = world[other.name]
    names = [name for name, target in other.refers.items() if target == table.name]
    referring = [one for one, row in rows.items() if any(row[name] == key[0] for name in names)]
    if other == table:
        referring = [one for one in referring if one != key]
    if referring and not (force and policy_of(other.schema, other.name) is None):
        raise Refused(REFERENCED, DANGLING)
    for one in referring:
        del rows[one]


def _undeleted(world: World, call: Call, item: Item, stored: Row) -> Row:
    if not stored["deleted_at"]:
        raise Refused("ALREADY_EXISTS ROW_NOT_DELETED", DENIED, STALE)
    _refuse_where(denied=not meets("update", call.table, stored, call.caller), stale=item.etag == "wrong")
    return marked(world, call, item, stored, deleted=False)


def marked(world: World, call: Call, item: Item, stored: Row, *, deleted: bool) -> Row:
    """Mark a row as deleted, or as one that isn't."""
    row = stored | {"deleted_at": deleted, "version": stored["version"] + 1}
    row |= preset(call.table, call.caller, creates=False)
    if call.table.trigger:
        call.table.trigger(row)
    if not (deleted or _may_become(call, row)):
        raise Refused(DENIED)
    world[call.table.name][item.key] = row
    return row


_CHANGES = {"Update": updated, "Delete": _deleted, "Undelete": _undeleted}


def _refuse_where(*, denied: bool, stale: bool) -> None:
    answers = [*([DENIED] if denied else []), *([STALE] if stale else [])]
    if answers:
        raise Refused(*answers)


def _look_at_keys(world: World, table: Table, row: Row, *, key_is_taken: bool) -> None:
    others: Sequence[Row] = [one for key, one in world[table.name].items() if key != table.key_of(row)]
    if key_is_taken or any(taken(table, one, row) for one in others):
        raise Refused(TAKEN)
    for name, target in table.refers.items():
        own = target == table.name and (row[name],) == table.key_of(row)
        if row[name] is not None and (row[name],) not in world[target] and not own:
            raise Refused(DANGLING)
