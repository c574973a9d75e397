"""Presets: a column is set to something of whoever writes, whatever the request says of it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gateway.policy.presets import presets_of
from gateway.schema.diagnostics import SchemaError
from gateway.schema.model import ColumnPreset, Schema
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.gateway import RunningGateway, descriptors_of, schema_of

ENTRIES = "signed.v1.EntryService"
CALLERS = (
    Caller("ann", claims={"desk": {"number": 3}}),
    Caller("bob", claims={"desk": {"number": 0}}),
    Caller("odd", claims={"desk": {"number": "3"}}),
    Caller("huge", claims={"desk": {"number": 1 << 40}}),
    Caller("non"),
)
DENIED = ("PERMISSION_DENIED", "PRESET_MISSING")
LIES = {"author": "liar", "writer": "liar", "editor": "liar", "desk": 99}
COLUMNS = "author, writer, editor, desk"


@dataclass(frozen=True, slots=True)
class Signed:
    """The served entries, and how callers call."""

    gateway: RunningGateway
    clients: Mapping[str, Client]

    async def call(self, name: str, method: str, **fields: Any) -> Any:
        """Call a method of the entries on behalf of a caller."""
        return await self.clients[name].call(f"{ENTRIES}/{method}", **fields)

    async def refusal(self, name: str, method: str, **fields: Any) -> RpcFailed:
        """Return the refusal of such a call."""
        with pytest.raises(RpcFailed) as failed:
            await self.call(name, method, **fields)
        return failed.value

    async def stored(self) -> dict[int, tuple[Any, ...]]:
        """Return what the preset columns of all rows hold."""
        rows = await self.gateway.sql(f"SELECT id, {COLUMNS} FROM entry")  # noqa: S608
        return {row["id"]: tuple(row.values())[1:] for row in rows}


@pytest.fixture
async def signed(
    gateway_for: Callable[..., Awaitable[RunningGateway]], tmp_path: Path
) -> AsyncIterator[Signed]:
    path = tmp_path / "keys.json"
    keys = write_keys(path, CALLERS)
    gateway = await gateway_for("signed", auth_providers="api_key", auth_api_keys=path)
    async with clients_of(gateway, "signed", keys) as clients:
        yield Signed(gateway, clients)


NEW_BY_ANN = ("ann", "ann", None, 3)


async def test_a_new_row_is_its_callers(signed: Signed) -> None:
    """Whichever method makes it, and whatever it was sent with."""
    made = await signed.call("ann", "CreateEntry", entry={"id": 1, "slot": 1, **LIES})
    assert (made.author, made.writer, made.HasField("editor"), made.desk) == ("ann", "ann", False, 3)
    requests = [{"entry": {"id": 2, "slot": 2, **LIES}}, {"entry": {"id": 3, "slot": 3}}]
    await signed.call("ann", "BatchCreateEntries", requests=requests)
    await signed.call(
        "ann", "BulkUpsertEntries", entries=[{"id": 4, "slot": 4, **LIES}, {"id": 5, "slot": 5}]
    )
    missing = {"entry": {"id": 6, "slot": 6, **LIES}, "allowMissing": True}
    assert (await signed.call("ann", "UpdateEntry", **missing)).author == "ann"
    missing["entry"] = {"id": 7, "slot": 7}
    await signed.call("ann", "BatchUpdateEntries", requests=[missing])
    talk = signed.clients["ann"].converse(f"{ENTRIES}/IngestEntries")
    await talk.ask(start={"stream_id": "one"})
    assert (await talk.ask(sequence=1, entries=[{"id": 8, "slot": 8, **LIES}])).inserted_count == 1
    await talk.end()
    assert await signed.stored() == dict.fromkeys(range(1, 9), NEW_BY_ANN)


async def test_many_new_rows_are_their_callers(signed: Signed) -> None:
    """So many that they are copied into the table."""
    entries = [{"id": number, "slot": number, **LIES} for number in range(3_000)]
    answer = await signed.call("ann", "BulkUpsertEntries", entries=entries)
    assert answer.inserted_count == len(entries)
    assert {*(await signed.stored()).values()} == {NEW_BY_ANN}
    changed = [{"id": number, "slot": number, "text": "new"} for number in range(3_000)]
    assert (await signed.call("bob", "BulkUpsertEntries", entries=changed)).updated_count == len(entries)
    assert {*(await signed.stored()).values()} == {("ann", "bob", "bob", 3)}


@pytest.mark.parametrize("mask", ["*", "", "text", "text,author,writer,editor,desk"])
async def test_a_change_is_signed(signed: Signed, mask: str) -> None:
    changed = ("ann", "bob", "bob", 3)
    await signed.call("ann", "CreateEntry", entry={"id": 1})
    row = {"id": 1, "text": "new", **LIES}
    answer = await signed.call("bob", "UpdateEntry", entry=row, updateMask=mask)
    assert (answer.author, answer.writer, answer.editor, answer.desk) == changed
    assert await signed.stored() == {1: changed}
    requests = [{"entry": {**row, "text": "newer"}, "updateMask": mask, "allowMissing": True}]
    await signed.call("ann", "BatchUpdateEntries", requests=requests)
    assert await signed.stored() == {1: ("ann", "ann", "ann", 3)}
    for options in ({}, {"updateMask": mask}) if mask != "*" else ({},):
        await signed.gateway.sql("UPDATE entry SET text = '', writer = '', editor = NULL")
        bulk = await signed.call("bob", "BulkUpsertEntries", entries=[row], **options)
        assert bulk.updated_count == 1
        assert await signed.stored() == {1: changed}


async def test_what_changes_nothing_is_not_signed(signed: Signed) -> None:
    await signed.call("ann", "CreateEntry", entry={"id": 1, "text": "same"})
    for mask in ("author", "writer,desk", "id"):
        row = {"id": 1, **LIES}
        assert (await signed.call("bob", "UpdateEntry", entry=row, updateMask=mask)).version == 1
        bulk = await signed.call("bob", "BulkUpsertEntries", entries=[row], updateMask=mask)
        assert bulk.unchanged_count == 1
    same = {"id": 1, "text": "same", **LIES}
    assert (await signed.call("bob", "BulkUpsertEntries", entries=[same])).unchanged_count == 1
    assert (await signed.call("bob", "BulkUpsertEntries", entries=[same] * 2)).superseded_count == 1
    assert await signed.stored() == {1: NEW_BY_ANN}


async def test_deleting_and_undeleting_are_signed(signed: Signed) -> None:
    await signed.call("ann", "BatchCreateEntries", requests=[{"entry": {"id": n, "slot": n}} for n in (1, 2)])
    deleted = await signed.call("bob", "DeleteEntry", id=1)
    assert (deleted.author, deleted.writer, deleted.editor) == ("ann", "bob", "bob")
    await signed.call("bob", "BatchDeleteEntries", requests=[{"id": 2}])
    assert (await signed.stored())[2] == ("ann", "bob", "bob", 3)
    back = await signed.call("ann", "UndeleteEntry", id=1)
    assert (back.author, back.writer, back.editor, back.version) == ("ann", "ann", "ann", 3)


async def test_a_unique_key_may_hold_a_preset(signed: Signed) -> None:
    """Rows are found by what the caller is, not by what it says."""
    for name in ("ann", "bob"):
        entries = [{"id": 1 if name == "ann" else 2, "slot": 1, "author": "liar"}]
        await signed.call(name, "BulkUpsertEntries", entries=entries, conflictTarget=["author", "slot"])
    again = [{"id": 9, "slot": 1, "text": "again", "author": "bob"}]
    answer = await signed.call("ann", "BulkUpsertEntries", entries=again, conflictTarget=["author", "slot"])
    assert answer.updated_count == 1
    ((text,),) = [row.values() for row in await signed.gateway.sql("SELECT text FROM entry WHERE id = 1")]
    assert text == "again"


@pytest.mark.parametrize("name", ["odd", "huge", "non"])
async def test_who_has_no_value_writes_nothing(signed: Signed, name: str) -> None:
    """Where the value is asked for: a change takes no desk."""
    await signed.call("ann", "CreateEntry", entry={"id": 1})
    before = await signed.stored()
    new = {"id": 2, "slot": 2, "desk": 3}
    places = {
        "CreateEntry": ({"entry": new}, "entry.desk"),
        "BatchCreateEntries": ({"requests": [{"entry": new}]}, "requests[0].entry.desk"),
        "UpdateEntry": ({"entry": new, "allowMissing": True}, "entry.desk"),
        "BulkUpsertEntries": ({"entries": [new]}, "entries[0].desk"),
    }
    for method, (request, path) in places.items():
        error = await signed.refusal(name, method, **request)
        assert (error.code.name, error.reason, error.fields) == (*DENIED, [path])
        assert "principal.claims.desk.number" in error.message
    talk = signed.clients[name].converse(f"{ENTRIES}/IngestEntries")
    await talk.ask(start={"stream_id": "one"})
    with pytest.raises(RpcFailed) as failed:
        await talk.ask(sequence=1, entries=[new])
    assert (failed.value.code.name, failed.value.reason) == DENIED
    assert await signed.stored() == before
    await signed.call(name, "UpdateEntry", entry={"id": 1, "text": "x"})
    assert await signed.stored() == {1: ("ann", name, name, 3)}


async def test_who_brings_no_credential_has_no_id(signed: Signed) -> None:
    await signed.call("ann", "CreateEntry", entry={"id": 1})
    anonymous = Client(signed.gateway.target, descriptors_of("signed"))
    for method, request in {
        "UpdateEntry": {"entry": {"id": 1, "text": "x"}},
        "DeleteEntry": {"id": 1},
        "BatchDeleteEntries": {"requests": [{"id": 1}]},
    }.items():
        with pytest.raises(RpcFailed) as failed:
            await anonymous.call(f"{ENTRIES}/{method}", **request)
        assert (failed.value.code.name, failed.value.reason) == DENIED
    await anonymous.close()
    assert await signed.stored() == {1: NEW_BY_ANN}


async def test_callers_share_statements(signed: Signed) -> None:
    """Each item has its own caller's values."""
    names = ["ann", "bob"] * 20
    await asyncio.gather(
        *(
            signed.call(name, "CreateEntry", entry={"id": number, "slot": number})
            for number, name in enumerate(names)
        )
    )
    assert [row[0] for _, row in sorted((await signed.stored()).items())] == names
    await asyncio.gather(
        *(
            signed.call(name, "UpdateEntry", entry={"id": number, "text": "x"}, updateMask="text")
            for number, name in enumerate(reversed(names))
        )
    )
    assert [row[1] for _, row in sorted((await signed.stored()).items())] == names[::-1]


async def test_without_identity_columns_are_as_any_other(
    gateway_for: Callable[..., Awaitable[RunningGateway]], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        gateway = await gateway_for("signed")
    (told,) = [record for record in caplog.records if "presets of columns don't hold" in record.message]
    assert told.__dict__["tables"] == ["signed.v1.Entry"]
    client = Client(gateway.target, descriptors_of("signed"))
    await client.call(f"{ENTRIES}/CreateEntry", entry={"id": 1, **LIES})
    await client.call(f"{ENTRIES}/UpdateEntry", entry={"id": 1, "author": "new"}, updateMask="author")
    await client.call(f"{ENTRIES}/BulkUpsertEntries", entries=[{"id": 2, "slot": 2, **LIES}])
    await client.close()
    rows = await gateway.sql(f"SELECT {COLUMNS} FROM entry ORDER BY id")  # noqa: S608
    assert [tuple(row.values()) for row in rows] == [
        ("new", "liar", "liar", 99),
        ("liar", "liar", "liar", 99),
    ]


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("principal.name", "expected principal.id, principal.kind or principal.claims.NAME"),
        ("principal.roles", "expected principal.id"),
        ("principal.claims", "expected the name of a claim"),
        ("ann", "expected principal.id or principal.claims.NAME"),
        ('"principal.id"', "expected principal.id or principal.claims.NAME"),
        ("principal.id = 3", "expected principal.id or principal.claims.NAME"),
        ("NOT principal.id", "expected principal.id or principal.claims.NAME"),
        ("principal.id.x", "has no fields"),
    ],
)
def test_a_preset_names_one_value_of_the_caller(source: str, wrong: str) -> None:
    with pytest.raises(SchemaError, match=r"signed\.proto:\d+: signed\.v1\.Entry\.text: preset: ") as refused:
        presets_of(_preset("text", source))
    assert wrong in str(refused.value)


def test_a_preset_is_of_a_column_that_holds_such_values() -> None:
    with pytest.raises(SchemaError, match="deleted_at can't hold what is known of callers"):
        presets_of(_preset("deleted_at", "principal.id"))


def _preset(name: str, source: str) -> Schema:
    schema = schema_of("signed")
    resource = schema.resources["signed.v1.Entry"]
    fields = (replace(f, preset=ColumnPreset(source)) if f.name == name else f for f in resource.fields)
    return replace(schema, resources={"signed.v1.Entry": replace(resource, fields=tuple(fields))})
