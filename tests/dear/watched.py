"""A server in a process of its own: what a request takes of its memory, and of its event loop's time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import grpc

from gateway.schema.tables.metadata import build_tables
from tests.dear.catalogue import OK, Dear
from tests.dear.served import HOLD
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import schema_of
from tests.harness.mounted import Mounted, mounted

_SECONDS = 120
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request took.

    Args:
        answer: the reason that it was refused with; OK where it was answered.
        memory: bytes of the server at their most, beyond those before it.
        hold: seconds of CPU for which it kept the event loop at one go, at most.

    """

    answer: str
    memory: int
    hold: float


class Watched:
    """A server."""

    def __init__(self, server: Mounted) -> None:
        self.target = f"127.0.0.1:{server.port}"
        self._status = Path(f"/proc/{server.pid}/status")
        self._forget = Path(f"/proc/{server.pid}/clear_refs")

    async def cost(self, dear: Dear, size: int) -> Cost:
        """Send a request of so many bytes."""
        body = dear.body(size)
        self._forget.write_text("5")  # the most that was held becomes what is held now
        before = self._held()
        await self._longest_hold()
        answer = await self._send(dear, body)
        return Cost(answer, self._held() - before, await self._longest_hold())

    async def hold_of(self, path: str, body: bytes, *, calls: int, at_once: int) -> float:
        """Make so many calls, each of so many clients one after the other; return the longest hold."""
        await self._longest_hold()
        async with grpc.aio.insecure_channel(self.target) as channel:
            stub = channel.unary_unary(path)

            async def client() -> None:
                for _ in range(calls // at_once):
                    with suppress(grpc.aio.AioRpcError):
                        await stub(body, timeout=_SECONDS)

            await asyncio.gather(*(client() for _ in range(at_once)))
        return await self._longest_hold()

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

    async def _longest_hold(self) -> float:
        async with grpc.aio.insecure_channel(self.target) as channel:
            return float(await channel.unary_unary(HOLD)(b"", timeout=_SECONDS))

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
    given = {"dsn": dsn, "application_name": schema, "log_level": "error", "log_access": "none"}
    async with mounted("tests.dear.served", transport, apart=True, **given, **settings) as server:
        yield Watched(server)
