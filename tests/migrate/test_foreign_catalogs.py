"""Databases that others made: Rowgate adds its own schema to them, and changes nothing of what is there.

`tests/schemas/foreign/<name>` holds each as the SQL that makes it and the protos that serve a part of it.
"""

import asyncio
import os
from typing import Any

import pytest
from google.rpc.error_details_pb2 import BadRequest
from sqlalchemy import MetaData

from gateway.introspect import require_match
from gateway.migrate import apply, differences, preview
from gateway.schema.tables.metadata import build_tables
from tests.harness.client import RpcFailed
from tests.harness.gateway import SCHEMAS, schema_of, serve
from tests.migrate.database import PROGRAMS, EmptyDatabase

# A method that lists, and one that writes a row.
CATALOGS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "northwind": (
        "northwind.v1.Sales/ListCustomers",
        "northwind.v1.Sales/CreateCustomer",
        {"customer": {"customer_id": "ANATR", "company_name": "Ana Trujillo"}},
    ),
    "alembic": (
        "alembic.v1.Blog/ListAuthors",
        "alembic.v1.Blog/CreateAuthor",
        {"author": {"email": "b@example.com"}},
    ),
    "django": ("django.v1.Shop/ListAuthors", "django.v1.Shop/CreateAuthor", {"author": {"name": "Bob"}}),
    "rails": (
        "rails.v1.Accounts/ListAccounts",
        "rails.v1.Accounts/CreateAccount",
        {"account": {"email": "b@example.com"}},
    ),
    "odd": ("odd_tables.v1.Odd/ListLarges", "odd_tables.v1.Odd/CreateLarge", {"large": {"quoted": "second"}}),
}


async def dump(database: EmptyDatabase, *options: str) -> list[str]:
    """Return all that pg_dump tells of the database, but for Rowgate's own schema."""
    process = await asyncio.create_subprocess_exec(
        *(PROGRAMS / "pg_dump", "--exclude-schema=rowgate", "--dbname", database.dsn, *options),
        env={**os.environ, "PGCLIENTENCODING": "UTF8"},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), timeout=60)
    assert process.returncode == 0
    # It guards a restore by a word that is another each time.
    return [line for line in out.decode().splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


@pytest.fixture(params=CATALOGS)
async def catalog(request: pytest.FixtureRequest, database: EmptyDatabase) -> str:
    """Return the name of a database that others made; `database` is that database."""
    name = str(request.param)
    await database.run((SCHEMAS / "foreign" / name / "tables.sql").read_text())
    return name


def model_of(catalog: str) -> MetaData:
    """Return the tables that the protos name."""
    return build_tables(schema_of(f"foreign/{catalog}")).metadata


async def test_a_migration_adds_nothing_but_the_schema_of_its_own(
    catalog: str, database: EmptyDatabase
) -> None:
    metadata, before = model_of(catalog), await dump(database)
    found = await differences(metadata, database.connect)
    assert found.open
    assert [said for said in found.open if "rowgate" not in said] == []
    assert await preview(metadata, database.connect)
    assert await dump(database) == before

    steps = await apply(metadata, database.connect)
    assert [step for step in steps if "rowgate" not in step.sql] == []
    assert await dump(database) == before
    assert (await differences(metadata, database.connect)).open == ()
    assert await apply(metadata, database.connect, allow_destructive=True) == ()
    assert await dump(database) == before


async def test_it_is_served_as_it_is(catalog: str, database: EmptyDatabase) -> None:
    metadata, before = model_of(catalog), await dump(database, "--schema-only")
    lists, creates, row = CATALOGS[catalog]
    await apply(metadata, database.connect)
    await require_match(database.connect, metadata)
    gateway = await serve(f"foreign/{catalog}", database.dsn, transport="http")
    try:
        first = await gateway.call(lists)
        await gateway.call(creates, row)
        assert len(_rows(await gateway.call(lists))) == len(_rows(first)) + 1 == 2
    finally:
        await gateway.stop()
    assert await dump(database, "--schema-only") == before


async def test_a_taken_key_is_told_by_its_fields_whatever_it_is_called(database: EmptyDatabase) -> None:
    """PostgreSQL names the constraint: `pk_customers`, and one that the schema doesn't name at all."""
    await database.run((SCHEMAS / "foreign" / "northwind" / "tables.sql").read_text())
    await database.run("ALTER TABLE customers ADD CONSTRAINT one_per_name UNIQUE (company_name)")
    await apply(model_of("northwind"), database.connect)
    gateway = await serve("foreign/northwind", database.dsn, transport="grpcio")
    try:
        for row, field in (
            ({"customer_id": "ALFKI", "company_name": "Another"}, "customer.customer_id"),
            ({"customer_id": "ANATR", "company_name": "Alfreds Futterkiste"}, "customer.company_name"),
        ):
            with pytest.raises(RpcFailed, match="ALREADY_EXISTS") as refused:
                await gateway.call("northwind.v1.Sales/CreateCustomer", customer=row)
            [violations] = refused.value.details(BadRequest)
            assert [violation.field for violation in violations.field_violations] == [field]
    finally:
        await gateway.stop()


def _rows(response: Any) -> Any:
    return getattr(response, response.DESCRIPTOR.fields[0].name)
