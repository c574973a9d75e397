"""Where callers act by roles of their own, the gateway's keeps what they change: theirs have no right to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.audit.kept import Audited, audited_database, audited_tables, changes, key_of
from tests.db.bouncer import bouncer
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


@pytest.fixture(params=["directly", "PgBouncer"])
async def audited(
    request: pytest.FixtureRequest, databases: Databases, data_folder: Path, tmp_path: Path, transport: str
) -> AsyncIterator[Audited]:
    dsn = await audited_database(databases)
    for statement in SETUP:
        await fetch(dsn, statement)
    login, settings = dsn.replace("//postgres@", f"//{LOGIN}@"), {}
    with ExitStack() as opened:
        if request.param == "PgBouncer":
            login = opened.enter_context(bouncer(data_folder / fresh_name("bouncer"), login, size=2))
            settings = BEHIND_A_POOLER
        policies = {"auth_row_security": "postgres", "auth_database_role": MEMBER}
        async with audited_tables(dsn, tmp_path, transport, login=login, **policies, **settings) as served:
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


async def test_callers_roles_can_not_reach_what_is_kept(audited: Audited) -> None:
    await audited.call("ann", f"{SERVICE}/CreateOrder", order={"user": "ann", "number": 1})
    ((rights,),) = [
        tuple(row.values())
        for row in await fetch(
            audited.dsn,
            "SELECT has_schema_privilege($1, 'rowgate', 'USAGE')"
            " OR has_table_privilege($1, 'rowgate.audit', 'SELECT, INSERT, UPDATE, DELETE') AS some",
            MEMBER,
        )
    ]
    assert not rights
