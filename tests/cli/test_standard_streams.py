"""`rowgate serve` by who closes its standard streams."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import pytest

from gateway.schema.tables.metadata import build_tables
from tests.cli.running import LEDGER
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, schema_of
from tests.harness.polling import next_poll
from tests.harness.process import ROWGATE, environment
from tests.transport.conftest import GET

CLOSED = 'exec "$@" <&- >&- 2>&-'


async def test_without_standard_streams_it_serves_and_stops(databases: Databases) -> None:
    dsn = await databases.copy_of("ledger", build_tables(schema_of("ledger")).metadata)
    with TemporaryDirectory(dir="/tmp") as folder:  # a socket's path is short
        socket = Path(folder) / "s"
        serve = (*ROWGATE, "serve", "--protos", str(LEDGER), "--dsn", dsn, "--listen", f"unix:{socket}")
        server = await asyncio.create_subprocess_exec(*("sh", "-c", CLOSED, "sh", *serve), env=environment())
        try:
            async with asyncio.timeout(120):
                while not socket.exists() and server.returncode is None:
                    await next_poll()
            client = Client(f"unix:{socket}", descriptors_of("ledger"))
            with pytest.raises(RpcFailed) as failed:
                await client.call(GET, {"book": "main", "number": 1})
            assert failed.value.code is grpc.StatusCode.NOT_FOUND
            await client.close()
            server.terminate()
            async with asyncio.timeout(60):
                assert await server.wait() == 0
        finally:
            if server.returncode is None:
                server.kill()
                await server.wait()
