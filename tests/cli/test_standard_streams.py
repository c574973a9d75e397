"""`rowgate serve` by who closes its standard streams."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import pytest

from tests.cli.running import LEDGER, Running
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, ledger_database
from tests.harness.polling import next_poll
from tests.harness.process import ROWGATE, environment
from tests.transport.conftest import GET

CLOSED = 'exec "$@" <&- >&- 2>&-'


async def test_without_standard_streams_it_serves_and_stops(databases: Databases) -> None:
    dsn = await ledger_database(databases)
    with TemporaryDirectory(dir="/tmp") as folder:  # a socket's path is short
        socket = Path(folder) / "s"
        serve = (*ROWGATE, "serve", "--protos", str(LEDGER), "--dsn", dsn, "--listen", f"unix:{socket}")
        server = await asyncio.create_subprocess_exec(*("sh", "-c", CLOSED, "sh", *serve), env=environment())
        try:
            async with asyncio.timeout(120):
                while not socket.exists() and server.returncode is None:
                    await next_poll()
            client = Client(f"unix:{socket}", descriptors_of("ledger"))
            await client.channel.channel_ready()  # the socket is there before anybody listens
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


@contextmanager
def nobody() -> Iterator[int]:
    """Give the end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


@contextmanager
def no_room() -> Iterator[int]:
    """Give a file that takes nothing."""
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        yield full
    finally:
        os.close(full)


@pytest.mark.parametrize("output", [no_room, nobody], ids=["full", "closed"])
async def test_it_serves_though_its_output_is_lost(
    databases: Databases, output: Callable[[], AbstractContextManager[int]]
) -> None:
    dsn = await ledger_database(databases)
    with output() as stdout:
        serve = ("serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--protos", str(LEDGER))
        server = Running(
            await asyncio.create_subprocess_exec(
                *(*ROWGATE, *serve, "--dsn", dsn),
                env=environment(),
                stdout=stdout,
                stderr=asyncio.subprocess.PIPE,
            )
        )
    try:
        target = await server.ready()
        assert any("standard output" in line["event"] for line in server.log)
        client = Client(target, descriptors_of("ledger"))
        with pytest.raises(RpcFailed) as failed:
            await client.call(GET, {"book": "main", "number": 1})
        assert failed.value.code is grpc.StatusCode.NOT_FOUND
        await client.close()
        server.signal()
        await server.logged("stopped")
        assert server.process.stderr is not None
        async with asyncio.timeout(60):
            assert await server.process.stderr.read() == b""
            assert await server.process.wait() == 0
    finally:
        if server.process.returncode is None:
            server.process.kill()
            await server.process.wait()
