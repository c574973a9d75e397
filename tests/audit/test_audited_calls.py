"""Each method that writes leaves a row for each row that it has changed, and for no other."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.audit.kept import Audited, audited_database, audited_tables, changes, key_of
from tests.db.bouncer import bouncer
from tests.harness.client import fresh_name
from tests.harness.databases import Databases, fetch
from tests.harness.transports import TRANSPORTS
from tests.rpc.test_pgbouncer import BEHIND_A_POOLER


@pytest.fixture(params=[*TRANSPORTS, "PostgreSQL 15", "PgBouncer", "nothing is shared"])
async def audited(
    request: pytest.FixtureRequest, databases: Databases, data_folder: Path, tmp_path: Path, transport: str
) -> AsyncIterator[Audited]:
    """Serve the tables over each transport, another server, a pooler, and without shared statements."""
    settings: dict[str, Any] = {}
    if request.param in TRANSPORTS:
        transport = request.param
    if request.param == "PostgreSQL 15":
        databases = Databases(request.getfixturevalue("debian_15"))
    if request.param == "nothing is shared":
        settings["coalesce_writes"] = False
    dsn = await audited_database(databases)
    with ExitStack() as opened:
        if request.param == "PgBouncer":
            folder = data_folder / fresh_name("bouncer")
            settings |= {"login": opened.enter_context(bouncer(folder, dsn, size=2)), **BEHIND_A_POOLER}
        async with audited_tables(dsn, tmp_path, transport, **settings) as served:
            yield served


async def leaves(audited: Audited, name: str, method: str, *told: tuple[str, str, str], **fields: Any) -> Any:
    """Call a method; it has to leave exactly these tables, keys and actions, and PostgreSQL to agree."""
    before, earlier = await audited.stored(), len(await audited.kept())
    answer = await audited.call(name, method, **fields)
    kept = (await audited.kept())[earlier:]
    assert Counter((one.table, one.key, one.action) for one in kept) == Counter(told)
    assert changes(before, await audited.stored()) == Counter(told)
    assert {(one.method, one.who) for one in kept} <= {(method, f"api_key:{name}")}
    return answer


def order(user: str, number: int, **more: Any) -> dict[str, Any]:
    return {"user": user, "number": number, **more}


def of_order(user: str, number: int, action: str) -> tuple[str, str, str]:
    return "public.Order", key_of(user=user, number=number), action


async def test_single_rows(audited: Audited) -> None:
    service = "OrderService"
    one = of_order("é", 2**60, "INSERT")
    made = await leaves(audited, "ann", f"{service}/CreateOrder", one, order=order("é", 2**60, text="a"))
    changed = order("é", 2**60, text="b")
    await leaves(audited, "bob", f"{service}/UpdateOrder", (*one[:2], "UPDATE"), order=changed)
    # Nothing is changed by a mask without columns.
    await leaves(audited, "bob", f"{service}/UpdateOrder", order=changed, updateMask="number")
    stale = {**changed, "etag": made.etag}
    assert await audited.reason("ann", f"{service}/UpdateOrder", order=stale) == "ETAG_MISMATCH"
    await leaves(
        audited,
        "cat",
        f"{service}/UpdateOrder",
        of_order("b", 1, "INSERT"),
        order=order("b", 1),
        allow_missing=True,
    )
    await leaves(
        audited,
        "cat",
        f"{service}/UpdateOrder",
        of_order("b", 1, "UPDATE"),
        order=order("b", 1, text="c"),
        allow_missing=True,
    )
    await leaves(audited, "ann", f"{service}/DeleteOrder", (*one[:2], "DELETE"), user="é", number=2**60)
    await leaves(audited, "ann", f"{service}/DeleteOrder", user="é", number=2**60, allow_missing=True)
    earlier = await audited.kept()
    assert await audited.reason("ann", f"{service}/CreateOrder", order=order("b", 1)) == "UNIQUE_VIOLATION"
    assert await audited.reason("ann", f"{service}/DeleteOrder", user="é", number=3) == "ROW_NOT_FOUND"
    assert await audited.kept() == earlier


async def test_soft_deletion(audited: Audited) -> None:
    service = "NoteService"
    before = await audited.stored()
    note = await audited.call("ann", f"{service}/CreateNote", note={"title": "one"})
    key = ("public.note", key_of(id=note.id))
    assert changes(before, await audited.stored()) == Counter([(*key, "INSERT")])
    assert [one[:3] for one in await audited.kept()] == [(*key, "INSERT")]
    await leaves(audited, "bob", f"{service}/DeleteNote", (*key, "SOFT_DELETE"), id=note.id)
    await leaves(audited, "bob", f"{service}/DeleteNote", id=note.id, allow_missing=True)
    await leaves(audited, "cat", f"{service}/UndeleteNote", (*key, "UNDELETE"), id=note.id)
    assert await audited.reason("cat", f"{service}/UndeleteNote", id=note.id) == "ROW_NOT_DELETED"
    await leaves(audited, "bob", f"{service}/BatchDeleteNotes", (*key, "SOFT_DELETE"), ids=[note.id])
    # A bulk upsert restores what it writes.
    again = [{"id": note.id, "title": "two"}]
    before = await audited.stored()
    await audited.call("ann", f"{service}/BulkUpsertNotes", notes=again)
    assert changes(before, await audited.stored()) == Counter([(*key, "UNDELETE")])
    assert (await audited.kept())[-1][:3] == (*key, "UPDATE")


async def test_batches(audited: Audited) -> None:
    service, count = "OrderService", 30
    rows = [order("u", n, text="a") if n % 2 else order("u", n) for n in range(count)]
    told = [of_order("u", n, "INSERT") for n in range(count)]
    await leaves(
        audited, "ann", f"{service}/BatchCreateOrders", *told, requests=[{"order": one} for one in rows]
    )
    changed: list[dict[str, Any]] = [
        {"order": order("u", n, text="b"), "update_mask": "text"} for n in range(count)
    ]
    changed.append({"order": order("new", 1), "allow_missing": True})
    told = [*(of_order("u", n, "UPDATE") for n in range(count)), of_order("new", 1, "INSERT")]
    await leaves(audited, "bob", f"{service}/BatchUpdateOrders", *told, requests=changed)
    bad = [*({"order": order("u", n)} for n in range(5)), {"order": order("nobody", 1)}]
    earlier = await audited.kept()
    assert await audited.reason("bob", f"{service}/BatchUpdateOrders", requests=bad) == "ROW_NOT_FOUND"
    taken = [{"order": order("fresh", 1)}, {"order": order("u", 1)}]
    assert await audited.reason("bob", f"{service}/BatchCreateOrders", requests=taken) == "UNIQUE_VIOLATION"
    assert await audited.kept() == earlier
    keys = [order("u", n) for n in range(count)]
    told = [of_order("u", n, "DELETE") for n in range(count)]
    await leaves(audited, "cat", f"{service}/BatchDeleteOrders", *told, **{_keys_of(audited): keys})


def _keys_of(audited: Audited) -> str:
    message = audited.clients["ann"].message("audited.v1.BatchDeleteOrdersRequest")
    names = {field.name for field in message.DESCRIPTOR.fields}
    return "keys" if "keys" in names else "requests"


@pytest.mark.parametrize("count", [20, 2500])
async def test_bulk_upserts(audited: Audited, count: int) -> None:
    """New, changed, unchanged and refused rows, few and many: those that were written are kept."""
    service = "OrderService"

    def upsert(rows: Sequence[Any], *told: tuple[str, str, str], **more: Any) -> Any:
        return leaves(audited, "ann", f"{service}/BulkUpsertOrders", *told, orders=rows, **more)

    rows = [order("u", n, text="a") for n in range(count)]
    await upsert(rows, *(of_order("u", n, "INSERT") for n in range(count)))
    await upsert(rows)
    mixed = [order("u", n, text="b" if n % 3 == 0 else "a") for n in range(count)]
    mixed += [order("v", n) for n in range(10)]
    told = [of_order("u", n, "UPDATE") for n in range(0, count, 3)] + [
        of_order("v", n, "INSERT") for n in range(10)
    ]
    await upsert(mixed, *told)
    ignored = [order("u", 1, text="c"), order("w", 1)]
    await upsert(ignored, of_order("w", 1, "INSERT"), on_conflict="ON_CONFLICT_IGNORE")
    twice = [order("x", 1, text="a"), order("x", 1, text="b")]
    await upsert(twice, of_order("x", 1, "INSERT"))
    before = len(await audited.kept())
    await audited.call("ann", f"{service}/BulkUpsertOrders", orders=[order("y", 1)], validate_only=True)
    assert len(await audited.kept()) == before


async def test_bulk_upserts_of_which_some_rows_fail(audited: Audited) -> None:
    await fetch(audited.dsn, "ALTER TABLE page ADD CHECK (text <> 'bad')")
    folder = await audited.call("ann", "FolderService/CreateFolder", folder={"title": "f"})
    pages = [_page(folder.id, n, "bad" if n % 7 == 3 else "good") for n in range(50)]
    pages.append(_page(folder.id + 1, 1))
    told = [_of_page(folder.id, n) for n in range(50) if n % 7 != 3]
    answer = await leaves(
        audited, "bob", "PageService/BulkUpsertPages", *told, pages=pages, partial_failure=True
    )
    assert answer.failed_count == 51 - len(told)
    assert await audited.reason("bob", "PageService/BulkUpsertPages", pages=pages) == "CHECK_VIOLATION"


async def test_rows_that_are_written_and_fail_at_a_deferred_constraint(audited: Audited) -> None:
    """They are taken back: so is what was to be kept of them."""
    defer = "ALTER TABLE page ALTER CONSTRAINT page_folder_id_fkey DEFERRABLE INITIALLY DEFERRED"
    await fetch(audited.dsn, defer)
    folder = await audited.call("ann", "FolderService/CreateFolder", folder={"title": "f"})
    pages = [_page(folder.id + (n % 7 == 3), n) for n in range(50)]
    told = [_of_page(folder.id, n) for n in range(50) if n % 7 != 3]
    answer = await leaves(
        audited, "bob", "PageService/BulkUpsertPages", *told, pages=pages, partial_failure=True
    )
    assert answer.failed_count == 50 - len(told)


def _page(folder: int, n: int, text: str = "") -> dict[str, Any]:
    return {"folder_id": folder, "name": str(n), "text": text}


def _of_page(folder: int, n: int) -> tuple[str, str, str]:
    return "public.page", key_of(folder_id=folder, name=str(n)), "INSERT"


async def test_keys_that_the_database_draws(audited: Audited) -> None:
    earlier = 0
    for count in (3, 1500):
        folders = [{"title": str(n)} for n in range(count)]
        before = await audited.stored()
        await audited.call("ann", "FolderService/BulkUpsertFolders", folders=folders)
        told = changes(before, await audited.stored())
        assert Counter(one[:3] for one in (await audited.kept())[earlier:]) == told
        assert told.total() == count
        earlier += count
    made = await audited.call(
        "bob", "NoteService/BatchCreateNotes", requests=[{"note": {"title": str(n)}} for n in range(9)]
    )
    drawn = Counter(("public.note", key_of(id=note.id), "INSERT") for note in made.notes)
    assert Counter(one[:3] for one in (await audited.kept())[earlier:]) == drawn


async def test_ingest_keeps_each_chunk_once(audited: Audited) -> None:
    async def ingest(*chunks: tuple[int, int]) -> None:
        talk = audited.clients["ann"].converse("audited.v1.OrderService/IngestOrders")
        await talk.ask(start={"stream_id": "one"})
        for sequence, first in chunks:
            answer = await talk.ask(sequence=sequence, orders=[order("u", first + n) for n in range(5)])
            assert answer.watermark >= sequence
        await talk.end()

    await ingest((1, 0), (2, 3))
    told = [of_order("u", n, "INSERT") for n in range(8)]
    assert Counter(one[:3] for one in await audited.kept()) == Counter(told)
    await ingest((1, 0), (2, 3), (3, 100))
    told += [of_order("u", 100 + n, "INSERT") for n in range(5)]
    kept = await audited.kept()
    assert Counter(one[:3] for one in kept) == Counter(told)
    assert {(one.method, one.who) for one in kept} == {("OrderService/IngestOrders", "api_key:ann")}


async def test_deletion_with_force_tells_of_what_goes_along(audited: Audited) -> None:
    for id_ in (1, 2, 3):
        await audited.call("ann", "FolderService/CreateFolder", folder={"id": id_, "title": "f"})
        pages = [{"folder_id": id_, "name": str(n)} for n in range(3)]
        await audited.call("ann", "PageService/BulkUpsertPages", pages=pages)
        await fetch(audited.dsn, "INSERT INTO scrap (id, folder_id) VALUES ($1, $1)", id_)
    assert await audited.reason("ann", "FolderService/DeleteFolder", id=1) == "ROW_IS_REFERENCED"

    def told(*ids: int) -> list[tuple[str, str, str]]:
        pages = [("public.page", key_of(folder_id=i, name=str(n)), "DELETE") for i in ids for n in range(3)]
        return [*(("public.folder", key_of(id=i), "DELETE") for i in ids), *pages]

    await leaves(audited, "bob", "FolderService/DeleteFolder", *told(1), id=1, force=True)
    await leaves(audited, "cat", "FolderService/BatchDeleteFolders", *told(2, 3), ids=[2, 3], force=True)


async def test_a_repeated_request_id_is_kept_once(audited: Audited) -> None:
    name, request_id = "OrderService/CreateOrder", str(uuid4())
    for _ in range(2):
        await audited.call("ann", name, order=order("u", 1), request_id=request_id)
    await audited.call("ann", name, order=order("u", 2), validate_only=True)
    rows = await fetch(audited.dsn, "SELECT * FROM rowgate.audit")
    assert [(json.loads(row["key"]), str(row["idempotency_key"])) for row in rows] == [
        (order("u", 1), request_id)
    ]


async def test_calls_that_share_a_statement_are_kept_each_for_itself(audited: Audited) -> None:
    """Some of them fail: the others' rows have their own callers and request ids all the same."""
    service, names = "OrderService", ("ann", "bob", "cat")
    await audited.call("ann", f"{service}/CreateOrder", order=order("taken", 0))
    await audited.forget()

    async def one(n: int) -> None:
        name = names[n % 3]
        if n % 11 == 5:
            await audited.reason(name, f"{service}/CreateOrder", order=order("taken", 0))
            return
        await audited.call(name, f"{service}/CreateOrder", order=order("u", n))
        await audited.call(name, f"{service}/UpdateOrder", order=order("u", n, text="b"))
        if n % 2:
            await audited.call(names[(n + 1) % 3], f"{service}/DeleteOrder", user="u", number=n)

    await asyncio.gather(*(one(n) for n in range(200)))
    told: Counter[tuple[str, str, str, str]] = Counter()
    for n in (n for n in range(200) if n % 11 != 5):
        key, name = key_of(user="u", number=n), f"api_key:{names[n % 3]}"
        told[key, "INSERT", f"{service}/CreateOrder", name] += 1
        told[key, "UPDATE", f"{service}/UpdateOrder", name] += 1
        if n % 2:
            told[key, "DELETE", f"{service}/DeleteOrder", f"api_key:{names[(n + 1) % 3]}"] += 1
    assert Counter(one[1:] for one in await audited.kept()) == told
    ids = await fetch(audited.dsn, "SELECT request_id FROM rowgate.audit")
    assert len({row["request_id"] for row in ids}) == told.total()
