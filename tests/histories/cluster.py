"""Two gateways over one database, of which each part can be killed, cut off, held up and started again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.db.embedded import EmbeddedPostgres
from gateway.schema.tables.metadata import build_tables
from tests.db.proxy import Proxy, proxied
from tests.db.servers import kill_server
from tests.harness.client import Client
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, schema_of
from tests.harness.process import ServerProcess
from tests.harness.sample import free_port

SCHEMA = "vault"
_SETTINGS = {"log_level": "error", "log_access": "none", "drain_timeout": 1, "acquire_timeout": 2}
_CHANNEL = (("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200))


@dataclass
class Node:
    """A gateway in a process of its own, behind a proxy of its own to the database.

    Args:
        transport: what it is served by.
        dsn: of the database, through the proxy.
        proxy: the proxy.
        target: where it listens, also after it was started again.

    """

    transport: str
    dsn: str
    proxy: Proxy
    target: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")

    async def start(self) -> None:
        """Start it, and connect to it."""
        settings = {**_SETTINGS, "dsn": self.dsn, "listen": self.target, "transport": self.transport}
        self._server = await ServerProcess.start(descriptors_of(SCHEMA), settings)
        self._client = self._connected()

    async def call(self, method: str, fields: Mapping[str, Any], seconds: float) -> Any:
        """Call a method; raises RpcFailed."""
        return await self._client.call(method, fields, timeout=seconds)

    async def disconnect(self) -> None:
        """Close the client's connection amid its calls, and open another one."""
        earlier, self._client = self._client, self._connected()
        await earlier.close()

    async def kill(self) -> None:
        """Kill -9 it, and start it again."""
        await self._server.kill()
        await self._begin_again()

    async def restart(self) -> None:
        """Stop it as its operator would, and start it again."""
        await self._server.stop()
        await self._begin_again()

    async def suspend(self, seconds: float) -> None:
        """Let its processes stand still for a while."""
        pids = [self._server.process.pid, *await self._server.workers()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    async def stop(self) -> None:
        """End it."""
        await self._client.close()
        await self._server.stop()

    async def _begin_again(self) -> None:
        earlier = self._client
        await self.start()
        await earlier.close()

    def _connected(self) -> Client:
        return Client(self.target, descriptors_of(SCHEMA), _CHANNEL)


@dataclass(frozen=True, slots=True)
class Cluster:
    """What clients call, and what is broken under them.

    Args:
        database: the database's server.
        nodes: the gateways.

    """

    database: EmbeddedPostgres
    nodes: Sequence[Node]

    async def restart_database(self) -> None:
        """Kill -9 PostgreSQL, and start it again."""
        await asyncio.to_thread(kill_server, self.database)
        await asyncio.to_thread(self.database.start)


@asynccontextmanager
async def cluster(folder: Path, transports: Sequence[str]) -> AsyncIterator[Cluster]:
    """Serve tests/schemas/vault by a gateway of each transport; end them at last."""
    # A postmaster that is killed keeps what the system has taken: it need not flush.
    database = EmbeddedPostgres(folder / "postgres", settings={"fsync": "off"})
    databases = Databases(await asyncio.to_thread(database.start))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, database.stop)
        dsn = await databases.copy_of(SCHEMA, build_tables(schema_of(SCHEMA)).metadata)
        nodes = []
        for transport in transports:
            proxy, through = await stack.enter_async_context(proxied(dsn))
            node = Node(transport, through, proxy)
            await node.start()
            stack.push_async_callback(node.stop)
            nodes.append(node)
        yield Cluster(database, nodes)
