"""What each call has to answer, and what the tables have to hold then: from the documents alone."""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from tests.row_policies.calls import BULKS, BY_FILTER, Call, Item
from tests.row_policies.changes import (
    DENIED,
    NOT_THERE,
    TAKEN,
    Refused,
    changed,
    created,
    marked,
    may_create,
    removed,
    taken_over,
    updated,
)
from tests.row_policies.columns import NOT_ALLOWED, refusals, sets_forbidden, unreadable
from tests.row_policies.reads.across import is_found
from tests.row_policies.reads.aggregates import groups, hidden_fields
from tests.row_policies.reads.queries import BYPASSING, in_short, own
from tests.row_policies.reads.queries import KINDS as QUERIES
from tests.row_policies.reads.searches import fits
from tests.row_policies.tables import BED, WARD, Row
from tests.row_policies.trees import Holder, write_held
from tests.row_policies.visibility import meets, visible
from tests.row_policies.world import World

OK = "OK"
TOO_MANY = "FAILED_PRECONDITION TOO_MANY_ROWS_FOUND"
_SHOWN = 10
"""How many rows a dry run of a write by filter shows."""
EITHER = "IGNORED or FAILED"
"""What becomes of a row that is there, is to be ignored, and could not be created as it is sent."""


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


def expected(world: World, call: Call) -> Expected:
    """Return what has to come of a call."""
    if call.kind in QUERIES:
        return _queried(world, call) if call.kind in BYPASSING else _walled(world, call)
    if answers := refusals(call):
        return Expected(answers)
    if call.kind in ("Get", "BatchGet"):
        return _by_key(world, call)
    if call.kind in ("List", "Count", "Stream", "Exists", "Aggregate", "Search"):
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


def _walled(world: World, call: Call) -> Expected:
    """Wards from a level on, by queries that have no conditions on whose they are."""
    after = deepcopy(world)
    rows = [
        row
        for _, row in sorted(after["Ward"].items())
        if row["level"] >= call.level and visible(WARD, row, call.caller)
    ]
    if call.kind == "Counted":
        beds = [one["ward"] for one in world["Bed"].values() if visible(BED, one, call.caller)]
        counted = [{"id": row["id"], "beds": beds.count(row["id"])} for row in rows]
        return Expected(frozenset({OK}), counted, ordered=True, world=world)
    for row in rows:
        row["name"] = "named"
    return Expected(frozenset({OK}), count=len(rows), world=world if call.validate_only else after)


def _written(world: World, call: Call) -> Expected:
    after = deepcopy(world)
    faults: set[str] = set()
    rows: list[Row | None] = []
    for item in call.items:
        try:
            rows.append(changed(after, call, item))
        except Refused as refused:
            faults |= refused.answers
    if faults:
        return Expected(frozenset(faults))
    holders = [
        Holder(row, item, is_new=call.kind.endswith("Create"))
        for row, item in zip(rows, call.items, strict=True)
        if row is not None
    ]
    lists = write_held(after, call, call.related, holders, faults)
    if faults:
        return Expected(frozenset(faults))
    return Expected(
        frozenset({OK, *_or_refused(world, call)}),
        [{**one.row, **held} for one, held in zip(holders, lists, strict=True)],
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
        except Refused as refused:
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
        raise Refused(NOT_ALLOWED)
    stored = world[call.table.name].get(item.key)
    if stored is None:
        created(world, call, item)
        return "INSERTED"
    if not visible(call.table, stored, call.caller):
        raise Refused(DENIED)
    if call.on_conflict == "ON_CONFLICT_IGNORE":
        return "IGNORED" if may_create(call, item) else EITHER
    if call.on_conflict == "ON_CONFLICT_FAIL":
        raise Refused(TAKEN, "ALREADY_EXISTS ROW_EXISTS", *([] if may_create(call, item) else [DENIED]))
    live = {"deleted_at": False} if call.table.soft else {}
    same = stored | taken_over(call, item) | live == stored
    if same and meets("update", call.table, stored, call.caller):
        return "UNCHANGED"
    updated(world, call, item, stored | live)
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
        and is_found(world, call.table, call.filter, row, call.caller)
        and (call.show_deleted or not row.get("deleted_at"))
        and (call.kind != "Search" or fits(call.parts, row))
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
        if visible(table, row, call.caller) and meets(rule, table, row, call.caller)
        if not row.get("deleted_at")
        and (call.filter == "*" or is_found(world, call.table, call.filter, row, call.caller))
    ]
    if len(keys) > call.max_rows:
        return Expected(frozenset({TOO_MANY}))
    after, faults = deepcopy(world), set[str]()
    removes = rule == "delete" and not table.soft
    if removes:
        faults = removed(after, table, keys)
    for key in () if removes else keys:
        try:
            item = replace(call.items[0], key=key)
            if rule == "update":
                updated(after, call, item, after[table.name][key])
            else:
                marked(after, call, item, after[table.name][key], deleted=True)
        except Refused as refused:
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
