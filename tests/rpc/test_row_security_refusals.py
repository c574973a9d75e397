"""PostgreSQL's own policies as callers hear of them: who nobody is, rules that fail, rows that stay."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import MetaData, Table

from gateway.db.database import Database
from gateway.db.database_settings import DatabaseSettings
from gateway.introspect import require_policies_hold
from gateway.request.calls.call import Call
from tests.harness.client import Client
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import descriptors_of
from tests.rpc.test_row_security import ABSENT
from tests.rpc.walls import ACME, EVIL, ITEMS, MEMBER, Walled, walled_database, walled_items

_CLAIMS = "current_setting('request.jwt.claims', true)::json"
_ALL = ACME | EVIL
_KEPT = ("FAILED_PRECONDITION", "ROW_KEPT_OUT")
_FAILED = ("FAILED_PRECONDITION", "ROW_POLICY_FAILED")
_KEEP = (
    "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
    "CREATE TRIGGER keep BEFORE DELETE ON item FOR EACH ROW EXECUTE FUNCTION keep()",
)
# Who may read and change a row, but not delete it.
_DELETE_EVIL = (
    "CREATE POLICY see ON item FOR SELECT USING (true)",
    "CREATE POLICY alter ON item FOR UPDATE USING (true)",
    "CREATE POLICY remove ON item FOR DELETE USING (tenant = 'evil')",
)


@pytest.fixture
async def dsn(databases: Databases) -> str:
    """Return the items' database, without a policy: nobody sees a row."""
    dsn = await walled_database(databases)
    await fetch(dsn, "DROP POLICY of_tenant ON item")
    return dsn


@asynccontextmanager
async def _served(dsn: str, folder: Path, transport: str, *policies: str) -> AsyncIterator[Walled]:
    """Serve the items behind some policies, also to `nobody`, who has no credential."""
    for policy in policies:
        await fetch(dsn, policy)
    async with walled_items(dsn, folder, transport) as walled:
        nobody = Client(walled.gateway.target, descriptors_of("walled"))
        try:
            yield replace(walled, clients={**walled.clients, "nobody": nobody})
        finally:
            await nobody.close()


async def test_nobody_has_no_subject(dsn: str, tmp_path: Path, transport: str) -> None:
    """As in PostgREST and Supabase, whose policies ask `auth.uid() IS NOT NULL`."""
    policies = (
        f"CREATE POLICY known ON item USING (({_CLAIMS} ->> 'sub') IS NOT NULL AND tenant = 'acme')",
        "CREATE POLICY nobodys ON item USING (current_setting('rowgate.principal') = 'anonymous' AND id = 1)",
        f"CREATE POLICY as_uuid ON item USING (({_CLAIMS} ->> 'sub')::uuid IS NOT NULL)",
    )
    async with _served(dsn, tmp_path, transport, *policies[:2]) as walled:
        assert await walled.listed("ann") == ACME
        assert await walled.listed("nobody") == {1}
    async with _served(dsn, tmp_path, transport, policies[2]) as walled:
        assert await walled.listed("nobody") == {1}
        assert (await walled.call("nobody", "GetItem", id=1)).id == 1
        assert await walled.refused("nobody", "GetItem", id=2) == ABSENT


async def test_a_policy_that_fails_blames_no_request(dsn: str, tmp_path: Path, transport: str) -> None:
    """What takes no text of a request is told as the policy's; what takes some blames no field of it."""
    policy = f"CREATE POLICY numbered ON item USING (({_CLAIMS} ->> 'tenant')::int > 0)"
    async with _served(dsn, tmp_path, transport, policy) as walled:
        assert await walled.refused("ann", "GetItem", id=2) == _FAILED
        assert await walled.refused("ann", "BatchGetItems", ids=[1, 2]) == _FAILED
        assert await walled.refused("ann", "ListItems") == _FAILED
        assert await walled.refused("ann", "CountItems") == _FAILED
        assert await walled.refused("ann", "DeleteItem", id=2) == _FAILED
        _, _, error = await walled.clients["ann"].stream(f"{ITEMS}/StreamItems").take("items")
        assert error is not None
        assert (error.code.name, error.reason) == _FAILED
        told = ("INVALID_ARGUMENT", "INVALID_VALUE")
        assert await walled.refused("ann", "ListItems", filter='text = "a"') == told
        assert await walled.listed("non") == set(), "NULL is no error"
        assert len(await walled.stored()) == len(_ALL)


async def test_rows_that_may_not_be_deleted_are_absent(dsn: str, tmp_path: Path, transport: str) -> None:
    async with _served(dsn, tmp_path, transport, *_DELETE_EVIL) as walled:
        assert await walled.listed("ann") == _ALL
        assert await walled.refused("ann", "DeleteItem", id=2) == ABSENT
        await walled.call("ann", "DeleteItem", id=2, allowMissing=True)
        await walled.call("ann", "DeleteItem", id=1)
        batch = [{"id": 3}, {"id": 4}]
        assert await walled.refused("ann", "BatchDeleteItems", requests=batch) == ABSENT
        missing = [{**one, "allowMissing": True} for one in batch]
        await walled.call("ann", "BatchDeleteItems", requests=missing, allowMissing=True)
        assert await walled.listed("ann") == _ALL - {1, 3}
        assert (await walled.call("ann", "DeleteItemsByFilter", filter="id < 7", maxRows=9)).count == 1
        assert await walled.listed("ann") == _ALL - {1, 3, 5}


async def test_rows_that_a_trigger_keeps_are_told_of(dsn: str, tmp_path: Path, transport: str) -> None:
    async with _served(dsn, tmp_path, transport, *_DELETE_EVIL, *_KEEP) as walled:
        assert await walled.refused("ann", "DeleteItem", id=1) == _KEPT
        assert await walled.refused("ann", "DeleteItemsByFilter", filter="*", maxRows=99) == _KEPT
        # Trigger or policy: that can't be told.
        assert await walled.refused("ann", "DeleteItem", id=2) == _KEPT
        assert await walled.listed("ann") == _ALL


async def test_views_are_told_as_open_as_what_they_look_at(
    dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    """However many views are between: by the rights of an owner at last no policy of a caller's holds."""
    invoker = "WITH (check_option = local, security_invoker = on)"
    views = (
        ("by_owner", "", "item"),
        ("by_owner_too", "WITH (security_invoker = off)", "item"),
        ("guarded", invoker, "item"),
        ("outer_guarded", invoker, "guarded"),
        ('"Deep"."V"', invoker, "by_owner"),
        ("nested", invoker, '"Deep"."V"'),
        ("of_bare", invoker, "bare"),
        ("of_stored", "WITH (security_invoker)", "stored"),
    )
    await fetch(dsn, "CREATE TABLE bare (id int)")
    await fetch(dsn, 'CREATE SCHEMA "Deep"')
    await fetch(dsn, "CREATE MATERIALIZED VIEW stored AS SELECT id FROM item")
    for name, options, below in views:
        await fetch(dsn, f"CREATE VIEW {name} {options} AS SELECT id FROM {below}")  # noqa: S608 - constants
    names = ("item", "bare", "by_owner", "by_owner_too", "guarded", "outer_guarded", "nested", "of_bare")
    metadata = MetaData()
    for name in (*names, "of_stored"):
        Table(name, metadata, schema="public")
    database = await Database.open(DatabaseSettings(dsn=dsn))
    try:
        await require_policies_hold(database, [MEMBER], metadata, Call("start"))
    finally:
        await database.close()
    [told] = [vars(one)["tables"] for one in caplog.records if "no row-level security" in one.message]
    assert told == [
        "public.bare",
        "public.by_owner",
        "public.by_owner_too",
        "public.nested (by public.by_owner)",
        "public.of_bare (by public.bare)",
        "public.of_stored (by public.stored)",
    ]
