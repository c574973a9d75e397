"""A cluster of Citus: databases on all of its nodes."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from gateway.migrate import apply, connect_to
from gateway.schema.tables.metadata import build_tables
from tests.harness.client import fresh_name
from tests.harness.gateway import schema_of

VARIABLE = "ROWGATE_TEST_CITUS_DSN"
"""Names a database of the coordinator's that has the extension, and knows its workers."""
_NODES = "SELECT nodename, nodeport FROM pg_dist_node ORDER BY groupid"
_KEPT_FROM_SHARDS = "SELECT citus_set_node_property($1, $2, 'shouldhaveshards', false)"


class Cluster:
    """Makes databases, each on all nodes.

    Args:
        dsn: of a database of the coordinator's.

    """

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._nodes: Sequence[tuple[str, int]] = ()
        self._made: list[str] = []

    async def nodes(self) -> Sequence[tuple[str, int]]:
        """Return where the nodes listen, the coordinator first."""
        if not self._nodes:
            async with _connected(self.dsn) as connection:
                self._nodes = [(host, port) for host, port in await connection.fetch(_NODES)]
        return self._nodes

    def on(self, node: tuple[str, int], database: str) -> str:
        """Return the DSN of a database on one node."""
        parts = urlsplit(self.dsn)
        user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        return urlunsplit(parts._replace(netloc=f"{user}{node[0]}:{node[1]}", path=f"/{database}"))

    async def database(self) -> str:
        """Make an empty database; return its DSN on the coordinator."""
        name = fresh_name(f"rowgate_{os.getpid()}")
        self._made.append(name)
        coordinator, *workers = await self.nodes()
        for node in (coordinator, *workers):
            async with _connected(self.on(node, "postgres")) as connection:
                await connection.execute(f'CREATE DATABASE "{name}"')
            async with _connected(self.on(node, name)) as connection:
                await connection.execute("CREATE EXTENSION citus")
        dsn = self.on(coordinator, name)
        async with _connected(dsn) as connection:
            await connection.fetch("SELECT citus_set_coordinator_host($1, $2)", *coordinator)
            for worker in workers:
                await connection.fetch("SELECT citus_add_node($1, $2)", *worker)
            await connection.fetch(_KEPT_FROM_SHARDS, *coordinator)
        return dsn

    async def holding(self, name: str) -> str:
        """Make a database that tests/schemas/<name> was migrated to; return its DSN."""
        dsn = await self.database()
        await apply(build_tables(schema_of(name)).metadata, connect_to(dsn))
        return dsn

    async def drop(self) -> None:
        """Drop the databases, the coordinator's first: it looks after the others."""
        while self._made:
            name = self._made.pop()
            for node in await self.nodes():
                async with _connected(self.on(node, "postgres")) as connection:
                    await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()
