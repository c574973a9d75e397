"""Policies of rows in bulk writes: each row is refused alone, and a hidden one is never touched."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.harness.client import RpcFailed
from tests.policy.shared_notes import NOTES, Shared

DENIED = ("PERMISSION_DENIED", "ROW_NOT_ALLOWED")
UPDATED, INSERTED, UNCHANGED, IGNORED, FAILED = (
    "ROW_OUTCOME_UPDATED",
    "ROW_OUTCOME_INSERTED",
    "ROW_OUTCOME_UNCHANGED",
    "ROW_OUTCOME_IGNORED",
    "ROW_OUTCOME_FAILED",
)


def note(number: int, **fields: Any) -> Mapping[str, Any]:
    return {"id": number, "tenant": "acme", "owner": "ann", "title": f"title {number}", **fields}


async def upsert(shared: Shared, name: str, rows: list[Any], **options: Any) -> list[tuple[str, str]]:
    """Write rows, each by itself good or bad; return the outcome of each, with the reason of a refusal."""
    answer = await shared.call(
        name, "BulkUpsertNotes", notes=rows, partialFailure=True, outcomes=True, **options
    )
    kind = answer.DESCRIPTOR.fields_by_name["outcomes"].enum_type
    reasons = {failure.index: _reason(failure.status) for failure in answer.failures}
    outcomes = [kind.values_by_number[number].name for number in answer.outcomes]
    return [(outcome, reasons.get(i, "")) for i, outcome in enumerate(outcomes)]


def _reason(status: Any) -> str:
    for detail in status.details:
        if detail.type_url.endswith("ErrorInfo"):
            from google.rpc.error_details_pb2 import ErrorInfo  # noqa: PLC0415

            info = ErrorInfo()
            detail.Unpack(info)
            return str(info.reason)
    return ""


async def test_what_a_mask_leaves_alone_refuses_no_row(shared: Shared) -> None:
    """A stored row keeps its owner, whatever was sent: the mask names the title alone."""
    rows = [
        {"id": 1, "title": "renamed"},
        {"id": 2, "title": "other", "owner": "bob"},
        {"id": 3, "title": "x"},
    ]
    outcomes = await upsert(shared, "ann", rows, updateMask="title")
    assert outcomes == [(UPDATED, ""), (UPDATED, ""), (FAILED, "ROW_NOT_ALLOWED")]
    titles = {row[0]: row[3] for row in await shared.stored()}
    assert (titles[1], titles[2], titles[3]) == ("renamed", "other", "three")


async def test_each_row_is_judged_alone(shared: Shared) -> None:
    rows = [
        note(30),
        note(31, owner="bob"),
        note(32, tenant="evil"),
        note(1, title="one", text="changed"),
        note(3, title="three", owner="ann"),
        note(4, title="x"),
        note(33, tenant="evil", title="four"),
        note(2, title="two", public=True, text=""),
        note(2, title="two", public=True, text="later"),
    ]
    refused = (FAILED, "ROW_NOT_ALLOWED")
    assert await upsert(shared, "ann", rows) == [
        (INSERTED, ""),
        refused,
        refused,
        (UPDATED, ""),
        refused,
        refused,
        refused,
        ("ROW_OUTCOME_SUPERSEDED", ""),
        (UPDATED, ""),
    ]
    stored = {row[0]: row for row in await shared.stored()}
    assert set(stored) == {1, 2, 3, 4, 5, 6, 30}
    assert (stored[1][4], stored[2][4], stored[3][2], stored[4][1]) == ("changed", "later", "bob", "evil")


@pytest.mark.parametrize("conflict", ["ON_CONFLICT_UPDATE", "ON_CONFLICT_IGNORE", "ON_CONFLICT_FAIL"])
async def test_a_hidden_row_is_neither_written_nor_compared(shared: Shared, conflict: str) -> None:
    """Whether what is sent equals what is stored, or not."""
    await shared.gateway.sql("UPDATE note SET tenant = 'acme', owner = 'bob', text = 'same' WHERE id = 4")
    before = await shared.stored()
    same = {"id": 4, "tenant": "acme", "owner": "bob", "title": "four", "text": "same"}
    for row in (same, note(4, title="four", text="same"), note(4, title="four", text="other")):
        assert await upsert(shared, "ann", [row], onConflict=conflict) == [(FAILED, "ROW_NOT_ALLOWED")]
    assert await shared.stored() == before


async def test_a_readable_row_of_another(shared: Shared) -> None:
    """Bob may read note 2, and not change it."""
    row = note(2, title="two", public=True, owner="bob")
    assert await upsert(shared, "bob", [row]) == [(FAILED, "ROW_NOT_ALLOWED")]
    assert await upsert(shared, "bob", [row], onConflict="ON_CONFLICT_IGNORE") == [(IGNORED, "")]


async def test_all_or_nothing(shared: Shared) -> None:
    before = await shared.stored()
    for bad in (note(31, owner="bob"), note(3, title="three"), note(4, title="x")):
        assert await shared.refused("ann", "BulkUpsertNotes", notes=[note(30), bad]) == DENIED
    for name in ("non", "odd", "aud"):
        assert await shared.refused(name, "BulkUpsertNotes", notes=[note(30)]) == DENIED
    assert await shared.stored() == before


async def test_many_rows(shared: Shared) -> None:
    """As many as would be loaded by COPY, in a table that knows no rules."""
    rows = [note(100 + n, owner="bob" if n in {7, 700, 2100} else "ann") for n in range(2200)]
    outcomes = await upsert(shared, "ann", rows)
    assert [n for n, (outcome, _) in enumerate(outcomes) if outcome == FAILED] == [7, 700, 2100]
    assert (await shared.call("ann", "CountNotes", filter="id >= 100")).count == 2197
    assert (await shared.call("bob", "CountNotes", filter="id >= 100")).count == 0


async def test_what_a_row_becomes_by_a_trigger_counts(shared: Shared) -> None:
    await shared.steal_by_trigger()
    rows = [note(40), note(41, text="steal"), note(1, title="one", text="steal")]
    refused = (FAILED, "ROW_NOT_ALLOWED")
    assert await upsert(shared, "ann", rows) == [(INSERTED, ""), refused, refused]
    assert [row[2] for row in await shared.stored() if row[0] in {1, 40, 41}] == ["ann", "ann"]


async def test_ingest(shared: Shared) -> None:
    client = shared.clients["ann"]
    stream = client.converse(f"{NOTES}/IngestNotes")
    await stream.ask(start={"streamId": "s", "partialFailure": True})
    answer = await stream.ask(sequence=1, notes=[note(50), note(51, owner="bob"), note(4, title="x")])
    assert (answer.watermark, [failure.index for failure in answer.failures]) == (1, [1, 2])
    await stream.end()
    # Another's stream of the same name is another one.
    other = shared.clients["bob"].converse(f"{NOTES}/IngestNotes")
    assert (await other.ask(start={"streamId": "s", "partialFailure": True})).watermark == 0
    await other.end()
    strict = client.converse(f"{NOTES}/IngestNotes")
    await strict.ask(start={"streamId": "strict"})
    with pytest.raises(RpcFailed) as refused:
        await strict.ask(sequence=1, notes=[note(52), note(53, owner="bob")])
    assert (refused.value.code.name, refused.value.reason) == DENIED
    assert {row[0] for row in await shared.stored()} == {1, 2, 3, 4, 5, 6, 50}
