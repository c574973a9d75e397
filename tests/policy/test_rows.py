"""Policies of rows: each method sees and changes what the caller's rules let it, and nothing else."""

import asyncio

import grpc
import pytest

from tests.harness.client import RpcFailed
from tests.policy.shared_notes import NOTES, READABLE, Shared


async def test_reads(shared: Shared) -> None:
    """By every method that reads, one by one and all together: so they share statements."""

    async def read(name: str) -> None:
        mine = READABLE[name]
        for number in range(1, 8):
            if number in mine:
                assert (await shared.call(name, "GetNote", id=number)).id == number
            else:
                assert await shared.refused(name, "GetNote", id=number) == ("NOT_FOUND", "ROW_NOT_FOUND")
        page = await shared.call(name, "ListNotes", page_size=1000)
        assert {note.id for note in page.notes} == mine
        assert page.total_size == len(mine)
        assert (await shared.call(name, "CountNotes")).count == len(mine)
        estimate = await shared.call(name, "CountNotes", mode="COUNT_MODE_ESTIMATED", filter='title = "four"')
        assert estimate.count == len(mine & {4})
        found = await shared.call(name, "BatchGetNotes", ids=list(range(1, 8)))
        assert ({note.id for note in found.notes}, set(found.missing)) == (mine, set(range(1, 8)) - mine)

    await asyncio.gather(*(read(name) for name in shared.clients for _ in range(3)))


async def test_streams(shared: Shared) -> None:
    for name, client in shared.clients.items():
        ids, token, error = await client.stream(f"{NOTES}/StreamNotes").take("notes")
        assert (set(ids), error) == (READABLE[name], None)
        if name == "ann":
            others = shared.clients["bob"].stream(f"{NOTES}/StreamNotes", resume_token=token)
            _, _, error = await others.take("notes")
            assert error is not None
            assert error.reason == "RESUME_TOKEN_MISMATCH"


async def test_tokens_are_their_callers_alone(shared: Shared) -> None:
    page = await shared.call("ann", "ListNotes", page_size=1)
    token = page.next_page_token
    assert [note.id for note in (await shared.call("ann", "ListNotes", page_token=token)).notes] == [2, 6]
    for name in ("bob", "aud", "eve"):
        assert await shared.refused(name, "ListNotes", page_token=token) == (
            "INVALID_ARGUMENT",
            "PAGE_TOKEN_MISMATCH",
        )


async def test_creates(shared: Shared) -> None:
    mine = {"tenant": "acme", "owner": "ann", "title": "new"}
    created = await shared.call("ann", "CreateNote", note={"id": 10, **mine})
    assert (created.id, created.owner, created.version) == (10, "ann", 1)
    denied = ("PERMISSION_DENIED", "ROW_NOT_ALLOWED")
    before = await shared.stored()
    for wrong in ({"owner": "bob"}, {"tenant": "evil"}, {"tenant": "*"}):
        note = {"id": 11, **mine, "title": "other", **wrong}
        assert await shared.refused("ann", "CreateNote", note=note) == denied
        batch = [{"note": {"id": 12, **mine, "title": "fine"}}, {"note": note}]
        assert await shared.refused("ann", "BatchCreateNotes", requests=batch) == denied
    for name in ("non", "odd", "aud"):
        assert await shared.refused(name, "CreateNote", note={"id": 11, **mine, "title": "x"}) == denied
        taken = {"id": 4, **mine, "title": "x"}  # who may not write the row doesn't hear that its key is
        assert await shared.refused(name, "CreateNote", note=taken) == denied
    note = {"id": 11, **mine, "tenant": "evil", "title": "four"}
    assert await shared.refused("ann", "CreateNote", note=note) == denied
    # Else a hidden row's key can't but tell.
    taken = {"id": 4, **mine, "title": "x"}
    assert await shared.refused("ann", "CreateNote", note=taken) == ("ALREADY_EXISTS", "UNIQUE_VIOLATION")
    assert await shared.stored() == before


@pytest.mark.parametrize(
    ("name", "number", "change", "refusal"),
    [
        ("ann", 1, {"text": "mine"}, None),
        ("bob", 1, {"text": "his"}, ("NOT_FOUND", "ROW_NOT_FOUND")),
        ("bob", 2, {"text": "his"}, ("PERMISSION_DENIED", "ROW_NOT_ALLOWED")),
        ("aud", 1, {"text": "seen"}, ("PERMISSION_DENIED", "ROW_NOT_ALLOWED")),
        ("ann", 5, {"text": "mine, elsewhere"}, ("NOT_FOUND", "ROW_NOT_FOUND")),
        ("ann", 1, {"owner": "bob"}, ("PERMISSION_DENIED", "ROW_NOT_ALLOWED")),
        ("ann", 1, {"tenant": "evil"}, ("PERMISSION_DENIED", "ROW_NOT_ALLOWED")),
        ("ann", 1, {"tenant": "evil", "title": "four"}, ("PERMISSION_DENIED", "ROW_NOT_ALLOWED")),
        ("non", 1, {"text": "nobody's"}, ("NOT_FOUND", "ROW_NOT_FOUND")),
    ],
)
async def test_updates(
    shared: Shared, name: str, number: int, change: dict[str, str], refusal: tuple[str, str] | None
) -> None:
    before = await shared.stored()
    note = {"id": number, **change}
    mask = ",".join(change)
    batch = [{"note": {"id": 2, "text": "first"}, "updateMask": "text"}, {"note": note, "updateMask": mask}]
    if refusal is None:
        assert (await shared.call(name, "UpdateNote", note=note, updateMask=mask)).text == change["text"]
        return
    assert await shared.refused(name, "UpdateNote", note=note, updateMask=mask) == refusal
    assert await shared.refused(name, "UpdateNote", note=note, updateMask=mask, validateOnly=True) == refusal
    if number != 2:
        await shared.refused(name, "BatchUpdateNotes", requests=batch)
    assert await shared.stored() == before


async def test_a_hidden_row_answers_as_an_absent_one(shared: Shared) -> None:
    """In code and text, by each method that names a row."""
    for method, fields in {
        "GetNote": lambda n: {"id": n},
        "UpdateNote": lambda n: {"note": {"id": n, "text": "x"}, "updateMask": "text"},
        "DeleteNote": lambda n: {"id": n},
        "UndeleteNote": lambda n: {"id": n},
    }.items():
        texts = []
        for number in (4, 9):
            with pytest.raises(RpcFailed) as failed:
                await shared.call("ann", method, **fields(number))
            texts.append((failed.value.code, failed.value.message.replace(str(number), "N")))
        assert texts[0] == texts[1]
        assert texts[0][0] is grpc.StatusCode.NOT_FOUND


async def test_deletes(shared: Shared) -> None:
    before = await shared.stored()
    denied = ("PERMISSION_DENIED", "ROW_NOT_ALLOWED")
    assert await shared.refused("bob", "DeleteNote", id=2) == denied
    assert await shared.refused("ann", "DeleteNote", id=6) == denied
    assert await shared.refused("bob", "DeleteNote", id=1) == ("NOT_FOUND", "ROW_NOT_FOUND")
    assert await shared.refused("ann", "BatchDeleteNotes", requests=[{"id": 1}, {"id": 6}]) == denied
    assert await shared.stored() == before
    assert (await shared.call("ann", "DeleteNote", id=1)).HasField("deleted_at")
    assert await shared.refused("bob", "UndeleteNote", id=1) == ("NOT_FOUND", "ROW_NOT_FOUND")
    assert await shared.refused("aud", "UndeleteNote", id=1) == denied
    assert not (await shared.call("ann", "UndeleteNote", id=1)).HasField("deleted_at")


async def test_what_a_row_becomes_by_a_trigger_counts(shared: Shared) -> None:
    await shared.steal_by_trigger()
    before = await shared.stored()
    denied = ("PERMISSION_DENIED", "ROW_NOT_ALLOWED")
    note = {"id": 1, "text": "steal"}
    assert await shared.refused("ann", "UpdateNote", note=note, updateMask="text") == denied
    note = {"id": 10, "tenant": "acme", "owner": "ann", "title": "t", "text": "steal"}
    assert await shared.refused("ann", "CreateNote", note=note) == denied
    assert await shared.stored() == before


async def test_a_request_id_is_its_callers(shared: Shared) -> None:
    request_id = "123e4567-e89b-42d3-a456-426614174000"
    note = {"id": 20, "tenant": "acme", "owner": "ann", "title": "idempotent"}
    first = await shared.call("ann", "CreateNote", note=note, requestId=request_id)
    assert await shared.call("ann", "CreateNote", note=note, requestId=request_id) == first
    mine = {**note, "id": 21, "owner": "bob", "title": "another"}
    assert (await shared.call("bob", "CreateNote", note=mine, requestId=request_id)).id == 21
