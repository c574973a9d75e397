"""Columns as callers have them: hidden, masked, read-only and preset ones, from docs/row-policies.md."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from tests.row_policies.callers import Caller
from tests.row_policies.calls import BULKS, BY_FILTER, COUNTS, READS, Call, Item
from tests.row_policies.reads.aggregates import hidden_fields
from tests.row_policies.reads.related import Asked as Related
from tests.row_policies.reads.related import asks_for_hidden, is_hidden, refusals_of, target_of
from tests.row_policies.reads.searches import refusals_of_search
from tests.row_policies.rules import MISSING, held, typed
from tests.row_policies.tables import Field, Row, Table

NOT_ALLOWED = "PERMISSION_DENIED FIELD_NOT_ALLOWED"
NO_PRESET = "PERMISSION_DENIED PRESET_MISSING"
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
_ZEROS: Mapping[str, Any] = {"text": "", "int": 0, "bool": False, "enum": "STATE_UNSPECIFIED", "document": ""}


def _has_one_of(roles: Sequence[str], caller: Caller) -> bool:
    return not roles or not set(roles).isdisjoint(caller.roles)


def unreadable(table: Table, caller: Caller) -> set[str]:
    """Return the fields that a caller may not read; some of them it sees masked."""
    return {name for name, one in table.fields.items() if not _has_one_of(one.read, caller)}


def unwritable(table: Table, caller: Caller) -> set[str]:
    """Return the fields that a caller may not write."""
    kept = {name for name, one in table.fields.items() if not _has_one_of(one.write, caller)}
    return kept | unreadable(table, caller)


def shown(table: Table, row: Row, caller: Caller) -> Row:
    """Return a row as a caller sees it."""
    hidden = unreadable(table, caller)
    return {name: _seen(table, name, value) if name in hidden else value for name, value in row.items()}


def _seen(table: Table, name: str, value: Any) -> Any:
    one = table.fields[name]
    if one.mask is not None:
        return None if value is None else one.mask(value)
    return None if one.optional else _ZEROS[one.kind]


def cut(table: Table, row: Row, mask: Sequence[str]) -> Row:
    """Return what a mask leaves of a row."""
    if not mask:
        return row
    return {name: row[name] if name in mask else _unset(one) for name, one in table.fields.items()}


def _unset(one: Field) -> Any:
    zeros = {**_ZEROS, "uuid": "", "time": False, "vector": ""}
    return None if one.optional and one.kind != "time" else zeros[one.kind]


def preset(table: Table, caller: Caller, *, creates: bool) -> Row:
    """Return what new rows, or those that change, are set to; MISSING where the caller has none that fits."""
    sources = {name: one.create if creates else one.update for name, one in table.fields.items()}
    kinds = {name: one.kind for name, one in table.fields.items()}
    return {name: _of_caller(caller, source, kinds[name]) for name, source in sources.items() if source}


def _of_caller(caller: Caller, source: str, kind: str) -> Any:
    by_id = source == "principal.id"
    if by_id and caller.kind == "anonymous":
        return MISSING
    return typed(kind, held(caller, source), spelled=by_id)


def tenant(table: Table, caller: Caller) -> str | None:
    """Return what new rows take that leave their tenant unset; None where there is nothing."""
    found = held(caller, f"principal.claims.{table.tenant}") if table.tenant else MISSING
    return found if isinstance(found, str) and found else None


def refusals(call: Call) -> frozenset[str]:
    """Return how a call has to be refused for the fields that it names, or the caller who makes it."""
    if call.kind in READS:
        return frozenset(_unknown(call))
    unknown = _unknown(call) if call.kind in BY_FILTER else ()
    held = _refusals_of_held(call, call.table, call.items, call.related)
    return frozenset({*unknown, *_not_allowed(call), *_without_preset(call), *held})


def _refusals_of_held(call: Call, table: Table, items: Sequence[Item], related: Related) -> Iterator[str]:
    """Yield how it is refused that rows are sent with the rows that hold them."""
    for name in {name for item in items for name in item.held}:
        target, held = target_of(table, name), related.get(name)
        rows = [row for item in items for row in item.held.get(name, ())]
        written = replace(call, table=target, items=rows, related={})
        names = set(held.mask) if held else set()
        if call.kind.endswith("Create"):
            yield from _not_allowed(written)
        if rows and names & unwritable(target, call.caller):
            yield NOT_ALLOWED  # a mask that names fields of no rows changes nothing
        if rows and (held or call.kind.endswith("Create")):
            yield from _without_preset(written)
        yield from _refusals_of_held(call, target, rows, held.below if held else {})


def _unknown(call: Call) -> list[str]:
    hidden = unreadable(call.table, call.caller)
    gone = {name for name in hidden if call.table.fields[name].mask is None}
    found = []
    hides = partial(unreadable, caller=call.caller)
    if asks_for_hidden(call.table, call.filter, hides):
        found.append("INVALID_ARGUMENT INVALID_FILTER")
    if call.kind == "Aggregate":
        lost = hidden_fields(call.table, hidden)
        found += ["INVALID_ARGUMENT INVALID_GROUP_BY"] if lost.intersection(call.groups.keys) else []
        found += ["INVALID_ARGUMENT INVALID_FILTER"] if lost & _named(call.groups.having) else []
        found += ["INVALID_ARGUMENT INVALID_FIELD_MASK"] if lost.intersection(call.groups.mask) else []
    order = call.order_by if call.kind not in COUNTS else ""
    if order and is_hidden(call.table, order.split()[0].split("."), hides):
        found.append("INVALID_ARGUMENT INVALID_ORDER_BY")
    if gone.intersection(call.mask):
        found.append("INVALID_ARGUMENT INVALID_FIELD_MASK")
    of_search = refusals_of_search(call.parts, hidden)
    return [*found, *of_search, *refusals_of(call.table, call.related, hides)]


def _named(text: str) -> set[str]:
    """Return the words of a filter that stand in no quotes."""
    return set(re.findall(r"\w+", _QUOTED.sub("", text)))


def _not_allowed(call: Call) -> list[str]:
    kept = unwritable(call.table, call.caller)
    if call.kind.removesuffix("ByFilter").endswith("Update"):
        names = {name for item in call.items if not item.whole for name in item.values}
        names |= {name for item in call.items for name in item.transforms}
    elif call.kind.endswith("Create"):
        names = {name for item in call.items for name in _set_in(item)}
    elif call.kind in BULKS:
        names = set(call.bulk_mask)
    else:
        names = set()
    return [NOT_ALLOWED] if names & kept else []


def sets_forbidden(call: Call, item: Item) -> bool:
    """Return whether a row of a bulk sets a field that the caller may not write."""
    return not unwritable(call.table, call.caller).isdisjoint(_set_in(item))


def _set_in(item: Item) -> set[str]:
    return {name for name, value in item.values.items() if value is not None}


def _without_preset(call: Call) -> list[str]:
    table, kind = call.table, call.kind.removeprefix("Batch").removesuffix("ByFilter")
    creates = kind == "Create" or kind in BULKS
    creates = creates or (kind == "Update" and any(item.allow_missing for item in call.items))
    changes = kind == "Update" or kind in BULKS or (table.soft and kind in ("Delete", "Undelete"))
    wanted = [
        *(preset(table, call.caller, creates=True).values() if creates else ()),
        *(preset(table, call.caller, creates=False).values() if changes else ()),
    ]
    return [NO_PRESET] if MISSING in wanted else []
