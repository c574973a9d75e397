"""Databases of every PostgreSQL at hand for the migrations' tests."""

import pytest
from sqlalchemy import MetaData

from gateway.migrate import connect_to
from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import Databases
from tests.harness.gateway import schema_of
from tests.migrate.database import EmptyDatabase

SCHEMAS = ("types", "ledger", "adversarial", "depot")


@pytest.fixture(scope="session", params=["18", "15"])
def servers(request: pytest.FixtureRequest) -> Databases:
    """Return the databases of each PostgreSQL at hand; a test that needs one of them says so by a mark."""
    if request.param == "18":
        databases: Databases = request.getfixturevalue("databases")
        return databases
    return Databases(request.getfixturevalue("debian_15"))


@pytest.fixture(scope="session")
async def reused(servers: Databases) -> tuple[EmptyDatabase, EmptyDatabase]:
    """Return two databases per server: emptying one is ten times quicker than making one."""
    dsns = [await servers.empty(kept=True), await servers.empty(kept=True)]
    first, second = (EmptyDatabase(dsn, connect_to(dsn)) for dsn in dsns)
    return first, second


@pytest.fixture
async def database(reused: tuple[EmptyDatabase, EmptyDatabase]) -> EmptyDatabase:
    """Return an empty database."""
    await reused[0].clear()
    return reused[0]


@pytest.fixture
async def other_database(reused: tuple[EmptyDatabase, EmptyDatabase]) -> EmptyDatabase:
    """Return another empty database of the same server."""
    await reused[1].clear()
    return reused[1]


@pytest.fixture(params=SCHEMAS)
def metadata(request: pytest.FixtureRequest) -> MetaData:
    """Return the tables of each of the tests' schemas."""
    return build_tables(schema_of(request.param)).metadata
