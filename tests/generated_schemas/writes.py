"""Writes of single rows, and batches of them, done in table and model."""

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

from tests.generated_schemas.model import FAILED, Key, Model, Refused, Stored, Values
from tests.generated_schemas.steps import Step
from tests.generated_schemas.table import Table, Told

_UNKNOWN = b"\xf8\xff\xff\xff\x0f\x01"
"""1 as the field of the highest number there is."""
_AS_SENT = {"on_conflict": 1, "on_duplicate": 1, "update_mask": [], "partial_failure": True}
Outcome = tuple[frozenset[str], list[Told], dict[Key, Stored]]
"""The reasons that may be told, the answers, and the rows afterwards."""


async def single(table: Table, *item: Any) -> None:
    """Do a write of one row in both, and compare."""
    verb = item[0].title()
    answer = await table.ask(verb, _request(table, item))
    told = [] if answer.failure else [table.told(answer.message)]
    _settle(table, item, answer.reason, told, [_outcome(table, [item], [0])])


async def dry_run(table: Table, item: Step) -> None:
    """Do a write of one row with validate_only: it answers as the write would, and leaves no trace."""
    if "validate_only" in table.schema.key and item[0] == "delete":
        return
    request = _request(table, item)
    request.validate_only = True
    answer = await table.ask(item[0].title(), request)
    told = [] if answer.failure else [table.told(answer.message)]
    rows = table.model.rows
    _settle(table, item, answer.reason, told, [_outcome(table, [item], [0])])
    table.model.rows = rows


async def batch(table: Table, verb: str, items: Sequence[Step]) -> None:
    """Do a batch of writes in both, and compare.

    It sets rows in an order of its own, so a unique key that one item frees and another takes may or may not
    fit: any order's outcome will do.
    """
    request = table.request(f"Batch{verb.title()}")
    request.requests.extend(_request(table, item) for item in items)
    possible = [_outcome(table, items, order) for order in permutations(range(len(items)))]
    answer = await table.ask(f"Batch{verb.title()}", request)
    told = [] if answer.failure else [table.told(row) for row in answer.message.rows]
    _settle(table, items, answer.reason, told, possible)


def _settle(table: Table, asked: Any, reason: str, told: list[Told], possible: list[Outcome]) -> None:
    fitting = [rows for reasons, expected, rows in possible if reason in reasons and expected == told]
    assert fitting, (reason, possible[0][0], told, possible[0][1], asked)
    table.model.rows = fitting[0]


def _outcome(table: Table, items: Sequence[Step], order: Sequence[int]) -> Outcome:
    """Return what becomes of items that are done in one order."""
    rows = table.model.rows
    keys = [table.model.key(item[1]) for item in items]
    if len(set(keys)) < len(keys) and items[0][0] != "create":
        others = {reason for item in items for reason in _reasons(table.model, item)}
        return frozenset({"DUPLICATE_IN_BATCH", *others}), [], rows
    trial = table.model.copy()
    answers: dict[int, Told] = {}
    try:
        for i in order:
            answers[i] = table.expected(_applied(trial, items[i]))
    except Refused as refused:
        return refused.reasons, [], rows
    return frozenset({""}), [answers[i] for i in range(len(items))], trial.rows


def _reasons(model: Model, item: Step) -> Iterator[str]:
    """Yield why an item alone would be refused."""
    try:
        _applied(model.copy(), item)
    except Refused as refused:
        yield from refused.reasons


def _applied(model: Model, item: Step) -> Stored | None:
    verb, values, *rest = item
    if verb == "create":
        return model.create(values)
    if verb == "update":
        mask, missing, expected = rest
        return model.update(values, mask, expected, missing=missing)
    if verb == "delete":
        missing, expected = rest
        return model.delete(values, expected, missing=missing)
    return model.undelete(values, *rest)


def _request(table: Table, item: Step) -> Any:
    verb, values, *rest = item
    request = table.request(verb.title())
    if verb in ("create", "update"):
        request.row.CopyFrom(table.model.message(values))
    else:
        table.with_key(request, values)
    if verb == "update":
        request.update_mask.paths.extend(rest.pop(0) or [])
    if verb in ("update", "delete") and rest.pop(0):
        request.allow_missing = True
    if rest and rest[0] is not None:
        request.etag = f'"v{rest[0]}"'
    return request


async def refused(table: Table, verb: str, values: Values, bad: tuple[str, Any]) -> None:
    """Send a row with a value that no column of its kind holds."""
    name, value = bad
    # A row of another key stands beside it, and fares as it would alone.
    beside = [values] if name in table.schema.key else []
    row = table.model.message({**values, name: value})
    await _refuse(table, verb, row, table.schema.by_name[name], beside)


async def below(table: Table, values: Values, name: str) -> None:
    """Update what is below a column that is written whole or not at all."""
    request = _request(table, ("update", values, [f"{name}.text"], True, None))
    answer = await table.ask("Update", request)
    assert answer.reason == "INVALID_FIELD_MASK", (answer, name, values)


async def unknown(table: Table, verb: str, values: Values) -> None:
    """Send a row with a field that its message doesn't have."""
    row = table.model.message(values)
    row.MergeFromString(_UNKNOWN)
    await _refuse(table, verb, row, "unknown field")


async def _refuse(table: Table, verb: str, row: Any, why: Any, beside: Sequence[Values] = ()) -> None:
    if verb == "upsert":
        request = table.request("BulkUpsert")
        request.rows.extend([*map(table.model.message, beside), row])
        request.partial_failure = request.outcomes = request.validate_only = True
        answer = await table.ask("BulkUpsert", request)
        expected = [*table.model.copy().upsert(beside, _AS_SENT), FAILED]
        taken = answer.failure or list(answer.message.outcomes) != expected
    else:
        request = table.request(verb.title())
        request.row.CopyFrom(row)
        if verb == "update":
            request.allow_missing = True
        answer = await table.ask(verb.title(), request)
        taken = not answer.failure or answer.failure.code.name not in ("INVALID_ARGUMENT", "OUT_OF_RANGE")
    assert not taken, ("was taken", verb, why, answer, row)
