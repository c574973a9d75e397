"""Clients of a server in workers: who serves them as workers end, come back and are replaced."""

import asyncio
import json
import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import grpc
import pytest

from tests.cli.connections import connections_of
from tests.cli.running import LEDGER, Running
from tests.cli.test_serve_workers import KEY, apart, children, is_there, left_in
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import ledger_database
from tests.harness.polling import next_poll
from tests.transport.conftest import GET

CLIENTS = 8
ADDED = """
// What is there only after a reload.
service AddedService {
  // Returns one row.
  rpc GetAccount(GetAccountRequest) returns (Account);
}
"""


@pytest.fixture(scope="module")
async def dsn(databases: Databases) -> str:
    """Return the DSN of a database with the ledger's tables."""
    return await ledger_database(databases)


@asynccontextmanager
async def serving(*flags: str) -> AsyncIterator[Running]:
    """Run a server with two workers; it ends well, or is killed where the test fails."""
    server = await Running.start("--transport", "http", "--workers", "2", *flags)
    try:
        yield server
        server.signal()
        assert (await server.ended())[0] == 0
    finally:
        if server.process.returncode is None:
            server.process.kill()
            await server.process.wait()


class Load:
    """Clients that call all the time, each over a connection of its own, one call after the other."""

    def __init__(self, target: str, clients: int = CLIENTS) -> None:
        self._clients = [apart(target) for _ in range(clients)]
        self._tasks: list[asyncio.Task[None]] = []
        self.calls = [0] * clients
        self.failures: list[tuple[int, RpcFailed]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._call(number, client)) for number, client in enumerate(self._clients)
        ]
        await self.each_called()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(client.close() for client in self._clients))

    async def each_called(self) -> None:
        """Wait until each client has been answered anew."""
        before = list(self.calls)
        await until(lambda: all(now > then for now, then in zip(self.calls, before, strict=True)))

    async def _call(self, number: int, client: Client) -> None:
        while True:
            try:
                await client.call(GET, KEY)
            except RpcFailed as error:
                if error.code is grpc.StatusCode.NOT_FOUND:  # as there is no such row
                    self.calls[number] += 1
                else:
                    self.failures.append((number, error))
            await next_poll()


def call_over_http1(target: str, enough: threading.Event) -> Counter[str]:
    """Call over HTTP/1.1, by one connection as long as the server lets it; count the errors' codes."""
    connection, codes = HTTPConnection(target, timeout=60), Counter[str]()
    while not enough.wait(0.005):
        connection.request("POST", f"/{GET}", json.dumps(KEY), {"content-type": "application/json"})
        codes[json.loads(connection.getresponse().read())["code"]] += 1
    connection.close()
    return codes


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what other processes bring about."""
    async with asyncio.timeout(60):
        while not condition():
            await next_poll()


async def call(target: str, method: str) -> grpc.StatusCode:
    """Ask for a row that isn't there over a connection of its own; return the status."""
    client = apart(target)
    try:
        await client.raw(client.channel.unary_unary(f"/{method}"), b"", 30)
    except RpcFailed as error:
        return error.code
    finally:
        await client.close()
    return grpc.StatusCode.OK


def spread(pids: Sequence[int], target: str) -> list[int]:
    """Return how many connections each process has."""
    return [connections_of(pid, int(target.rpartition(":")[2])) for pid in pids]


def is_even(connections: Sequence[int]) -> bool:
    """Whether all clients are spread well: a connection with a call under way counts as two without."""
    return sum(connections) == CLIENTS and min(connections) >= CLIENTS // 2 - 1


async def test_few_connections_are_shared_evenly_and_anew_when_a_worker_came_back(dsn: str) -> None:
    flags = ("--rebalance-interval", "1", "--log-access", "none")
    async with serving("--protos", str(LEDGER), "--dsn", dsn, *flags) as server:
        target = await server.ready()
        pids = children(server.process.pid)
        async with Load(target) as load:
            assert is_even(spread(pids, target))
            os.kill(pids[0], signal.SIGKILL)
            await server.logged("a worker is ready again")
            await load.each_called()
            failed = [number for number, _ in load.failures]
            # Calls in flight on the worker that ended: each of its clients had one at most.
            assert len(failed) == len(set(failed)) <= CLIENTS // 2
            assert {error.code for _, error in load.failures} <= {grpc.StatusCode.UNAVAILABLE}
            load.failures.clear()
            pids = children(server.process.pid)
            await until(lambda: is_even(spread(pids, target)))
            await load.each_called()
            assert not load.failures
        moves = [line for line in server.log if "sends clients away" in line["event"]]
        assert len(moves) <= CLIENTS // 2


async def test_a_reload_shows_clients_new_settings_and_no_error(dsn: str, tmp_path: Path) -> None:
    shutil.copytree(LEDGER, tmp_path / "protos")
    config = tmp_path / "rowgate.toml"
    config.write_text(f'[schema]\nprotos = "protos"\n[database]\ndsn = "{dsn}"\nstart_timeout = 0.1\n')
    async with serving("--config", str(config), "--log-access", "none") as server:
        target = await server.ready()
        old = children(server.process.pid)
        enough = threading.Event()
        over_http1 = asyncio.create_task(asyncio.to_thread(call_over_http1, target, enough))
        async with Load(target) as load:
            file = tmp_path / "protos" / "ledger" / "v1" / "account.proto"
            file.write_text(file.read_text() + ADDED)
            server.signal(signal.SIGHUP)
            assert "ledger.v1.AddedService" in (await server.logged("reloaded"))["services"]
            await until(lambda: not any(map(is_there, old)))
            await load.each_called()
            assert not load.failures
            new = children(server.process.pid)
            assert sum(spread(new, target)) == CLIENTS + 1
            assert await call(target, "ledger.v1.AddedService/GetAccount") is grpc.StatusCode.NOT_FOUND
            config.write_text(config.read_text().replace(dsn, "postgresql://127.0.0.1:1/nothing"))
            server.signal(signal.SIGHUP)
            refused = await server.logged("not reloaded: it serves as before")
            assert "127.0.0.1" in refused["error"]
            config.write_text("[database]\npool_size = 0\n")
            server.signal(signal.SIGHUP)
            refused = await server.logged("not reloaded: it serves as before")
            assert "database.pool_size" in refused["error"]
            await load.each_called()
            assert not load.failures
        enough.set()
        assert set(await over_http1) == {"not_found"}  # as there is no such row
        assert children(server.process.pid) == new


async def test_unix_sockets_are_shared_too_and_a_reload_may_be_asked_for_at_any_time(dsn: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "rowgate.sock")
        flags = ("--listen", f"unix:{path}", "--log-access", "none", "--log-level", "debug")
        async with serving("--protos", str(LEDGER), "--dsn", dsn, *flags) as server:
            await server.logged("starting")
            server.signal(signal.SIGHUP)
            await server.ready()
            statuses = [await call(f"unix:{path}", GET) for _ in range(4)]
            assert statuses == [grpc.StatusCode.NOT_FOUND] * 4
        assert not left_in(Path(folder))
