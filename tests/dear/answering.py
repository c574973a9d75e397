"""A server in a process of its own whose rows are large, and the most memory that it has held."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.schema.tables.metadata import build_tables
from tests.harness.client import Client
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import descriptors_of, schema_of
from tests.harness.process import ServerProcess

MIB = 1024 * 1024
RESPONSE = 4 * MIB
"""The most bytes of a response, and of the rows that are read for one."""
IN_FLIGHT = 2 * RESPONSE
"""Two of them have room: there is no less."""
SERVICE = "types.v1.ScalarService"
LIST, STREAM = f"{SERVICE}/ListScalars", f"{SERVICE}/StreamScalars"
_FILL = """
    INSERT INTO scalar SELECT (jsonb_populate_record(one, jsonb_build_object('id', number))).*
    FROM scalar AS one, generate_series($1::int, $2::int) AS number WHERE one.id = 1
"""


class Answering:
    """A server of rows by ranges of their numbers: small ones to 100, large ones after them."""

    def __init__(self, server: ServerProcess, client: Client, dsn: str) -> None:
        self.target = server.target
        self.client = client
        self.call = client.call
        self.stream = client.stream
        self._dsn = dsn
        self._process = Path(f"/proc/{server.process.pid}")

    async def sql(self, text: str, *args: Any) -> Any:
        """Run SQL past the gateway."""
        return await fetch(self._dsn, text, *args)

    async def fill(self, first: int, last: int, size: int) -> None:
        """Make rows of so many bytes, with these numbers."""
        await self.sql(_FILL, first, last)
        await self.sql(
            "UPDATE scalar SET bytes_value = decode(repeat('ab', $3), 'hex') WHERE id BETWEEN $1 AND $2",
            first,
            last,
            size,
        )

    def forget(self) -> int:
        """Let the most that was held be what is held now; return that."""
        (self._process / "clear_refs").write_text("5")
        return self.most()

    def most(self) -> int:
        """Return the most bytes that were held."""
        lines = (self._process / "status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@asynccontextmanager
async def answering(databases: Databases, transport: str, **settings: Any) -> AsyncIterator[Answering]:
    """Serve tests/schemas/types by a process of its own, with one small row."""
    dsn = await databases.copy_of("types", build_tables(schema_of("types")).metadata)
    given = {
        "dsn": dsn,
        "listen": "127.0.0.1:0",
        "transport": transport,
        "log_level": "error",
        "log_access": "none",
        "drain_timeout": 1,
        "max_response_bytes": RESPONSE,
        "max_response_bytes_in_flight": IN_FLIGHT,
    }
    server = await ServerProcess.start(descriptors_of("types"), {**given, **settings})
    client = Client(server.target, descriptors_of("types"))
    try:
        await client.call(f"{SERVICE}/CreateScalar", scalar={"id": 1})
        yield Answering(server, client, dsn)
    finally:
        await client.close()
        await server.stop()
