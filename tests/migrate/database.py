"""A database of a test's own, seen past the gateway."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import MetaData

from gateway.introspect import Difference, drift
from gateway.migrate import Connect
from gateway.migrate.locks.lock import opened

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

    async def fetch(self, query: str, *args: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        async with opened(self.connect) as connection:
            return [tuple(row) for row in await connection.fetch(query, *args)]

    async def drift(self, metadata: MetaData) -> Sequence[Difference]:
        """Return what differs between a model and the database."""
        async with opened(self.connect) as connection:
            return await drift(connection, metadata)
