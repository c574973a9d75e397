"""A gateway on a free port, over a database of its own.

It runs in this process, or as `rowgate serve`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.app import Gateway
from gateway.cli.servers import SERVERS
from gateway.config.load import settings_of
from gateway.schema.model import Schema
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.harness.client import Client
from tests.harness.databases import Databases, fetch
from tests.harness.process import ServerProcess

SCHEMAS = Path(__file__).parent.parent / "schemas"


@cache
def descriptors_of(name: str) -> FileDescriptorSet:
    """Compile tests/schemas/<name>, once per run."""
    return compile_protos(SCHEMAS / name)


@cache
def schema_of(name: str) -> Schema:
    """Read tests/schemas/<name>, once per run."""
    return read_schema(descriptors_of(name))


@dataclass(frozen=True, slots=True, repr=False)  # hypothesis prints it, descriptors and all
class RunningGateway:
    """What a test holds: the client, the schema, and the database's DSN for a look past the gateway."""

    client: Client
    schema: Schema
    dsn: str
    target: str
    end: Callable[[], Awaitable[None]]

    async def call(self, method: str, request: Any = None, /, **fields: Any) -> Any:
        """Call `package.Service/Method`."""
        return await self.client.call(method, request, **fields)

    async def sql(self, text: str, *args: Any) -> Any:
        """Run SQL directly; return its rows as dictionaries."""
        return await fetch(self.dsn, text, *args)

    async def stop(self) -> None:
        """Close the client, then the gateway."""
        await self.client.close()
        await self.end()


async def start_gateway(name: str, databases: Databases, **settings: Any) -> RunningGateway:
    """Serve tests/schemas/<name> over a fresh database; `settings` by their flat names (`pool_size=1`)."""
    metadata = build_tables(schema_of(name)).metadata
    dsn = await databases.copy_of(name, metadata)
    return await serve(name, dsn, **settings)


async def serve(
    name: str, dsn: str, *, transport: str, apart: bool = False, **settings: Any
) -> RunningGateway:
    """Serve tests/schemas/<name> over a database that has its tables.

    In this process, or `apart` by one of its own.
    """
    start = _serve_apart if apart else _serve_here
    given = {"dsn": dsn, "listen": "127.0.0.1:0", "log_access": "none", "transport": transport, **settings}
    target, end = await start(name, given)
    return RunningGateway(Client(target, descriptors_of(name)), schema_of(name), dsn, target, end)


@asynccontextmanager
async def client_of(descriptors: FileDescriptorSet, dsn: str, **settings: Any) -> AsyncIterator[Client]:
    """Serve a schema over a database that has its tables, in this process; give a client."""
    given = {"dsn": dsn, "listen": "127.0.0.1:0", "log_access": "none", "transport": "http", **settings}
    gateway = await Gateway.start(descriptors, settings_of(**given), SERVERS[given["transport"]])
    client = Client(f"127.0.0.1:{gateway.port}", descriptors)
    try:
        yield client
    finally:
        await client.close()
        await gateway.stop(grace=1)


async def _serve_here(name: str, settings: dict[str, Any]) -> tuple[str, Callable[[], Awaitable[None]]]:
    make_server = SERVERS[settings["transport"]]
    descriptors, schema = descriptors_of(name), schema_of(name)
    gateway = await Gateway.start(descriptors, settings_of(**settings), make_server, schema=schema)
    return f"127.0.0.1:{gateway.port}", lambda: gateway.stop(grace=1)


async def _serve_apart(name: str, settings: dict[str, Any]) -> tuple[str, Callable[[], Awaitable[None]]]:
    quiet = {"drain_timeout": 1, "log_level": "error"}
    server = await ServerProcess.start(descriptors_of(name), {**quiet, **settings})
    return server.target, server.stop


async def ledger_database(databases: Databases) -> str:
    """Return the DSN of a database with the ledger's tables."""
    return await databases.copy_of("ledger", build_tables(schema_of("ledger")).metadata)
