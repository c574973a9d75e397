"""A server in a process of its own: what a request takes of its memory, and of another client's time."""

import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from gateway.schema.tables import build_tables
from tests.dear.catalogue import OK, Dear
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, schema_of
from tests.harness.process import ServerProcess

_PING = {"books": "books.v1.BookService/GetBook", "types": "types.v1.ScalarService/GetScalar"}
_SECONDS = 120
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request took.

    Args:
        answer: the reason that it was refused with; OK where it was answered.
        memory: bytes of the server at their most, beyond those before it.
        wait: seconds that another's call waited at most.

    """

    answer: str
    memory: int
    wait: float


class Watched:
    """A server, and another client of it."""

    def __init__(self, server: ServerProcess, pinger: Process) -> None:
        self.target = server.target
        self._status = Path(f"/proc/{server.process.pid}/status")
        self._forget = Path(f"/proc/{server.process.pid}/clear_refs")
        self._pinger = pinger

    async def cost(self, dear: Dear, size: int) -> Cost:
        """Send a request of so many bytes."""
        body = dear.body(size)
        self._forget.write_text("5")  # the most that was held becomes what is held now
        before = self._held()
        await self._longest_wait()
        answer = await self._send(dear, body)
        return Cost(answer, self._held() - before, await self._longest_wait())

    async def _send(self, dear: Dear, body: bytes) -> str:
        compression = grpc.Compression.Gzip if dear.packed else None
        options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        async with grpc.aio.insecure_channel(self.target, options, compression=compression) as channel:
            try:
                await channel.unary_unary(f"/{dear.method}")(body, timeout=_SECONDS)
            except grpc.aio.AioRpcError as error:
                failed = RpcFailed(error)
                return failed.reason or str(failed)
            return OK

    async def _longest_wait(self) -> float:
        assert self._pinger.stdin is not None
        assert self._pinger.stdout is not None
        self._pinger.stdin.write(b"\n")
        return float(await self._pinger.stdout.readline())

    def _held(self) -> int:
        """Return the most bytes that were held since they were forgotten."""
        line = next(line for line in self._status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024


@asynccontextmanager
async def watched(
    schema: str, databases: Databases, transport: str, **settings: object
) -> AsyncIterator[Watched]:
    """Serve a folder of tests/schemas by a process of its own."""
    dsn = await databases.copy_of(schema, build_tables(schema_of(schema)).metadata)
    given = {
        "dsn": dsn,
        "listen": "127.0.0.1:0",
        "transport": transport,
        "log_level": "error",
        "log_access": "none",
    }
    server = await ServerProcess.start(descriptors_of(schema), {**given, "drain": 1, **settings})
    command = (sys.executable, "-m", "tests.dear.pinger", server.target, _PING[schema])
    pinger = await create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        yield Watched(server, pinger)
    finally:
        pinger.kill()
        await pinger.wait()
        await server.stop()
