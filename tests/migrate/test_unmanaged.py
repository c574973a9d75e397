"""Tables with `managed: false`: migrations leave them alone, serve asks only for what statements need."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.introspect import SchemaMismatchError, require_match
from gateway.introspect.tables.table_records import Name
from gateway.migrate import Folder, MigrationError, apply, differences, preview, revise, upgrade
from gateway.schema.tables.metadata import MANAGED, build_tables
from tests.harness.client import RpcFailed
from tests.harness.gateway import SCHEMAS, RunningGateway, schema_of, serve
from tests.migrate.database import EmptyDatabase
from tests.migrate.models import flights
from tests.migrate.test_foreign_catalogs import dump

SHOP = "unmanaged.v1.Shop"
DAY = date(2026, 11, 22)


def model() -> sa.MetaData:
    """Return the tables that the protos name."""
    return build_tables(schema_of("unmanaged")).metadata


@pytest.fixture
async def shop(database: EmptyDatabase) -> EmptyDatabase:
    """Return a database with the tables that others made."""
    await database.run((SCHEMAS / "unmanaged" / "tables.sql").read_text())
    return database


async def test_migrations_make_nothing_of_them(shop: EmptyDatabase, tmp_path: Path) -> None:
    """Neither what is there, nor what is missing: the second half has no table at all."""
    for _ in range(2):
        before = await dump(shop)
        found = await differences(model(), shop.connect)
        assert (found.open, found.left) == ((), ())
        assert await preview(model(), shop.connect) == ""
        assert await apply(model(), shop.connect, allow_destructive=True) == ()
        assert await revise(model(), shop.connect, Folder(tmp_path), "nothing", day=DAY) == ()
        assert await dump(shop) == before
        await shop.run("SET client_min_messages = warning", "DROP SCHEMA IF EXISTS shop CASCADE")


async def test_a_table_that_others_take_over_stays_as_it_is(database: EmptyDatabase, tmp_path: Path) -> None:
    """Though the folder made it, and drops what the schema gives up; `--adopt` doesn't take it back."""
    folder, metadata = Folder(tmp_path), flights()
    await revise(metadata, database.connect, folder, "make flights", day=DAY)
    await upgrade(folder, database.connect)
    before = await dump(database)
    taken = flights(version=2)
    for table in taken.tables.values():
        table.info[MANAGED] = False
    assert await revise(taken, database.connect, folder, "nothing", day=DAY, allow_destructive=True) == ()
    assert (await differences(taken, database.connect, folder)).open == ()
    assert await dump(database) == before
    with pytest.raises(MigrationError, match=r"--adopt public\.flight: the schema says managed: false"):
        await apply(taken, database.connect, adopted=[Name("public", "flight")])


@pytest.fixture
async def served(shop: EmptyDatabase) -> Any:
    """Serve the shop."""
    gateway = await serve("unmanaged", shop.dsn, transport="http")
    yield gateway
    await gateway.stop()


async def test_they_are_served_by_what_the_database_says_of_them(
    served: RunningGateway, shop: EmptyDatabase
) -> None:
    """The schema names no default, number or computation, and arrays may be NULL: unsaid they are told."""
    before = await dump(shop, "--schema-only")
    made = await served.call(f"{SHOP}/CreateCustomer", customer={"email": "a@x", "tags": ["t"]})
    assert (made.number, made.points, made.standing, made.shouted) == (1, 1, 1, "A@X")
    assert (list(made.tags), made.joined.seconds, len(made.token)) == (["t"], 1577836800, 36)
    await served.sql("""INSERT INTO shop."Customer" (email, tags) VALUES ('b@x', NULL)""")
    got = await served.call(f"{SHOP}/GetCustomer", email="b@x")
    assert (got.number, list(got.tags), got.HasField("note")) == (2, [], False)
    filter_ = 'points = 1 AND standing = STANDING_GOOD AND tags:"t"'
    [found] = (await served.call(f"{SHOP}/ListCustomers", filter=filter_)).customers
    assert found == made
    page = {"order_by": "tags", "page_size": 1}
    first = await served.call(f"{SHOP}/ListCustomers", page)
    second = await served.call(f"{SHOP}/ListCustomers", **page, page_token=first.next_page_token)
    assert [*first.customers, *second.customers] == [made, got]
    changed = await served.call(
        f"{SHOP}/UpdateCustomer",
        customer={"email": "b@x", "points": 7, "note": "n"},
        update_mask="points,note",
    )
    assert (changed.points, changed.note) == (7, "n")
    assert await dump(shop, "--schema-only") == before


async def test_bulk_upserts_take_any_unique_key(served: RunningGateway) -> None:
    rows = [{"email": f"{n}@x", "points": n} for n in range(3)]
    assert (await served.call(f"{SHOP}/BulkUpsertCustomers", customers=rows)).inserted_count == 3
    again = [{**row, "points": 9} for row in rows] + [{"email": "3@x"}]
    answer = await served.call(f"{SHOP}/BulkUpsertCustomers", customers=again)
    assert (answer.inserted_count, answer.updated_count) == (1, 3)
    one = [{"number": 1, "email": "0@x", "points": 5}]
    answer = await served.call(f"{SHOP}/BulkUpsertCustomers", customers=one, conflict_target=["number"])
    assert (answer.inserted_count, answer.updated_count) == (0, 1)
    stored = await served.sql("""SELECT email, points FROM shop."Customer" ORDER BY number""")
    assert [tuple(row.values()) for row in stored] == [*(("0@x", 5), ("1@x", 9), ("2@x", 9), ("3@x", 1))]


async def test_what_the_database_refuses_is_told_by_its_fields(served: RunningGateway) -> None:
    await served.call(f"{SHOP}/CreateCustomer", customer={"email": "a@x"})
    day = {"year": 2026, "month": 11, "day": 22}
    visit = await served.call(f"{SHOP}/CreateVisit", visit={"customer": "a@x", "day": day})
    assert visit.id == 1
    assert await served.call(f"{SHOP}/GetVisit", customer="a@x", day=day) == visit
    for method, request, reason, field in (
        ("CreateCustomer", {"customer": {"email": "a@x"}}, "UNIQUE_VIOLATION", "customer.email"),
        ("CreateCustomer", {"customer": {"email": "b@x", "note": "N"}}, "CHECK_VIOLATION", "customer.note"),
        (
            "CreateVisit",
            {"visit": {"customer": "c@x", "day": day}},
            "FOREIGN_KEY_VIOLATION",
            "visit.customer",
        ),
        ("DeleteCustomer", {"email": "a@x"}, "ROW_IS_REFERENCED", None),
    ):
        with pytest.raises(RpcFailed) as refused:
            await served.call(f"{SHOP}/{method}", request)
        assert (refused.value.reason, field is None or field in refused.value.fields) == (reason, True)
    await served.call(f"{SHOP}/DeleteCustomer", email="a@x", force=True)
    assert await served.sql("SELECT FROM shop.visit") == []


# What statements need, and what is said where the database hasn't got it.
CUSTOMER = 'ALTER TABLE shop."Customer"'
NO_KEY = 'DROP INDEX shop."one mail each" CASCADE'
NEEDED = {
    NO_KEY: "key email is missing: the schema says UNIQUE (email)",
    f'{NO_KEY}; CREATE UNIQUE INDEX ON shop."Customer" (lower(email))': "key email is missing",
    f'{NO_KEY}; CREATE UNIQUE INDEX ON shop."Customer" (email) WHERE number > 0': "key email is missing",
    f'{CUSTOMER} DROP CONSTRAINT "PK of Customer", ADD UNIQUE (number) DEFERRABLE': (
        "key number is UNIQUE (number) DEFERRABLE"
    ),
    f"{CUSTOMER} DROP COLUMN note": "column note is missing: the schema says text",
    f"{CUSTOMER} ALTER points TYPE bigint": "column points is bigint, the schema says integer",
    f"{CUSTOMER} ALTER joined TYPE timestamp(3)": "column joined is timestamp(3)",
    f'{CUSTOMER} DROP CONSTRAINT "PK of Customer", ALTER number DROP NOT NULL': (
        "column number is NULL, the schema says NOT NULL"
    ),
    "ALTER TABLE shop.visit ALTER customer DROP NOT NULL": "column customer is NULL",
    "ALTER TYPE shop.standing RENAME VALUE 'STANDING_GOOD' TO 'good'": "label STANDING_GOOD is missing",
    "ALTER TYPE shop.standing RENAME TO stood": "enum type shop.standing is missing",
    "ALTER TABLE shop.visit RENAME TO visits": "table shop.visit is missing",
    "CREATE TABLE shop.late () INHERITS (shop.visit)": "table shop.visit is inherited by shop.late",
}
# The database's own affair.
THEIRS = (
    f'{CUSTOMER} RENAME CONSTRAINT "PK of Customer" TO pk',
    f'{CUSTOMER} DROP CONSTRAINT "no shouting"',
    f"{CUSTOMER} ALTER points DROP DEFAULT, ALTER joined SET DEFAULT now()",
    f"{CUSTOMER} ALTER note SET NOT NULL, ALTER note SET DEFAULT ''",
    f"{CUSTOMER} ADD COLUMN theirs integer NOT NULL",
    f"{CUSTOMER} ALTER note TYPE varchar(80), ALTER tags SET NOT NULL",
    f"{CUSTOMER} ALTER points TYPE integer",
    "COMMENT ON TABLE shop.visit IS 'theirs'; CREATE INDEX ON shop.visit (id)",
    "ALTER TYPE shop.standing ADD VALUE 'new'",
    'ALTER TABLE shop.visit DROP CONSTRAINT "who?"',
)


@pytest.mark.parametrize("servers", ["18"], indirect=True)
async def test_what_statements_need_is_checked_and_nothing_else(shop: EmptyDatabase) -> None:
    await require_match(shop.connect, model())
    for statement in THEIRS:
        await shop.run(statement)
        await require_match(shop.connect, model())


@pytest.mark.parametrize("servers", ["18"], indirect=True)
async def test_what_statements_lack_is_named(shop: EmptyDatabase) -> None:
    for statement, said in NEEDED.items():
        await shop.run("SET client_min_messages = warning", "DROP SCHEMA shop CASCADE")
        await shop.run((SCHEMAS / "unmanaged" / "tables.sql").read_text(), statement)
        with pytest.raises(SchemaMismatchError) as refused:
            await require_match(shop.connect, model())
        assert said in str(refused.value)
