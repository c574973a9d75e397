"""A primary with two standbys, and a gateway that reads them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.db.embedded import EmbeddedPostgres
from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import FORGETFUL, Databases, fetch
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.harness.polling import next_poll
from tests.harness.standby import pause, resume, standby_of
from tests.replicas.caller import Caller

SECRET = "the secret of these tests"  # noqa: S105 - of tests
BankFor = Callable[..., Awaitable[RunningGateway]]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A primary with its standbys.

    Args:
        primary: its server.
        databases: there.
        standbys: the standbys' servers.
        dsns: the DSNs of these.

    """

    primary: EmbeddedPostgres
    databases: Databases
    standbys: list[EmbeddedPostgres]
    dsns: list[str]

    def read_dsn(self, dsn: str) -> str:
        """Return what names a database on all of the standbys."""
        hosts = ",".join(urlsplit(one).query.removeprefix("host=") for one in self.dsns)
        return urlsplit(dsn)._replace(query=f"host={hosts}").geturl()

    async def new(self, schema: str) -> str:
        """Return the DSN of a new database with a schema's tables, which the standbys have, too."""
        dsn = await self.databases.copy_of(schema, build_tables(schema_of(schema)).metadata)
        await self.caught_up()
        return dsn

    async def caught_up(self, through: str = "pg_last_wal_replay_lsn()") -> None:
        """Wait until the standbys have replayed what the primary has written."""
        ((end,),) = await _rows(self.databases.dsn, "SELECT pg_current_wal_flush_lsn()::text")
        for one in self.dsns:
            while not (await _rows(one, f"SELECT {through} >= '{end}'"))[0][0]:
                await next_poll()

    async def received(self) -> None:
        """Wait until the standbys have received what the primary has written, replayed or not."""
        await self.caught_up("pg_last_wal_receive_lsn()")

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Have the standbys replay nothing inside, from what the primary has written by then."""
        await self.caught_up()
        for one in self.dsns:
            await pause(one)
        try:
            yield
        finally:
            for one in self.dsns:
                await resume(one)


async def _rows(dsn: str, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in await fetch(dsn, sql)]


@pytest.fixture(scope="module")
def cluster(data_folder: Path, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Run a primary with two standbys for the module."""
    folder = data_folder / request.module.__name__
    primary = EmbeddedPostgres(folder / "primary", settings=FORGETFUL)
    dsn = primary.start()
    standbys = [standby_of(dsn, folder / name) for name in ("one", "two")]
    try:
        yield Cluster(primary, Databases(dsn), standbys, [one.start() for one in standbys])
    finally:
        for server in (*standbys, primary):
            server.stop()


@pytest.fixture
async def bank_for(cluster: Cluster, transport: str) -> AsyncIterator[BankFor]:
    """Serve the bank over the cluster, with settings by their flat names."""
    running: list[RunningGateway] = []

    async def start(**settings: Any) -> RunningGateway:
        dsn = await cluster.new("bank")
        # Its flag would show it to all who see processes.
        secret = {} if settings.get("apart") else {"secret": SECRET}
        given = {"read_dsn": cluster.read_dsn(dsn), **secret, **settings}
        running.append(await serve("bank", dsn, transport=transport, **given))
        return running[-1]

    yield start
    for gateway in running:
        await gateway.stop()


@pytest.fixture
async def bank(bank_for: BankFor) -> RunningGateway:
    """Serve the bank over the cluster."""
    return await bank_for()


@pytest.fixture
def caller(bank: RunningGateway) -> Caller:
    """Call the bank."""
    return Caller(bank.client)
