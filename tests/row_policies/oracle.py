"""What each call has to answer, and what the tables have to hold then: from the documents alone."""

import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from tests.row_policies.callers import Caller
from tests.row_policies.calls import BULKS, BY_FILTER, Call, Item
from tests.row_policies.columns import (
    NOT_ALLOWED,
    preset,
    refusals,
    sets_forbidden,
    tenant,
    unreadable,
    unwritable,
)
from tests.row_policies.reads.aggregates import groups, hidden_fields
from tests.row_policies.reads.queries import KINDS as QUERIES
from tests.row_policies.reads.queries import in_short, own
from tests.row_policies.rules import found, judged
from tests.row_policies.tables import TABLES, Row, Table, policy_of
from tests.row_policies.world import World, taken

OK = "OK"
DENIED = "PERMISSION_DENIED ROW_NOT_ALLOWED"
NOT_THERE = "NOT_FOUND ROW_NOT_FOUND"
TAKEN = "ALREADY_EXISTS UNIQUE_VIOLATION"
STALE = "ABORTED ETAG_MISMATCH"
DANGLING = "FAILED_PRECONDITION FOREIGN_KEY_VIOLATION"
TOO_MANY = "FAILED_PRECONDITION TOO_MANY_ROWS_FOUND"
_SHOWN = 10
"""How many rows a dry run of a write by filter shows."""
REFERENCED = "FAILED_PRECONDITION ROW_IS_REFERENCED"
EITHER = "IGNORED or FAILED"
"""What becomes of a row that is there, is to be ignored, and could not be created as it is sent."""
_ZEROS: Mapping[str, Any] = {"text": "", "int": 0, "bool": False, "enum": "STATE_UNSPECIFIED", "document": ""}


_TRANSFORMS: Mapping[str, Callable[[int | None, int], int]] = {
    "increment": lambda stored, by: (stored or 0) + by,
    "multiply": lambda stored, by: (stored or 0) * by,
    "minimum": lambda stored, by: by if stored is None else min(stored, by),
    "maximum": lambda stored, by: by if stored is None else max(stored, by),
}


@dataclass(slots=True)
class Expected:
    """What has to come of a call.

    Args:
        answers: codes and reasons, of which it has to be one.
        rows: of the answer, in the order of the request, or in any.
        ordered: whether their order counts.
        missing: keys that a BatchGet tells as missing.
        count: of a Count, a List's total_size, or how many rows a filter has changed.
        world: what the tables hold then, where the answer is OK; else they hold what they did.
        outcomes: what becomes of each row of a bulk, where the answer is OK.
        failures: how each of its rows may be refused, by its place.

    """

    answers: frozenset[str]
    rows: list[Row] = field(default_factory=list)
    ordered: bool = False
    missing: list[tuple[Any, ...]] = field(default_factory=list)
    count: int | None = None
    world: World | None = None
    outcomes: list[str] = field(default_factory=list)
    failures: dict[int, frozenset[str]] = field(default_factory=dict)


class _Refused(Exception):  # noqa: N818 - reads as what happened
    """A change that isn't made."""

    def __init__(self, *answers: str) -> None:
        super().__init__(*answers)
        self.answers = frozenset(answers)


def visible(table: Table, row: Mapping[str, Any], caller: Caller) -> bool:
    """Return whether a row is there for a caller."""
    return _meets("read", table, row, caller)


def hidden_from(world: World, schema: str, caller: Caller) -> Mapping[str, set[tuple[Any, ...]]]:
    """Return the keys of rows that aren't there for a caller, by table."""
    return {
        table.name: {key for key, row in world[table.name].items() if not visible(table, row, caller)}
        for table in TABLES[schema]
    }


def _meets(rule: str, table: Table, row: Mapping[str, Any], caller: Caller) -> bool:
    policy = policy_of(table.schema, table.name)
    if policy is None:
        return True
    text = getattr(policy, rule)
    if rule == "update_check" and not text:
        text = policy.update
    claim = f"principal.claims.{table.tenant}"
    mine = f'tenant = {claim} AND {claim} != ""' if table.tenant else "*"
    return all(judged(one, row, table.types, caller) is True for one in (text, mine))


def expected(world: World, call: Call) -> Expected:
    """Return what has to come of a call."""
    if call.kind in QUERIES:
        return _queried(world, call)
    if answers := refusals(call):
        return Expected(answers)
    if call.kind in ("Get", "BatchGet"):
        return _by_key(world, call)
    if call.kind in ("List", "Count", "Stream", "Exists", "Aggregate"):
        return _by_filter(world, call)
    if call.kind in BULKS:
        return _bulk(world, call)
    return _changed_by_filter(world, call) if call.kind in BY_FILTER else _written(world, call)


def _queried(world: World, call: Call) -> Expected:
    rows = own(world[call.table.name], call.caller, call.level)
    if call.kind == "ListOwn":
        return Expected(frozenset({OK}), [in_short(row) for row in rows], ordered=True, world=world)
    after = deepcopy(world)
    for row in own(after[call.table.name], call.caller, call.level):
        row["shade"] = call.items[0].values["shade"]
    return Expected(frozenset({OK}), count=len(rows), world=world if call.validate_only else after)


def _written(world: World, call: Call) -> Expected:
    after = deepcopy(world)
    faults: set[str] = set()
    rows: list[Row | None] = []
    for item in call.items:
        try:
            rows.append(_changed(after, call, item))
        except _Refused as refused:
            faults |= refused.answers
    if faults:
        return Expected(frozenset(faults))
    told = [row for row in rows if row is not None]
    return Expected(
        frozenset({OK, *_or_refused(world, call)}),
        told,
        ordered=True,
        world=world if call.validate_only else after,
    )


def _bulk(world: World, call: Call) -> Expected:
    after = deepcopy(world)
    whole = {OK} if call.partial else {OK, *_or_refused(world, call)}
    due = Expected(frozenset(whole), world=world if call.validate_only else after)
    for place, item in enumerate(call.items):
        try:
            due.outcomes.append(_upserted(after, call, item))
        except _Refused as refused:
            due.outcomes.append("FAILED")
            due.failures[place] = refused.answers
    if due.failures and not call.partial:
        return Expected(frozenset(one for answers in due.failures.values() for one in answers))
    for place in (place for place, outcome in enumerate(due.outcomes) if outcome == EITHER):
        due.failures[place] = frozenset({DENIED})
        due.answers |= set() if call.partial else {DENIED}
    return due


def _upserted(world: World, call: Call, item: Item) -> str:
    """Insert or update a row; return which."""
    if sets_forbidden(call, item):
        raise _Refused(NOT_ALLOWED)
    stored = world[call.table.name].get(item.key)
    if stored is None:
        _created(world, call, item)
        return "INSERTED"
    if not visible(call.table, stored, call.caller):
        raise _Refused(DENIED)
    if call.on_conflict == "ON_CONFLICT_IGNORE":
        return "IGNORED" if _may_create(call, item) else EITHER
    if call.on_conflict == "ON_CONFLICT_FAIL":
        raise _Refused(TAKEN, "ALREADY_EXISTS ROW_EXISTS", *([] if _may_create(call, item) else [DENIED]))
    live = {"deleted_at": False} if call.table.soft else {}
    same = stored | _sent(call, item) | live == stored
    if same and _meets("update", call.table, stored, call.caller):
        return "UNCHANGED"
    _updated(world, call, item, stored | live)
    return "UPDATED"


def _or_refused(world: World, call: Call) -> frozenset[str]:
    """Return how a call may be refused as well that has to change nothing that it may not.

    A row that only a trigger makes right may be refused as it is sent. And the documents leave open which
    rules hold for what a trigger makes of a row that is marked as deleted, whether one that is deleted
    already may be deleted by whom `delete` does not let, and whether `update_check` holds for new rows.
    """
    missing = call.kind.endswith("Update") and any(item.allow_missing for item in call.items)
    stored = [world[call.table.name].get(item.key) for item in call.items]
    triggered = call.table.trigger is not None
    return frozenset(
        {DENIED} if triggered or missing or any(row and row.get("deleted_at") for row in stored) else ()
    )


def _by_key(world: World, call: Call) -> Expected:
    rows = world[call.table.name]
    keys = [item.key for item in call.items]
    there = {key for key in keys if key in rows and visible(call.table, rows[key], call.caller)}
    if call.kind == "Get" and not there:
        return Expected(frozenset({NOT_THERE}))
    told = [rows[key] for key in keys if key in there]
    return Expected(
        frozenset({OK}), told, ordered=True, missing=[key for key in keys if key not in there], world=world
    )


def _by_filter(world: World, call: Call) -> Expected:
    rows = [
        row
        for row in world[call.table.name].values()
        if visible(call.table, row, call.caller)
        and is_found(call.table, call.filter, row, call.caller)
        and (call.show_deleted or not row.get("deleted_at"))
    ]
    if call.kind == "Aggregate":
        lost = hidden_fields(call.table, unreadable(call.table, call.caller))
        return Expected(frozenset({OK}), groups(call.table, rows, call.groups, lost), world=world)
    told = [] if call.kind in ("Count", "Exists") else rows
    count = min(len(rows), 1) if call.kind == "Exists" else len(rows)
    return Expected(frozenset({OK}), told, count=count, world=world)


def _changed_by_filter(world: World, call: Call) -> Expected:
    """Change all rows that are there, may be changed, and are found; or none."""
    table, rule = call.table, "update" if call.kind.startswith("Update") else "delete"
    keys = [
        key
        for key, row in sorted(world[table.name].items())
        if visible(table, row, call.caller) and _meets(rule, table, row, call.caller)
        if not row.get("deleted_at")
        and (call.filter == "*" or is_found(call.table, call.filter, row, call.caller))
    ]
    if len(keys) > call.max_rows:
        return Expected(frozenset({TOO_MANY}))
    after, faults = deepcopy(world), set[str]()
    removes = rule == "delete" and not table.soft
    if removes:
        faults = _removed(after, table, keys)
    for key in () if removes else keys:
        try:
            item = replace(call.items[0], key=key)
            if rule == "update":
                _updated(after, call, item, after[table.name][key])
            else:
                _marked(after, call, item, after[table.name][key], deleted=True)
        except _Refused as refused:
            faults |= refused.answers
    if faults:
        return Expected(frozenset(faults))
    shown = [(world if removes else after)[table.name][key] for key in keys[:_SHOWN]]
    # As of Update: what only a trigger makes right, and what no row would make right, may be refused at once.
    late = rule == "update" and (table.trigger is not None or not keys)
    return Expected(
        frozenset({OK, DENIED} if late else {OK}),
        shown if call.validate_only else [],
        ordered=True,
        count=len(keys),
        world=world if call.validate_only else after,
    )


def _removed(world: World, table: Table, keys: Sequence[tuple[Any, ...]]) -> set[str]:
    """Remove rows; return how that is refused where others refer to them."""
    for key in keys:
        del world[table.name][key]
    gone = {key[0] for key in keys}
    for other in TABLES[table.schema]:
        names = [name for name, target in other.refers.items() if target == table.name]
        if any(row[name] in gone for row in world[other.name].values() for name in names):
            return {REFERENCED, DANGLING}
    return set()


def _changed(world: World, call: Call, item: Item) -> Row | None:
    """Make one change; return the row that it answers, None where it answers none."""
    rows = world[call.table.name]
    stored = rows.get(item.key)
    seen = stored is not None and visible(call.table, stored, call.caller)
    if call.kind.endswith("Create"):
        return _created(world, call, item)
    if not seen:
        if not call.allow_missing and not item.allow_missing:
            # An update that no row would make right may be refused before rows are looked at; whether hidden
            # and absent ones are answered alike is looked at apart.
            raise _Refused(NOT_THERE, *([DENIED] if call.kind.endswith("Update") else []))
        return _created(world, call, item) if call.kind.endswith("Update") else None
    assert stored is not None
    return _CHANGES[call.kind.removeprefix("Batch")](world, call, item, stored)


def _may_create(call: Call, item: Item, *, as_sent: bool = False) -> bool:
    row = _new_row(call, item, as_sent=as_sent)
    return _meets("create", call.table, row, call.caller) and visible(call.table, row, call.caller)


def is_found(table: Table, text: str, row: Row, caller: Caller) -> bool:
    """Return whether a caller's filter finds a row; a word alone is looked for in texts that it may read."""
    if not re.fullmatch('"[^"]*"', text):
        return found(text, row, table.types) is True
    hidden = unreadable(table, caller)
    texts = [name for name, one in table.fields.items() if one.kind == "text" and name not in hidden]
    return any(text.strip('"').casefold() in (row[name] or "").casefold() for name in texts)


def _sent(call: Call, item: Item) -> Row:
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


def _created(world: World, call: Call, item: Item) -> Row:
    table = call.table
    row = _new_row(call, item)
    if not _may_create(call, item):
        # What triggers make of a row is known where it is written: after its keys are.
        late = _may_create(call, item, as_sent=True)
        raise _Refused(DENIED, *([TAKEN] if late else []))
    there = item.key in world[table.name]
    if there and call.kind.endswith("Update"):
        # It is hidden: whether its key is taken, or nobody may update it so, it can't but be told apart.
        raise _Refused(TAKEN, DENIED)
    try:
        _look_at_keys(world, table, row, key_is_taken=there)
    except _Refused as refused:
        as_sent = _may_create(call, item, as_sent=True)
        raise _Refused(*refused.answers, *([] if as_sent else [DENIED])) from None
    world[table.name][item.key] = row
    return row


def _updated(world: World, call: Call, item: Item, stored: Row) -> Row:
    table = call.table
    row = stored | _sent(call, item) | _transformed(item, stored) | preset(table, call.caller, creates=False)
    if table.versioned:
        row["version"] += 1
    late = table.trigger is not None and _may_become(call, row)
    if table.trigger:
        table.trigger(row)
    allowed = _meets("update", table, stored, call.caller)
    if stored.get("deleted_at"):
        raise _Refused("FAILED_PRECONDITION ROW_DELETED", DENIED, STALE)
    result = _may_become(call, row)
    if allowed and late and not result:
        raise _Refused(DENIED, STALE if item.etag == "wrong" else TAKEN)
    _refuse_where(denied=not (allowed and result), stale=item.etag == "wrong")
    _look_at_keys(world, table, row, key_is_taken=False)
    world[table.name][item.key] = row
    return row


def _may_become(call: Call, row: Row) -> bool:
    """Return whether a caller may make a stored row this one."""
    return _meets("update_check", call.table, row, call.caller) and visible(call.table, row, call.caller)


def _deleted(world: World, call: Call, item: Item, stored: Row) -> Row | None:
    table = call.table
    if stored.get("deleted_at"):
        if item.allow_missing or call.allow_missing:
            return stored
        raise _Refused(NOT_THERE)
    _refuse_where(denied=not _meets("delete", table, stored, call.caller), stale=item.etag == "wrong")
    if table.soft:
        return _marked(world, call, item, stored, deleted=True)
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
        raise _Refused(REFERENCED, DANGLING)
    for one in referring:
        del rows[one]


def _undeleted(world: World, call: Call, item: Item, stored: Row) -> Row:
    if not stored["deleted_at"]:
        raise _Refused("ALREADY_EXISTS ROW_NOT_DELETED", DENIED, STALE)
    _refuse_where(denied=not _meets("update", call.table, stored, call.caller), stale=item.etag == "wrong")
    return _marked(world, call, item, stored, deleted=False)


def _marked(world: World, call: Call, item: Item, stored: Row, *, deleted: bool) -> Row:
    row = stored | {"deleted_at": deleted, "version": stored["version"] + 1}
    row |= preset(call.table, call.caller, creates=False)
    if call.table.trigger:
        call.table.trigger(row)
    if not (deleted or _may_become(call, row)):
        raise _Refused(DENIED)
    world[call.table.name][item.key] = row
    return row


_CHANGES = {"Update": _updated, "Delete": _deleted, "Undelete": _undeleted}


def _refuse_where(*, denied: bool, stale: bool) -> None:
    answers = [*([DENIED] if denied else []), *([STALE] if stale else [])]
    if answers:
        raise _Refused(*answers)


def _look_at_keys(world: World, table: Table, row: Row, *, key_is_taken: bool) -> None:
    others: Sequence[Row] = [one for key, one in world[table.name].items() if key != table.key_of(row)]
    if key_is_taken or any(taken(table, one, row) for one in others):
        raise _Refused(TAKEN)
    for name, target in table.refers.items():
        own = target == table.name and (row[name],) == table.key_of(row)
        if row[name] is not None and (row[name],) not in world[target] and not own:
            raise _Refused(DANGLING)
