"""Starts the servers that are measured, as processes of their own."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from bench import golang, node
from bench.results import ONE_WORKER, ROWGATE

ROOT = Path(__file__).parent.parent
START_SECONDS = 120.0
STOP_SECONDS = 30.0
_AGAIN_SECONDS = 0.1

GO = "Go: grpc-go + pgx"
BY_HAND = "grpc.aio + asyncpg"
ORM = "grpc.aio + SQLAlchemy ORM"
POSTGRAPHILE = "PostGraphile, HTTP/1.1"


@dataclass(frozen=True, slots=True)
class Contender:
    """A server that runs.

    Args:
        name: what the tables call it.
        address: where it listens.
        pid: its process; others may descend from it.
        transport: what Rowgate says that it serves with, and why.
        seconds: how long Rowgate took until it said that it is ready.

    """

    name: str
    address: str
    pid: int
    transport: str = ""
    seconds: float = 0.0


Start = Callable[[], AbstractAsyncContextManager[Contender]]
"""Starts a server, and stops it at the end."""


def free_address() -> str:
    """Return a free loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def migrate(dsn: str, protos: Path) -> None:
    """Run `rowgate migrate`: make the tables of a schema."""
    command = _rowgate("migrate", dsn, protos)
    subprocess.run(command, cwd=ROOT, check=True, timeout=START_SECONDS, stdout=subprocess.DEVNULL)  # noqa: S603 - ours


@asynccontextmanager
async def rowgate(dsn: str, protos: Path, *options: str, name: str = ROWGATE) -> AsyncIterator[Contender]:
    """Run `rowgate serve`, as anyone would."""
    address = free_address()
    command = [*_rowgate("serve", dsn, protos), "--listen", address, "--log-level", "error", *options]
    started = time.perf_counter()
    async with _process(command, stdout=asyncio.subprocess.PIPE) as process:
        said = await asyncio.wait_for(_first_line(process), START_SECONDS)
        seconds = time.perf_counter() - started
        await _ready(address)
        yield Contender(name, address, process.pid, said.partition(" by ")[2], seconds)


def rowgates(dsn: str, protos: Path, *options: str) -> Iterator[tuple[str, Start]]:
    """Yield Rowgate as it comes, and with one worker."""
    yield ROWGATE, lambda: rowgate(dsn, protos, *options)
    yield ONE_WORKER, lambda: rowgate(dsn, protos, "--workers", "1", *options, name=ONE_WORKER)


@asynccontextmanager
async def peer(name: str, module: str, dsn: str, *options: str) -> AsyncIterator[Contender]:
    """Run a hand-written Python service of bench/peers."""
    address = free_address()
    command = [sys.executable, "-m", f"bench.peers.{module}", dsn, address, *options]
    async with _process(command) as process:
        await _ready(address)
        yield Contender(name, address, process.pid)


@asynccontextmanager
async def go_service(dsn: str) -> AsyncIterator[Contender]:
    """Run the hand-written Go service; bench.golang has built it."""
    address = free_address()
    async with _process([str(golang.BUILD / "go_service"), dsn, address]) as process:
        await _ready(address)
        yield Contender(GO, address, process.pid)


@asynccontextmanager
async def postgraphile(dsn: str) -> AsyncIterator[Contender]:
    """Run PostGraphile as its manual says for production."""
    address = free_address()
    host, _, port = address.partition(":")
    program = await asyncio.to_thread(node.postgraphile)
    command = [
        *(str(program), "--connection", dsn, "--schema", "public", "--max-pool-size", "8"),
        *("--host", host, "--port", port, "--disable-query-log", "--disable-graphiql", "--dynamic-json"),
    ]
    environment = {**os.environ, "NODE_ENV": "production"}
    async with _process(command, stdout=asyncio.subprocess.DEVNULL, env=environment) as process:
        async with asyncio.timeout(START_SECONDS):
            await _listening(host, int(port))
        yield Contender(POSTGRAPHILE, address, process.pid)


def _rowgate(command: str, dsn: str, protos: Path) -> list[str]:
    return [
        str(Path(sys.executable).with_name("rowgate")),
        *(command, "--dsn", dsn, "--protos", str(protos)),
    ]


@asynccontextmanager
async def _process(
    command: list[str], stdout: int | None = None, env: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=stdout, env=env)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _first_line(process: Process) -> str:
    if process.stdout is None:
        raise RuntimeError("its output isn't read")
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError(f"it ended with {await process.wait()}")
    return line.decode().strip()


async def _listening(host: str, port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(_AGAIN_SECONDS)
        else:
            writer.close()
            await writer.wait_closed()
            return


async def _ready(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        await asyncio.wait_for(channel.channel_ready(), START_SECONDS)
