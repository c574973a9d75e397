"""Servers that the tests of this folder may kill, and databases opened on them."""

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.db.embedded import EmbeddedPostgres
from tests.db.servers import FAST, kill_server, make_database
from tests.harness.databases import Open, opening


@pytest.fixture(scope="session")
def fragile(data_folder: Path) -> Iterator[EmbeddedPostgres]:
    """Run a server of this folder's own; whoever kills it starts it again."""
    server = EmbeddedPostgres(data_folder / "fragile", settings=FAST)
    server.start()
    yield server
    kill_server(server, signal.SIGQUIT)  # at once: a checkpoint of so many databases takes its time
    server.stop()


@pytest.fixture(scope="session", params=["18", "15"])
def any_server(request: pytest.FixtureRequest) -> str:
    """Return the DSN of a server of each end of the supported versions, the embedded one and Debian's 15."""
    if request.param == "18":
        return str(request.getfixturevalue("fragile").start())
    return str(request.getfixturevalue("debian_15"))


@pytest.fixture
async def dsn(fragile: EmbeddedPostgres) -> str:
    """Create an empty database on the fragile server; give its DSN."""
    return await make_database(fragile.start())


@pytest.fixture
async def open_database() -> AsyncIterator[Open]:
    """Open a Database with settings by name; it is closed after the test."""
    async with opening() as open_:
        yield open_
