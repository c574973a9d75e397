"""Starts the servers that are measured, as processes of their own."""

import asyncio
import socket
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


@asynccontextmanager
async def rowgate(dsn: str) -> AsyncIterator[str]:
    """Run `rowgate serve`, as anyone would; yield its address."""
    address = free_address()
    command = [
        str(Path(sys.executable).with_name("rowgate")),
        *("serve", "--dsn", dsn, "--listen", address, "--protos", str(ROOT / "protos")),
        *("--log-access", "errors"),
    ]
    async with _running(command, address):
        yield address


@asynccontextmanager
async def peer(module: str, dsn: str) -> AsyncIterator[str]:
    """Run a hand-written service of bench/peers; yield its address."""
    address = free_address()
    async with _running([sys.executable, "-m", f"bench.peers.{module}", dsn, address], address):
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
