"""PostgreSQL's own row-level security: each call runs by a role of its caller's, and leaves nothing of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from gateway.introspect import PoliciesBypassedError
from tests.db.bouncer import bouncer
from tests.harness.client import RpcFailed, fresh_name
from tests.harness.databases import Databases, fetch
from tests.harness.polling import next_poll
from tests.rpc.test_pgbouncer import BEHIND_A_POOLER
from tests.rpc.walls import ACME, EVIL, ITEMS, LOGIN, MEMBER, READER, Walled, walled_database, walled_items

DENIED = ("PERMISSION_DENIED", "ROW_NOT_ALLOWED")
ABSENT = ("NOT_FOUND", "ROW_NOT_FOUND")
_WAITING = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
async def walled(databases: Databases, tmp_path: Path, transport: str) -> AsyncIterator[Walled]:
    """Serve the items over one connection, which all callers use in turn."""
    async with walled_items(await walled_database(databases), tmp_path, transport, pool_size=1) as walled:
        yield walled


@pytest.fixture(params=["PostgreSQL 15", "PgBouncer", "many connections"])
async def elsewhere(
    request: pytest.FixtureRequest, databases: Databases, data_folder: Path, tmp_path: Path, transport: str
) -> AsyncIterator[Walled]:
    """Serve the items over another server, by way of a pooler, and over many connections."""
    if request.param == "PostgreSQL 15":
        databases = Databases(request.getfixturevalue("debian_15"))
    dsn = await walled_database(databases)
    if request.param != "PgBouncer":
        async with walled_items(dsn, tmp_path, transport) as walled:
            yield walled
        return
    with bouncer(
        data_folder / fresh_name("bouncer"), dsn.replace("//postgres@", f"//{LOGIN}@"), size=2
    ) as pooled:
        async with walled_items(dsn, tmp_path, transport, login=pooled, **BEHIND_A_POOLER) as walled:
            yield walled


async def _reads(walled: Walled, name: str, mine: set[int]) -> None:
    for number in range(1, 11):
        if number in mine:
            assert (await walled.call(name, "GetItem", id=number)).id == number
        else:
            assert await walled.refused(name, "GetItem", id=number) == ABSENT
    assert await walled.listed(name) == mine
    assert (await walled.call(name, "CountItems")).count == len(mine)
    assert (await walled.call(name, "CountItems", mode="COUNT_MODE_ESTIMATED")).count == len(mine)
    groups = (await walled.call(name, "AggregateItems")).groups
    assert ({one for group in groups for one in group.ids}, len(groups)) == (mine, min(len(mine), 1))
    for number in range(1, 11):
        found = await walled.call(name, "ExistsItems", filter=f"id = {number}")
        assert found.exists == (number in mine)
    found = await walled.call(name, "BatchGetItems", ids=list(range(1, 11)))
    assert ({item.id for item in found.items}, set(found.missing)) == (mine, set(range(1, 11)) - mine)


async def test_reads(walled: Walled) -> None:
    """By every method that reads, one by one and all together."""
    callers = {"ann": ACME, "ada": ACME, "aud": ACME, "eve": EVIL, "non": set[int](), "odd": set[int]()}
    await asyncio.gather(*(_reads(walled, name, mine) for name, mine in callers.items() for _ in range(2)))
    for name, mine in callers.items():
        await _streams(walled, name, mine)


async def _streams(walled: Walled, name: str, mine: set[int]) -> None:
    ids, _, error = await walled.clients[name].stream(f"{ITEMS}/StreamItems").take("items")
    assert (set(ids), error) == (mine, None)


async def test_everywhere(elsewhere: Walled) -> None:
    await asyncio.gather(*(_reads(elsewhere, name, mine) for name, mine in (("ann", ACME), ("eve", EVIL))))
    await _streams(elsewhere, "eve", EVIL)
    await _write_and_look(elsewhere)


async def test_writes(walled: Walled) -> None:
    await _write_and_look(walled)


async def _write_and_look(walled: Walled) -> None:
    before = await walled.stored()
    mine = {"tenant": "acme", "text": "new"}
    foreign = {"id": 20, "tenant": "evil", "text": "new"}
    assert await walled.refused("ann", "CreateItem", item=foreign) == DENIED
    batch = [{"item": {"id": 21, **mine}}, {"item": foreign}]
    assert await walled.refused("ann", "BatchCreateItems", requests=batch) == DENIED
    assert await walled.refused("ann", "UpdateItem", item={"id": 1, "text": "x"}, updateMask="text") == ABSENT
    moved = {"id": 2, "tenant": "evil"}
    assert await walled.refused("ann", "UpdateItem", item=moved, updateMask="tenant") == DENIED
    assert await walled.refused("ann", "DeleteItem", id=1) == ABSENT
    found = {"filter": "*", "maxRows": 9}
    assert await walled.refused("ann", "UpdateItemsByFilter", item={"tenant": "evil"}, **found) == DENIED
    dry = {**found, "validateOnly": True}
    assert (await walled.call("ann", "UpdateItemsByFilter", item={"text": "x"}, **dry)).count == len(ACME)
    assert (await walled.call("eve", "DeleteItemsByFilter", **dry)).count == len(EVIL)
    # The reader lacks the privilege: that is another reason.
    lacking = ("PERMISSION_DENIED", "INSUFFICIENT_PRIVILEGE")
    assert await walled.refused("aud", "CreateItem", item={"id": 22, **mine}) == lacking
    assert await walled.refused("aud", "DeleteItem", id=2) == lacking
    assert await walled.stored() == before
    assert (await walled.call("ann", "CreateItem", item={"id": 30, **mine})).version == 1
    changed = await walled.call("ada", "UpdateItem", item={"id": 30, "text": "changed"}, updateMask="text")
    assert (changed.text, changed.version) == ("changed", 2)
    await walled.call("ann", "DeleteItem", id=30)
    assert await walled.stored() == before


async def test_writes_that_share_a_statement(walled: Walled) -> None:
    """A row that a policy refuses is its caller's alone; no one shares with another principal."""

    async def create(name: str, number: int, tenant: str) -> str:
        try:
            await walled.call(name, "CreateItem", item={"id": number, "tenant": tenant})
        except RpcFailed as failed:
            return failed.reason
        return "OK"

    tried = [("ann", n, "evil" if n % 7 == 0 else "acme") for n in range(100, 140)]
    tried += [("eve", n, "acme" if n % 7 == 0 else "evil") for n in range(140, 180)]
    got = await asyncio.gather(*(create(*one) for one in tried))
    assert got == ["ROW_NOT_ALLOWED" if n % 7 == 0 else "OK" for _, n, _ in tried]
    assert await walled.listed("ann") == ACME | {n for name, n, _ in tried if name == "ann" and n % 7}
    assert await walled.listed("eve") == EVIL | {n for name, n, _ in tried if name == "eve" and n % 7}


@pytest.mark.parametrize("count", [10, 1500])
async def test_bulk_writes(walled: Walled, count: int) -> None:
    items = [{"id": 1000 + n, "tenant": "evil" if n % 100 == 7 else "acme"} for n in range(count)]
    answer = await walled.call("ann", "BulkUpsertItems", items=items, partial_failure=True)
    bad = [n for n in range(count) if n % 100 == 7]
    assert [(one.index, one.status.code) for one in answer.failures] == [(n, 7) for n in bad]
    assert answer.inserted_count == count - len(bad)
    taken = [{"id": 1, "tenant": "acme", "text": "mine"}]
    answer = await walled.call("ann", "BulkUpsertItems", items=taken, partial_failure=True)
    assert answer.failed_count == 1
    assert (1, "evil", "e") in await walled.stored()
    assert len(await walled.stored()) == 10 + count - len(bad)
    assert await walled.listed("eve") == EVIL


async def test_ingest_keeps_its_watermark_by_the_gateways_own_role(walled: Walled) -> None:
    async def ingest(name: str, tenant: str) -> Any:
        talk = walled.clients[name].converse(f"{ITEMS}/IngestItems")
        assert (await talk.ask(start={"stream_id": "one", "partial_failure": True})).watermark == 0
        first = 2000 if name == "ann" else 3000
        items = [{"id": first + n, "tenant": "acme" if n == 1 else tenant} for n in range(3)]
        return await talk.ask(sequence=1, items=items)

    ann, eve = await asyncio.gather(ingest("ann", "acme"), ingest("eve", "evil"))
    assert (ann.watermark, ann.inserted_count, ann.failed_count) == (1, 3, 0)
    assert (eve.watermark, eve.inserted_count, eve.failed_count) == (1, 2, 1)
    assert await walled.listed("eve") == EVIL | {3000, 3002}


async def test_a_login_that_may_do_all_opens_nothing(
    databases: Databases, tmp_path: Path, transport: str
) -> None:
    """Each call is its caller's role's, also after the gateway has written into tables of its own for it."""
    dsn = await walled_database(databases)
    async with walled_items(dsn, tmp_path, transport, login=dsn) as walled:
        await asyncio.gather(*(_reads(walled, name, mine) for name, mine in (("ann", ACME), ("eve", EVIL))))
        await _streams(walled, "ann", ACME)
        await _write_and_look(walled)
        await _write_once(walled)
        foreign = {"id": 40, "tenant": "evil"}
        talk = walled.clients["ann"].converse(f"{ITEMS}/IngestItems")
        await talk.ask(start={"stream_id": "one", "partial_failure": True})
        told = await talk.ask(sequence=1, items=[foreign, {"id": 41, "tenant": "acme"}])
        assert (told.inserted_count, told.failed_count) == (1, 1)
        told = await talk.ask(sequence=2, items=[foreign])
        assert (told.watermark, told.failed_count) == (2, 1)
        assert await walled.refused("ann", "BulkUpsertItems", items=[foreign]) == DENIED


async def test_request_ids_are_kept_by_the_gateways_own_role(walled: Walled) -> None:
    await _write_once(walled)


async def _write_once(walled: Walled) -> None:
    """Write with request ids, and without any effect: as a caller both times."""
    request_id = str(uuid4())
    item = {"id": 50, "tenant": "acme", "text": "once"}
    foreign = {**item, "tenant": "evil"}
    assert await walled.refused("ann", "CreateItem", item=foreign, requestId=request_id) == DENIED
    assert await walled.refused("ann", "CreateItem", item=foreign, validateOnly=True) == DENIED
    first = await walled.call("ann", "CreateItem", item=item, requestId=request_id)
    assert await walled.call("ann", "CreateItem", item=item, requestId=request_id) == first
    again = ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")
    assert await walled.refused("ann", "CreateItem", item=foreign, requestId=request_id) == again
    # The id is its principal's: another's request of the same id is another request.
    taken = ("ALREADY_EXISTS", "UNIQUE_VIOLATION")
    assert await walled.refused("eve", "CreateItem", item=foreign, requestId=request_id) == taken
    await walled.call("ada", "DeleteItem", id=50)


@pytest.mark.parametrize("name", ["sly", "cut", "lot"])
async def test_a_claim_names_no_role_but_those_that_are_listed(walled: Walled, name: str) -> None:
    denied = ("PERMISSION_DENIED", "DATABASE_ROLE_NOT_ALLOWED")
    assert await walled.refused(name, "GetItem", id=2) == denied
    assert await walled.refused(name, "ListItems") == denied
    assert await walled.refused(name, "CreateItem", item={"id": 50, "tenant": "acme"}) == denied
    _, _, error = await walled.clients[name].stream(f"{ITEMS}/StreamItems").take("items")
    assert error is not None
    assert error.reason == denied[1]


async def test_policies_hear_a_claim_as_it_is(walled: Walled) -> None:
    tenant = """o'd\\'d"}; $$ "é\u2028"""
    await walled.call("odd", "CreateItem", item={"id": 60, "tenant": tenant})
    assert await walled.listed("odd") == {60}


async def test_nothing_is_left_on_a_connection(
    databases: Databases, data_folder: Path, tmp_path: Path, transport: str
) -> None:
    """After each way in which a call can end, whoever comes next is themselves.

    There is one connection to the server, behind PgBouncer, so that another client can look at it too.
    """
    dsn = await walled_database(databases)
    login = dsn.replace("//postgres@", f"//{LOGIN}@")
    with bouncer(data_folder / fresh_name("bouncer"), login, size=1) as pooled:
        settings = {"login": pooled, **BEHIND_A_POOLER, "pool_size": 1}
        async with walled_items(dsn, tmp_path, transport, **settings) as walled:
            await _end_calls(walled, pooled)


async def _end_calls(walled: Walled, pooled: str) -> None:

    async def broken_off() -> None:
        """Cancel a batch in the middle of its transaction, which waits for another's row."""
        holder = await asyncpg.connect(walled.dsn)
        try:
            await holder.execute("BEGIN; SELECT FROM item WHERE id = 1 FOR UPDATE")
            changes = [{"item": {"id": 1, "text": "late"}, "updateMask": "text"}]
            call = asyncio.ensure_future(walled.call("eve", "BatchUpdateItems", requests=changes))
            while not await fetch(walled.dsn, _WAITING):
                await next_poll()
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            while await fetch(walled.dsn, _WAITING):  # else the lock may be free before the call is gone
                await next_poll()
        finally:
            await holder.close()

    async def stream_left() -> None:
        responses = walled.clients["eve"].stream(f"{ITEMS}/StreamItems")
        await anext(responses)
        responses.call.cancel()

    async def failed() -> None:
        await walled.refused("eve", "CreateItem", item={"id": 1, "tenant": "evil"})
        await walled.refused("eve", "CreateItem", item={"id": 70, "tenant": "acme"})
        await walled.refused("eve", "BulkUpsertItems", items=[{"id": 70, "tenant": "acme"}])

    async def timed_out() -> None:
        holder = await asyncpg.connect(walled.dsn)
        try:
            await holder.execute("BEGIN; LOCK TABLE item")
            async with asyncio.timeout(10):
                with pytest.raises(RpcFailed):
                    await walled.clients["eve"].call(f"{ITEMS}/ListItems", timeout=0.1)
        finally:
            await holder.close()

    for end in (broken_off, stream_left, failed, timed_out):
        for _ in range(3):
            await end()
            assert await walled.listed("non") == set()
            assert await walled.listed("ann") == ACME
            assert await _look(pooled) == (LOGIN, "")
    assert (1, "evil", "e") in await walled.stored()


async def _look(pooled: str) -> tuple[str, str]:
    """Return the role, and the claims, of the server's connection as another client finds it."""
    connection = await asyncpg.connect(pooled, statement_cache_size=0)
    try:
        return tuple(
            await connection.fetchrow(
                "SELECT current_user::text, coalesce(current_setting('request.jwt.claims', true), '')"
            )
        )
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (f"ALTER ROLE {MEMBER} SUPERUSER", f"{MEMBER}: is a superuser"),
        (f"ALTER ROLE {READER} BYPASSRLS", f"{READER}: has BYPASSRLS"),
        (f"ALTER TABLE item OWNER TO {MEMBER}", f"{MEMBER}: has the rights of the owner of public.item"),
        (f"REVOKE {READER} FROM {LOGIN}", f"{READER}: the gateway's role may not take it"),
    ],
)
async def test_roles_that_go_round_policies_are_refused(
    databases: Databases, tmp_path: Path, transport: str, change: str, told: str
) -> None:
    dsn = await walled_database(databases)
    await fetch(dsn, change)
    try:
        with pytest.raises(PoliciesBypassedError, match=told):
            async with walled_items(dsn, tmp_path, transport):
                pass
    finally:
        await fetch(dsn, f"ALTER ROLE {MEMBER} NOSUPERUSER")
        await fetch(dsn, f"ALTER ROLE {READER} NOBYPASSRLS")
        await fetch(dsn, f"GRANT {READER} TO {LOGIN}")


async def test_an_owner_whose_table_forces_its_policies_is_served(
    databases: Databases, tmp_path: Path, transport: str
) -> None:
    dsn = await walled_database(databases)
    await fetch(dsn, f"ALTER TABLE item OWNER TO {MEMBER}")
    await fetch(dsn, "ALTER TABLE item FORCE ROW LEVEL SECURITY")
    async with walled_items(dsn, tmp_path, transport) as walled:
        assert await walled.listed("ann") == ACME
