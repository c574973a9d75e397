"""Databases of every PostgreSQL at hand for the migrations' tests."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import quote

import pytest
from sqlalchemy import MetaData

from gateway.migrate import connect_to
from gateway.schema.tables import build_tables
from tests.harness.databases import Databases
from tests.harness.gateway import schema_of
from tests.migrate.database import EmptyDatabase

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
SCHEMAS = ("types", "ledger", "adversarial")


def _owner() -> str | None:
    """Return whom the server runs as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


@pytest.fixture(scope="session")
def debian_15() -> Iterator[str]:
    """Run a PostgreSQL 15 of Debian's for as long as the tests do."""
    if not DEBIAN_15.exists():
        pytest.skip("PostgreSQL 15 is not installed")
    folder, owner = Path(mkdtemp(prefix="rowgate-15-")), _owner()
    if owner:
        shutil.chown(folder, owner)
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    control = [str(DEBIAN_15 / "pg_ctl"), "-D", str(folder / "data"), "-s", "-w"]

    def run(*command: str) -> None:
        subprocess.run(command, check=True, user=owner, cwd=folder, timeout=60, stdout=subprocess.DEVNULL)

    run(str(DEBIAN_15 / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "-N")
    run(*control, "-o", options, "-l", str(folder / "log"), "start")
    yield f"postgresql://postgres@/postgres?host={quote(str(folder), safe='')}"
    run(*control, "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture(scope="session", params=["18", "15"])
def servers(request: pytest.FixtureRequest) -> Databases:
    """Return the databases of each PostgreSQL at hand."""
    if request.param == "18":
        databases: Databases = request.getfixturevalue("databases")
        return databases
    return Databases(request.getfixturevalue("debian_15"))


@pytest.fixture(scope="session")
async def reused(servers: Databases) -> tuple[EmptyDatabase, EmptyDatabase]:
    """Return two databases per server: emptying one is ten times quicker than making one."""
    dsns = [await servers.empty(), await servers.empty()]
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
