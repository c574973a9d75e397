"""Calls that are cancelled at random moments, and what is left of them: nothing.

`python -m tests.soak.cancels` makes 10,000 over each transport, from a process beside the server's.
"""

import asyncio
import gc
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

import asyncpg
import grpc
import grpc.aio

from gateway.db.embedded import EmbeddedPostgres
from gateway.request.calls.bulkheads import share_of
from gateway.schema.tables.metadata import build_tables
from tests.harness.client import Client
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import descriptors_of, schema_of
from tests.harness.mounted import mounted
from tests.harness.polling import next_poll
from tests.harness.transports import TRANSPORTS
from tests.soak.nodes import (
    CHUNK,
    CHUNKS,
    METHODS,
    PACKAGE,
    PARTLY_STORED,
    ROWS,
    SEED,
    SERVICE,
    WATERMARKS,
    Nodes,
)
from tests.soak.served import CENSUS, SCHEMA

POOL, CURSORS = 8, 4
_AT_ONCE = 50
_ROUNDS = 20
_LATEST_SECONDS = 0.2
_SETTLING_SECONDS = 20.0
_CHANNEL = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
_PAGE = os.sysconf("SC_PAGE_SIZE")
_BUSY = (
    "SELECT state, query FROM pg_stat_activity "
    "WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()"
)
_USUAL = {"OK", "CANCELLED", "StreamNodes: RESOURCE_EXHAUSTED"}
"""What calls may end with; a stream may find the cursors taken."""
_LEAST_CANCELLED = 0.25
_MEMORY = 1.08
"""How many times as much the server may hold at the end as half way."""
_OBJECTS = 5000
"""Objects that it may have more at the end than half way. Statements and what is remembered of headers come
and go by thousands; a call that stays has some dozen."""
_FILES = 5
"""Connections that may be closing."""


@dataclass(frozen=True, slots=True)
class Census:
    """What the server holds when no call is under way.

    Args:
        calls: made so far.
        memory: resident bytes.
        tasks: of its event loop.
        objects: that Python's garbage collector knows, after it ran.
        files: open descriptors.
        free: connections of its pool that can be lent.

    """

    calls: int
    memory: int
    tasks: int
    objects: int
    files: int
    free: int


class Soak:
    """A client that cancels what it calls.

    Args:
        client: for what is not cancelled.
        target: the gateway.
        dsn: the gateway's database.
        pid: the gateway's process.

    """

    def __init__(self, client: Client, target: str, dsn: str, pid: int) -> None:
        self._client = client
        self._target = target
        self._dsn = dsn
        self._pid = pid
        self._random = Random(1)  # noqa: S311 - chance, no secret
        self._nodes = Nodes(self._random)
        self.ended: Counter[str] = Counter()

    async def run(self, calls: int) -> Sequence[Census]:
        """Make so many calls; return what the server held before them and after each twentieth part."""
        taken = [await self._census()]
        for _ in range(_ROUNDS):
            # A connection each, as clients come and go.
            async with grpc.aio.insecure_channel(self._target, options=_CHANNEL) as channel:
                await self._storm(channel, calls // _ROUNDS - _AT_ONCE // 2)
                left = [self._call(channel) for _ in range(_AT_ONCE // 2)]
                await asyncio.sleep(self._moment())
            self.ended.update([await _status(*one) for one in left])
            taken.append(await self._settled(taken[0]))
        return taken

    async def _storm(self, channel: grpc.aio.Channel, calls: int) -> None:
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def one() -> None:
            async with at_once:
                method, call = self._call(channel)
                timer = asyncio.get_running_loop().call_later(self._moment(), call.cancel)
                self.ended[await _status(method, call)] += 1
                timer.cancel()

        await asyncio.gather(*(one() for _ in range(calls)))

    def _call(self, channel: grpc.aio.Channel) -> tuple[str, Any]:
        """Call some method."""
        method = self._random.choice(METHODS)
        fields = self._nodes.requests(method)
        requests = [self._client.message(f"{PACKAGE}.{method}Request", one) for one in fields]
        bodies, path = [request.SerializeToString() for request in requests], f"/{SERVICE}/{method}"
        if method.startswith("Ingest"):
            return method, channel.stream_stream(path)(bodies, timeout=30)
        make: Any = channel.unary_stream if method.startswith("Stream") else channel.unary_unary
        return method, make(path)(*bodies, timeout=30)

    def _moment(self) -> float:
        return self._random.random() ** 2 * _LATEST_SECONDS

    async def _settled(self, before: Census) -> Census:
        """Return what the server holds when no statement and no call is left, and the pool is whole again."""
        gc.collect()  # grpcio closes a channel's connection when it frees the channel
        async with asyncio.timeout(_SETTLING_SECONDS):
            while await fetch(self._dsn, _BUSY):
                await next_poll()
            while (now := await self._census()).tasks > before.tasks or now.free < POOL:
                await next_poll()
        return now

    async def _census(self) -> Census:
        counted = json.loads(await self._client.channel.unary_unary(CENSUS)(b"", timeout=30))
        process = Path("/proc", str(self._pid))
        memory = int((process / "statm").read_text().split()[1]) * _PAGE
        return Census(self.ended.total(), memory, files=len(list((process / "fd").iterdir())), **counted)

    async def assert_chunks_whole(self) -> None:
        """Assert that of each stream the chunks up to its watermark are stored, of some not all."""
        assert not await fetch(self._dsn, PARTLY_STORED, CHUNK)
        assert any(0 < row["watermark"] < CHUNKS for row in await fetch(self._dsn, WATERMARKS))

    async def assert_shares_whole(self) -> None:
        """Assert that one table's calls take all connections that they may, and its streams all cursors."""
        await self._assert_all_wait(
            partial(self._client.call, f"{SERVICE}/ListNodes", page_size=10), share_of(POOL)
        )
        await self._assert_all_wait(self._rows, share_of(CURSORS))

    async def _rows(self) -> None:
        assert [chunk async for chunk in self._client.stream(f"{SERVICE}/StreamNodes")]

    async def _assert_all_wait(self, call: Callable[[], Coroutine[Any, Any, object]], count: int) -> None:
        """Assert that so many calls get as far as a lock, which nobody else waits for.

        A write whose caller has gone runs on, and may come meanwhile: then once more.
        """
        waiting = await self._waiting(call, count)
        if any(not query.startswith("SELECT") for query in waiting):
            waiting = await self._waiting(call, count)
        assert len(waiting) == count, waiting

    async def _waiting(self, call: Callable[[], Coroutine[Any, Any, object]], count: int) -> Sequence[str]:
        """Return the statements that wait for a lock while so many calls are under way."""
        connection = await asyncpg.connect(self._dsn)
        waiting: Sequence[str] = ()
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE node IN ACCESS EXCLUSIVE MODE")
                tasks = [asyncio.ensure_future(call()) for _ in range(count)]
                with suppress(TimeoutError):
                    async with asyncio.timeout(10):
                        while len(waiting) != count:
                            waiting = [row[0] for row in await connection.fetch(_WAITING)]
                            await next_poll()
            await asyncio.gather(*tasks)
        finally:
            await connection.close()
        return waiting


_WAITING = "SELECT query FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted"


async def _status(method: str, call: Any) -> str:
    """Read all that a call answers; return its status, and whose where it is an error."""
    with suppress(grpc.aio.AioRpcError, asyncio.CancelledError):
        if isinstance(call, grpc.aio.UnaryStreamCall | grpc.aio.StreamStreamCall):
            while await call.read() is not grpc.aio.EOF:
                pass
        else:
            await call
    code: str = (await call.code()).name
    return code if code in ("OK", "CANCELLED") else f"{method}: {code}"


def leaks(taken: Sequence[Census]) -> Sequence[str]:
    """Return what the server held more of at the end than half way."""
    half, end = taken[len(taken) // 2], taken[-1]
    most = max(one.memory for one in taken[len(taken) // 2 :])
    found = {
        f"memory: {half.memory} to {most}": most > half.memory * _MEMORY,
        f"objects: {half.objects} to {end.objects}": end.objects > half.objects + _OBJECTS,
        f"tasks: {taken[0].tasks} to {end.tasks}": end.tasks > taken[0].tasks,
        f"files: {half.files} to {end.files}": end.files > half.files + _FILES,
    }
    return [leak for leak, is_one in found.items() if is_one]


async def soak(transport: str, databases: Databases, calls: int) -> "Outcome":
    """Serve over a transport, cancel so many calls, and assert that the server goes on as before."""
    dsn = await databases.copy_of(SCHEMA, build_tables(schema_of(SCHEMA)).metadata)
    await fetch(dsn, SEED, ROWS)
    settings = {"pool_size": POOL, "max_cursors": CURSORS, "secret": "x" * 16, "log_level": "error"}
    with TemporaryFile() as log:
        serving = mounted("tests.soak.served", transport, apart=True, log=log, dsn=dsn, **settings)
        async with serving as server, client_of(server.port) as client:
            run = Soak(client, f"127.0.0.1:{server.port}", dsn, server.pid)
            taken = await run.run(calls)
            await run.assert_chunks_whole()
            await run.assert_shares_whole()
            log.seek(0)
            return Outcome(transport, run.ended, taken, log.read().decode())


@asynccontextmanager
async def client_of(port: int) -> AsyncIterator[Client]:
    """Give a client, closed at the end."""
    client = Client(f"127.0.0.1:{port}", descriptors_of(SCHEMA))
    yield client
    await client.close()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a soak found.

    Args:
        transport: over which.
        ended: calls by their status.
        taken: what the server held, from before the first call to after the last.
        log: what the server had to say.

    """

    transport: str
    ended: Mapping[str, int]
    taken: Sequence[Census]
    log: str

    def failures(self) -> Sequence[str]:
        """Return what is not as it has to be."""
        strange = [
            f"{count} calls ended with {status}"
            for status, count in self.ended.items()
            if status not in _USUAL
        ]
        few = self.ended["CANCELLED"] < _LEAST_CANCELLED * sum(self.ended.values())
        said = [f"the server logged: {self.log[:2000]}"] if self.log else []
        return [*strange, *leaks(self.taken), *said, *(["too few calls were cancelled"] if few else [])]

    def __str__(self) -> str:
        """Return a line for the eye."""
        half, end = self.taken[len(self.taken) // 2], self.taken[-1]
        ended = ", ".join(f"{count} {status}" for status, count in sorted(self.ended.items()))
        return (
            f"{end.calls} calls over {self.transport}: {ended}; half way and at the end "
            f"{half.memory / 2**20:.1f} and {end.memory / 2**20:.1f} MiB, "
            f"{half.objects} and {end.objects} objects, {half.tasks} and {end.tasks} tasks, "
            f"{half.files} and {end.files} files"
        )


async def _main(calls: int) -> int:
    failures: list[str] = []
    with TemporaryDirectory(prefix="rowgate-soak-") as folder:
        server = EmbeddedPostgres(Path(folder, "postgres"), settings={"fsync": "off"})
        databases = Databases(server.start())
        try:
            for transport in TRANSPORTS:
                outcome = await soak(transport, databases, calls)
                print(outcome, *outcome.failures(), sep="\n")  # noqa: T201 - a command's output
                failures += outcome.failures()
        finally:
            server.stop()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)))
