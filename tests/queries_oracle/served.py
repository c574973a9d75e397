"""Gateways over the three schemas, each on both transports, over one database a schema."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from gateway.cli.servers import SERVERS
from tests.harness.client import Client
from tests.harness.databases import Databases
from tests.harness.gateway import serve, start_gateway
from tests.queries_oracle.slow import SLOW_SECONDS
from tests.queries_oracle.tables import SCHEMAS
from tests.queries_oracle.world import World, places, write

_SETTINGS = {
    "pool_size": 2,
    "secret": "a secret of sixteen or more",
    "log_level": "error",
    "log_slow_call": SLOW_SECONDS,
    "log_slow_statement": SLOW_SECONDS,
    "stream_chunk_bytes": 1024,
}


@dataclass(slots=True)
class Served:
    """A schema that gateways serve.

    Args:
        schema: its name.
        clients: by transports.
        sql: a connection past the gateways.

    """

    schema: str
    clients: Mapping[str, Client]
    sql: asyncpg.Connection
    world: World = field(default_factory=dict)
    places: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    drawn: int = -1

    async def fill(self, world: World) -> None:
        """Store these rows, and no others."""
        await write(self.sql, self.schema, world)
        self.world, self.places = world, await places(self.sql, self.schema)


@asynccontextmanager
async def serving(
    databases: Databases, schemas: Sequence[str] = tuple(SCHEMAS), transports: Sequence[str] = tuple(SERVERS)
) -> AsyncIterator[Mapping[str, Served]]:
    """Serve schemas; give them by their names."""
    async with AsyncExitStack() as stack:
        served = {}
        for schema in schemas:
            first = await start_gateway(schema, databases, transport=transports[0], **_SETTINGS)
            stack.push_async_callback(first.stop)
            clients = {transports[0]: first.client}
            for transport in transports[1:]:
                other = await serve(schema, first.dsn, transport=transport, **_SETTINGS)
                stack.push_async_callback(other.stop)
                clients[transport] = other.client
            sql = await asyncpg.connect(first.dsn)
            stack.push_async_callback(sql.close)
            served[schema] = Served(schema, clients, sql)
        yield served
