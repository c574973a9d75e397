"""Starts the servers that are measured, as processes of their own."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc

ROOT = Path(__file__).parent.parent
START_SECONDS = 30.0


def free_address() -> str:
    """Return a free loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def migrate(dsn: str, protos: Path) -> None:
    """Run `rowgate migrate`: make the tables of a schema."""
    subprocess.run([*_rowgate("migrate", dsn, protos)], cwd=ROOT, check=True, timeout=START_SECONDS)  # noqa: S603 - ours


@asynccontextmanager
async def rowgate(dsn: str, protos: Path) -> AsyncIterator[str]:
    """Run `rowgate serve`, as anyone would; yield its address."""
    address = free_address()
    command = [*_rowgate("serve", dsn, protos), "--listen", address, "--log-access", "errors"]
    async with _running(command, address):
        yield address


def _rowgate(command: str, dsn: str, protos: Path) -> list[str]:
    return [
        str(Path(sys.executable).with_name("rowgate")),
        *(command, "--dsn", dsn, "--protos", str(protos)),
    ]


@asynccontextmanager
async def peer(module: str, *arguments: str) -> AsyncIterator[str]:
    """Run a hand-written service of bench/peers on its DSN and an address; yield the address."""
    address = free_address()
    dsn, *rest = arguments
    async with _running([sys.executable, "-m", f"bench.peers.{module}", dsn, address, *rest], address):
        yield address


@asynccontextmanager
async def _running(command: list[str], address: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            await asyncio.wait_for(channel.channel_ready(), START_SECONDS)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
