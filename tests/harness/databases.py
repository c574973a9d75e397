"""Databases for tests: one template per schema, a copy of it per test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import CreateSchema

from gateway.db.database import Database
from gateway.db.database_settings import DatabaseSettings
from gateway.db.embedded import EmbeddedPostgres
from gateway.introspect.tables.ddl import create_extension, quoted
from gateway.introspect.tables.definitions import partition_of
from gateway.introspect.tables.model_tables import needs_of, partitions_of, table_name
from gateway.schema.tables.internal import INTERNAL, INTERNAL_SCHEMA
from tests.harness.client import fresh_name

Open = Callable[..., Awaitable[Database]]

FORGETFUL = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_wal_size": "256MB"}
"""Settings of a PostgreSQL that need not survive anything.

It has a database for each test: autovacuum would start a process for one after the other, all the time.
"""


class Databases:
    """Makes databases on one server. Templates are made once per run, by name."""

    made: ClassVar[list[tuple[str, str]]] = []
    """The databases of all servers that aren't kept, each with its server's DSN."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._templates: dict[str, str] = {}

    def url(self, database: str) -> str:
        """Return the DSN of a database of this server."""
        return urlunsplit(urlsplit(self.dsn)._replace(path=f"/{database}"))

    async def empty(self, *, kept: bool = False) -> str:
        """Create an empty database, which is kept for the run or goes with its module; return its DSN."""
        return await self._create(fresh_name("empty"), kept=kept)

    async def copy_of(self, schema: str, metadata: MetaData) -> str:
        """Create a database that holds the tables of `metadata`; return its DSN."""
        if schema not in self._templates:
            template = fresh_name("template")
            await create_tables(await self._create(template, kept=True), metadata)
            self._templates[schema] = template
        return await self._create(fresh_name("test"), template=self._templates[schema])

    async def encoded(self, encoding: str, metadata: MetaData) -> str:
        """Create a database of an encoding, which holds the tables of `metadata`; return its DSN."""
        settings = f"ENCODING '{encoding}' LOCALE 'C'"
        dsn = await self._create(fresh_name("encoded"), template="template0", settings=settings)
        await create_tables(dsn, metadata)
        return dsn

    async def _create(
        self, name: str, *, template: str = "template1", settings: str = "", kept: bool = False
    ) -> str:
        # Files are copied: a template's pages would all go through the log otherwise.
        create = f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy {settings}'
        async with _connected(self.dsn) as connection:
            await connection.execute(create)
        if not kept:
            self.made.append((self.dsn, name))
        return self.url(name)


async def drop_databases() -> None:
    """Drop the databases that were made so far and aren't kept."""
    while Databases.made:
        dsn, name = Databases.made.pop()
        with suppress(OSError):  # of a server that has ended
            async with _connected(dsn) as connection:
                await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def create_tables(dsn: str, metadata: MetaData) -> None:
    """Create the schemas, extensions and tables of `metadata`, and the gateway's own, without a migration."""
    url = urlunsplit(urlsplit(dsn)._replace(scheme="postgresql+asyncpg"))
    engine = create_async_engine(url)
    tables = [*metadata.tables.values()]
    needs = needs_of(tables)
    try:
        async with engine.begin() as connection:
            for extension in sorted(needs.extensions):
                await connection.execute(text(create_extension(extension)))
            for schema in sorted({*needs.schemas, INTERNAL_SCHEMA}):
                await connection.execute(CreateSchema(schema, if_not_exists=True))
            await connection.run_sync(metadata.create_all)
            for table in tables:
                for name, values in partitions_of([table]).items():
                    create = f"CREATE TABLE {quoted(name)} {partition_of(table_name(table), values)}"
                    await connection.exec_driver_sql(create)
            await connection.run_sync(INTERNAL.create_all)
    finally:
        await engine.dispose()


async def fetch(dsn: str, sql: str, *args: Any) -> list[Mapping[str, Any]]:
    """Run SQL directly, past the gateway; return its rows."""
    async with _connected(dsn) as connection:
        return [dict(row) for row in await connection.fetch(sql, *args)]


@contextmanager
def forgetful_databases(folder: Path) -> Iterator[Databases]:
    """Give databases of an embedded PostgreSQL of its own, which writes nothing out in time."""
    server = EmbeddedPostgres(folder / "postgres", settings={"fsync": "off"})
    try:
        yield Databases(server.start())
    finally:
        server.stop()


@asynccontextmanager
async def opening() -> AsyncIterator[Open]:
    """Give what opens a Database by its DSN, with settings by name; all are closed at the end."""
    opened: list[Database] = []

    async def open_(dsn: str, **settings: Any) -> Database:
        opened.append(await Database.open(DatabaseSettings(dsn=dsn, **settings)))
        return opened[-1]

    yield open_
    for database in opened:
        await database.close()
