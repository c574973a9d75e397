"""Where callers act by roles of their own, the gateway's keeps what they change: theirs have no right to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.audit.kept import Audited, audited_database, audited_tables, changes, key_of
from tests.db.bouncer import bouncer
from tests.db.proxy import proxied
from tests.harness.client import fresh_name
from tests.harness.databases import Databases, fetch
from tests.rpc.test_pgbouncer import BEHIND_A_POOLER

LOGIN, MEMBER = "rowgate_audit_gate", "rowgate_audit_member"
_CALLER = "(current_setting('request.jwt.claims')::json ->> 'sub')"
SETUP = (
    *(
        f"DO $$ BEGIN IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role} {how}; END IF; END $$"
        for role, how in ((LOGIN, "LOGIN NOINHERIT"), (MEMBER, "NOLOGIN"))
    ),
    f"GRANT {MEMBER} TO {LOGIN}",
    f"GRANT USAGE ON SCHEMA public TO {LOGIN}, {MEMBER}",
    f"GRANT USAGE ON SCHEMA rowgate TO {LOGIN}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON rowgate.idempotency, rowgate.ingest TO {LOGIN}",
    f"GRANT INSERT ON rowgate.audit TO {LOGIN}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {MEMBER}",
    f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {MEMBER}",
    'ALTER TABLE "Order" ENABLE ROW LEVEL SECURITY',
    f'CREATE POLICY own ON "Order" USING ("user" = {_CALLER})',
)
SERVICE = "OrderService"
NATIVE = {"auth_row_security": "postgres", "auth_database_role": MEMBER}


@pytest.fixture(params=["directly", "PostgreSQL 15", "PgBouncer"])
async def audited(
    request: pytest.FixtureRequest, databases: Databases, data_folder: Path, tmp_path: Path, transport: str
) -> AsyncIterator[Audited]:
    if request.param == "PostgreSQL 15":
        databases = Databases(request.getfixturevalue("debian_15"))
    dsn = await audited_database(databases)
    for statement in SETUP:
        await fetch(dsn, statement)
    login, settings = dsn.replace("//postgres@", f"//{LOGIN}@"), {}
    with ExitStack() as opened:
        if request.param == "PgBouncer":
            login = opened.enter_context(bouncer(data_folder / fresh_name("bouncer"), login, size=2))
            settings = BEHIND_A_POOLER
        async with audited_tables(dsn, tmp_path, transport, login=login, **NATIVE, **settings) as served:
            yield served


async def test_changes_are_kept_by_the_gateways_own_role(audited: Audited) -> None:
    before = await audited.stored()

    async def one(name: str, n: int) -> None:
        await audited.call(name, f"{SERVICE}/CreateOrder", order={"user": name, "number": n})
        await audited.call(name, f"{SERVICE}/UpdateOrder", order={"user": name, "number": n, "text": "b"})
        other = {"user": "cat" if name == "ann" else "ann", "number": n}
        assert (
            await audited.reason(name, f"{SERVICE}/UpdateOrder", order={**other, "text": "c"})
            == "ROW_NOT_FOUND"
        )
        assert (
            await audited.reason(name, f"{SERVICE}/CreateOrder", order={**other, "number": 500 + n})
            == "ROW_NOT_ALLOWED"
        )

    await asyncio.gather(*(one(name, n) for name in ("ann", "bob") for n in range(20)))
    rows = [{"user": "bob", "number": n} for n in range(100, 110)]
    await audited.call("bob", f"{SERVICE}/BulkUpsertOrders", orders=rows)
    kept = await audited.kept()
    assert Counter((one.action, one.who) for one in kept) == {
        ("INSERT", "api_key:ann"): 20,
        ("UPDATE", "api_key:ann"): 20,
        ("INSERT", "api_key:bob"): 30,
        ("UPDATE", "api_key:bob"): 20,
    }
    made = changes(before, await audited.stored())
    assert {one[:3] for one in kept if one.action == "INSERT"} == set(made)
    assert ("public.Order", key_of(user="bob", number=105), "INSERT") in made


def order(n: int, text: str = "") -> dict[str, Any]:
    return {"user": "ann", "number": n, "text": text}


async def _ingest(audited: Audited, orders: Sequence[Any]) -> None:
    talk = audited.clients["ann"].converse(f"audited.v1.{SERVICE}/IngestOrders")
    await talk.ask(start={"stream_id": "one"})
    await talk.ask(sequence=1, orders=orders)
    await talk.end()


async def test_each_method_keeps_what_it_changes(audited: Audited) -> None:
    async def leaves(method: str, action: str, *numbers: int, **fields: Any) -> None:
        before, earlier = await audited.stored(), len(await audited.kept())
        if method == "IngestOrders":
            await _ingest(audited, **fields)
        else:
            await audited.call("ann", f"{SERVICE}/{method}", **fields)
        kept = (await audited.kept())[earlier:]
        told = Counter(("public.Order", key_of(user="ann", number=n), action) for n in numbers)
        assert Counter(one[:3] for one in kept) == told == changes(before, await audited.stored())
        assert {(one.method, one.who) for one in kept} == {(f"{SERVICE}/{method}", "api_key:ann")}

    await leaves("CreateOrder", "INSERT", 1, order=order(1))
    await leaves("UpdateOrder", "UPDATE", 1, order=order(1, "b"))
    await leaves("UpdateOrder", "INSERT", 2, order=order(2), allow_missing=True)
    await leaves("BatchCreateOrders", "INSERT", 3, 4, requests=[{"order": order(n)} for n in (3, 4)])
    await leaves("BatchUpdateOrders", "UPDATE", 3, 4, requests=[{"order": order(n, "b")} for n in (3, 4)])
    await leaves("BulkUpsertOrders", "UPDATE", 1, 2, orders=[order(n, "c") for n in (1, 2)])
    await leaves("IngestOrders", "INSERT", 5, 6, orders=[order(n) for n in (5, 6)])
    await leaves("DeleteOrder", "DELETE", 5, user="ann", number=5)
    keys = [{"user": "ann", "number": n} for n in (1, 6)]
    await leaves("BatchDeleteOrders", "DELETE", 1, 6, requests=keys)


FORGE = """
CREATE FUNCTION forge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO rowgate.audit (table_name, key, action, method, principal_kind, principal_id, request_id)
  VALUES ('public.Order', '{}', 'INSERT', 'forged', '', '', '');
  RETURN NULL;
END $$
"""


@pytest.mark.parametrize("when", ["at once", "at the COMMIT"])
async def test_what_a_callers_statement_sets_off_can_not_add_to_it(audited: Audited, when: str) -> None:
    """A trigger's function has the rights of whoever runs it: before PostgreSQL 18, of whoever commits."""
    await fetch(audited.dsn, FORGE)
    how = "" if when == "at once" else "DEFERRABLE INITIALLY DEFERRED"
    how += " FOR EACH ROW EXECUTE FUNCTION forge()"
    await fetch(
        audited.dsn,
        f'CREATE CONSTRAINT TRIGGER forge AFTER INSERT ON "Order" {how}',
    )
    columns = '"user", "Mixed ""Case""", text, version'
    await fetch(audited.dsn, f'INSERT INTO "Order" ({columns}) VALUES ($1, 1, $2, 1)', "owner", "")  # noqa: S608 - a constant
    assert [one.method for one in await audited.kept()] == ["forged"]
    await audited.forget()
    before = await audited.stored()
    for method, fields in (
        ("CreateOrder", {"order": order(1)}),
        ("BatchCreateOrders", {"requests": [{"order": order(1)}]}),
        ("BulkUpsertOrders", {"orders": [order(1)]}),
    ):
        assert await audited.reason("ann", f"{SERVICE}/{method}", **fields) == "INSUFFICIENT_PRIVILEGE"
    assert (await audited.kept(), await audited.stored()) == ([], before)


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ({}, {"GetOrder": 1, "UpdateOrder": 4, "UpdateEntry": 1}),
        (NATIVE, {"GetOrder": 3, "UpdateOrder": 5, "UpdateEntry": 4}),
    ],
    ids=["by the gateway's role", "by callers' roles"],
)
async def test_round_trips(
    databases: Databases,
    tmp_path: Path,
    transport: str,
    policies: dict[str, Any],
    expected: dict[str, int],
) -> None:
    """As docs/row-security.md counts them: of a call alone, whose statements are prepared."""
    dsn = await audited_database(databases)
    for statement in SETUP:
        await fetch(dsn, statement)
    requests = {
        "GetOrder": {"user": "ann", "number": 1},
        "UpdateOrder": {"order": order(1, "b")},
        "UpdateEntry": {"entry": {"id": 1, "text": "b"}},
    }
    async with proxied(dsn) as (proxy, through):
        login = through.replace("//postgres@", f"//{LOGIN}@") if policies else through
        async with audited_tables(dsn, tmp_path, transport, login=login, pool_size=1, **policies) as audited:
            await audited.call("ann", f"{SERVICE}/CreateOrder", order=order(1))
            await audited.call("ann", "EntryService/CreateEntry", entry={"id": 1})

            async def count(method: str) -> int:
                before, service = proxy.round_trips, method.removeprefix("Get").removeprefix("Update")
                await audited.call("ann", f"{service}Service/{method}", **requests[method])
                return proxy.round_trips - before

            # The first prepares its statement; and the gateway looks after its connections itself at times.
            counts = {method: min([await count(method) for _ in range(5)]) for method in requests}
    assert counts == expected
