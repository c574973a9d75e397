"""Servers that the tests of this folder may kill, and databases opened on them."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.db.database import Database
from gateway.db.embedded import EmbeddedPostgres
from gateway.db.settings import DatabaseSettings
from tests.db.servers import FAST, kill_server, make_database

Open = Callable[..., Awaitable[Database]]


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
    opened: list[Database] = []

    async def open_(dsn: str, **settings: Any) -> Database:
        opened.append(await Database.open(DatabaseSettings(dsn=dsn, **settings)))
        return opened[-1]

    yield open_
    for database in opened:
        await database.close()
