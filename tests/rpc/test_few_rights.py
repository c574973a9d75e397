"""Tables that others manage are served by a role that may neither make tables nor temporary ones."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.introspect.tables.model_tables import GATEWAY_TABLES
from gateway.migrate import apply, connect_to
from gateway.schema.tables.metadata import build_tables
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import SCHEMAS, RunningGateway, schema_of, serve

SHOP = "unmanaged.v1.Shop"
ROLE = "rowgate_guest"
ID = "123e4567-e89b-12d3-a456-426614174000"
RIGHTS = (
    f"DO $$ BEGIN IF to_regrole('{ROLE}') IS NULL THEN CREATE ROLE {ROLE} LOGIN; END IF; END $$",
    "DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()); END $$",
    f"DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO {ROLE}', current_database()); END $$",
    f"GRANT USAGE ON SCHEMA shop TO {ROLE}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO {ROLE}",
    f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA shop TO {ROLE}",
)


@pytest.fixture
async def dsn(databases: Databases) -> str:
    """Return a database of others, in which the role has the rights of its tables alone."""
    dsn = await databases.empty()
    for statement in (*(SCHEMAS / "unmanaged" / "tables.sql").read_text().split(";\n"), *RIGHTS):
        await fetch(dsn, statement)
    return dsn


@pytest.fixture
async def guest(dsn: str, transport: str) -> AsyncIterator[RunningGateway]:
    """Serve it by that role."""
    gateway = await serve("unmanaged", dsn.replace("//postgres@", f"//{ROLE}@"), transport=transport)
    yield gateway
    await gateway.stop()


async def refusal(gateway: RunningGateway, method: str, **request: Any) -> tuple[str, str]:
    """Return code and reason of a call that fails."""
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{SHOP}/{method}", **request)
    return refused.value.code.name, refused.value.reason


async def test_what_needs_no_table_of_the_gateways_works(guest: RunningGateway, dsn: str) -> None:
    customer = {"email": "a@x"}
    created = await guest.call(f"{SHOP}/CreateCustomer", customer=customer)
    assert await guest.call(f"{SHOP}/GetCustomer", email="a@x") == created
    await guest.call(f"{SHOP}/UpdateCustomer", customer={**customer, "points": 3}, update_mask="points")
    listed = await guest.call(f"{SHOP}/ListCustomers", filter="points = 3")
    assert [one.email for one in listed.customers] == ["a@x"]
    await guest.call(f"{SHOP}/DeleteCustomer", email="a@x")
    assert await fetch(dsn, "SELECT FROM pg_namespace WHERE nspname = 'rowgate'") == []


async def test_they_are_read_where_nothing_may_be_written(dsn: str, transport: str) -> None:
    """As from a standby: the start, too, writes nothing."""
    await fetch(dsn, """INSERT INTO shop."Customer" (email) VALUES ('a@x')""")
    await fetch(
        dsn,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only TO on', "
        "current_database()); END $$",
    )
    gateway = await serve("unmanaged", dsn.replace("//postgres@", f"//{ROLE}@"), transport=transport)
    try:
        assert [one.email for one in (await gateway.call(f"{SHOP}/ListCustomers")).customers] == ["a@x"]
        assert (await gateway.call(f"{SHOP}/GetCustomer", email="a@x")).number == 1
    finally:
        await gateway.stop()


async def test_what_needs_them_says_that_it_is_off(guest: RunningGateway) -> None:
    off = ("FAILED_PRECONDITION", "GATEWAY_TABLES_MISSING")
    assert await refusal(guest, "CreateCustomer", customer={"email": "a@x"}, request_id=ID) == off
    ingest = guest.client.converse(f"{SHOP}/IngestCustomers")
    await ingest.send(start={"stream_id": "s"})
    with pytest.raises(RpcFailed) as refused:
        await anext(ingest)
    assert (refused.value.code.name, refused.value.reason) == off
    assert await guest.sql('SELECT FROM shop."Customer"') == []


async def test_a_flag_makes_them_and_nothing_else(dsn: str, transport: str) -> None:
    metadata = build_tables(schema_of("unmanaged")).metadata
    assert await apply(metadata, connect_to(dsn)) == ()
    metadata.info[GATEWAY_TABLES] = True
    made = await apply(metadata, connect_to(dsn))
    assert [step.sql for step in made if "rowgate" not in step.sql] == []
    gateway = await serve("unmanaged", dsn, transport=transport)
    try:
        asked = {"customer": {"email": "a@x"}, "request_id": ID}
        first = await gateway.call(f"{SHOP}/CreateCustomer", asked)
        assert await gateway.call(f"{SHOP}/CreateCustomer", asked) == first
    finally:
        await gateway.stop()


async def test_the_start_tells_tables_that_lack_from_rights_that_do(
    dsn: str, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def told() -> list[str]:
        caplog.clear()
        gateway = await serve("unmanaged", dsn.replace("//postgres@", f"//{ROLE}@"), transport=transport)
        await gateway.stop()
        return [one.message for one in caplog.records if "Ingest are off" in one.message]

    assert await told() == ["request_id and Ingest are off: the database has no tables for them"]
    metadata = build_tables(schema_of("unmanaged")).metadata
    metadata.info[GATEWAY_TABLES] = True
    await apply(metadata, connect_to(dsn))
    lacking = ["request_id and Ingest are off: the role may not write their tables, or may only read"]
    assert await told() == lacking
    await fetch(dsn, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rowgate TO {ROLE}")
    assert await told() == lacking
    await fetch(dsn, f"GRANT USAGE ON SCHEMA rowgate TO {ROLE}")
    assert await told() == []


async def test_a_column_that_is_left_unset_takes_no_right_to_it(dsn: str, transport: str) -> None:
    """Roles that may set some columns alone, as Supabase has them; calls that share statements too."""
    given = "email, points, standing, tags, joined, token"
    await fetch(dsn, f'REVOKE INSERT ON shop."Customer" FROM {ROLE}')
    await fetch(dsn, f'GRANT INSERT ({given}) ON shop."Customer" TO {ROLE}')
    guest = await serve("unmanaged", dsn.replace("//postgres@", f"//{ROLE}@"), transport=transport)

    async def create(number: int) -> str:
        customer = {"email": f"{number}@x", **({} if number % 2 else {"note": "some"})}
        try:
            return str((await guest.call(f"{SHOP}/CreateCustomer", customer=customer)).email)
        except RpcFailed as failed:
            return failed.reason

    try:
        made = await asyncio.gather(*map(create, range(20)))
    finally:
        await guest.stop()
    assert made == [f"{number}@x" if number % 2 else "INSUFFICIENT_PRIVILEGE" for number in range(20)]
    stored = await fetch(dsn, 'SELECT email, note FROM shop."Customer"')
    assert {(row["email"], row["note"]) for row in stored} == {
        (f"{number}@x", None) for number in range(1, 20, 2)
    }
