"""A gateway that is served and called, with a fault at any await of gateway/db or gateway/transport."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import grpc
import grpc.aio
import pytest

import gateway.db
import gateway.methods
import gateway.transport
from gateway.app import Gateway
from gateway.cli.servers import SERVERS
from gateway.config.load import settings_of
from gateway.db.coalesce.batching import Batcher
from gateway.db.pool.pool import Pool
from gateway.db.statements.cursor import CursorPlaces
from gateway.methods.bulk_state import BulkState
from gateway.request.calls.deadline_timer import Deadline
from gateway.schema.tables.metadata import build_tables
from gateway.transport.limits.admission import Admission
from gateway.transport.wire.framing import frame as message_frame
from tests.faults import bulk_requests, late
from tests.faults.opcodes import AWAITS, Acts, Fault, Site, Tracer
from tests.harness.client import Client
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import descriptors_of, schema_of
from tests.harness.http import ask
from tests.harness.polling import next_poll
from tests.soak.nodes import METHODS, PACKAGE, ROWS, SEED, SERVICE, Nodes
from tests.soak.served import SCHEMA

FOLDERS = [Path(str(module.__file__)).parent for module in (gateway.db, gateway.transport)]
WITHIN = [Path(str(module.__file__)).parent for module in (gateway.db, gateway.methods)]
"""Where a call is while its deadline runs."""
ACTS = ("failure", "cancellation", "delay")
ENDS = ("client leaves", "time is up")
"""What may end a call from outside."""
STREAMS = ("IngestNodes", "StreamNodes")
_POOL = 6
_BULK = "bulk"
# Gets and updates share statements.
_METHODS = (*sorted(set(METHODS)), "GetNode", "GetNode", "UpdateNode", "UpdateNode")
_CHUNKS, _STREAMED = 2, 100
_SECONDS = 60.0
_OK = 200
_CHANNEL = [("grpc.use_local_subchannel_pool", 1)]
_SESSIONS = (
    "SELECT state, query FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND state IS DISTINCT FROM 'idle' AND backend_type = 'client backend'"
)
_TOLD = {ENDS[0]: "CANCELLED", ENDS[1]: "DEADLINE_EXCEEDED"}
_CLIENTS_OWN = "Internal error from Core"
"""What grpc.aio's client says of a call that is answered while it sends the headers."""
# Else every round would read what those before it made.
_TAKE = (
    "WITH made AS (DELETE FROM node WHERE position > 0 RETURNING id) "
    "SELECT count(*) AS n FROM made WHERE id = ANY($1::uuid[])"
)
_HOLDERS = (Pool, Batcher, CursorPlaces, BulkState, Admission)

MakeCall = Callable[[str, Sequence[bytes]], Awaitable[str]]
"""Calls a method with messages; returns why it failed, empty where it didn't."""


class Held:
    """What a gateway's parts hold on behalf of calls."""

    def __init__(self) -> None:
        self._parts: list[Any] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Get to know the parts that are made meanwhile."""
        with pytest.MonkeyPatch.context() as patch:
            for kind in _HOLDERS:
                patch.setattr(kind, "__init__", _noting(kind.__init__, self._parts))
            yield

    def left(self) -> list[str]:
        """Return what is held."""
        return [f"{type(part).__name__} holds {held}" for part in self._parts if (held := _held(part))]


def _noting(make: Callable[..., None], made: list[Any]) -> Callable[..., None]:
    def noting(part: Any, *args: Any, **options: Any) -> None:
        make(part, *args, **options)
        made.append(part)

    return noting


def _held(part: Any) -> Any:
    match part:
        case Pool():
            return _POOL - part.free
        case Batcher():
            return part.in_use
        case CursorPlaces():
            return part.in_use
        case BulkState():
            return part.turns.locked()
        case Admission():
            return part.in_flight
    return None


class Served:
    """A gateway, called by one client at a time.

    Args:
        target: where it listens.
        dsn: its database.
        held: what its parts hold.
        protocols: what its methods are called by.

    """

    def __init__(self, target: str, dsn: str, held: Held, protocols: "Protocols") -> None:
        self._target = target
        self._protocols = protocols
        self._dsn = dsn
        self._held = held
        self._nodes = Nodes(Random(1))  # noqa: S311 - chance, no secret
        self._messages = Client(target, descriptors_of(SCHEMA))

    async def sites(self) -> dict[Site, int]:
        """Return the awaits that a round of calls comes by, and how often."""
        await self._calls()
        tracer = Tracer(FOLDERS, AWAITS)
        with tracer.tracing():
            await self._calls()
        return tracer.seen

    async def fails(self, fault: Fault) -> str:
        """Make a call of each kind, with a fault; return what is wrong afterwards, empty where nothing is."""
        before = asyncio.all_tasks()
        try:
            with Tracer(FOLDERS, AWAITS, fault).tracing():
                done, _ = await self._calls()
            wrong = await self._lost(done) + await self._settled(before)
            _, failed = await self._calls()
            wrong += [f"afterwards {one}" for one in failed]
        except TimeoutError:
            wrong = ["a caller hangs"]
        return f"{fault}: {'; '.join(wrong)}" if wrong else ""

    async def sites_of(self, method: str) -> dict[Site, int]:
        """Return the awaits that a call that streams comes by while it is answered, and how often."""
        tracer = Tracer(WITHIN, AWAITS)
        await self._ended(method, tracer, [])
        return tracer.seen

    async def leaves(self, method: str, fault: Fault) -> str:
        """Make a call that streams, and end it from outside; return what is wrong afterwards."""
        before = asyncio.all_tasks()
        deadlines: list[Deadline] = []
        calls: list[Any] = []
        # The first one is around the whole call.
        acts: Acts = {ENDS[0]: lambda _: calls[0].cancel(), ENDS[1]: lambda _: deadlines[0].ring()}
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Deadline, "__init__", _noting(Deadline.__init__, deadlines))
                told = await self._ended(method, Tracer(WITHIN, AWAITS, fault, acts), calls)
        except TimeoutError:
            return f"{method}, {fault}: the caller hangs"
        wrong = await self._settled(before)
        if told not in ("OK", _TOLD[fault.act], _CLIENTS_OWN):
            wrong.append(f"the caller is told {told}")
        return f"{method}, {fault}: {'; '.join(wrong)}" if wrong else ""

    async def _ended(self, method: str, tracer: Tracer, calls: list[Any]) -> str:
        """Call once; return the status, or what grpc.aio's client says in its place."""
        _, bodies = self._requests(method)
        channel = grpc.aio.insecure_channel(self._target, options=_CHANNEL)
        async with asyncio.timeout(_SECONDS), channel:
            with tracer.tracing():
                call = channel.stream_stream(f"/{SERVICE}/{method}")(bodies)
                calls.append(call)
                with suppress(grpc.aio.AioRpcError, asyncio.CancelledError):
                    while await call.read() is not grpc.aio.EOF:
                        pass
                details: str = await call.details()
                return details if details == _CLIENTS_OWN else str((await call.code()).name)

    async def _calls(self) -> tuple[list[str], list[str]]:
        """Return the ids of new rows, as far as they were told as stored, and the failures."""
        async with asyncio.timeout(_SECONDS), self._protocols.calling(self._target) as call:
            told = await asyncio.gather(*(self._call(call, method) for method in self._protocols.methods))
        return [id_ for ids, _ in told for id_ in ids], [failure for _, failure in told if failure]

    async def _call(self, call: MakeCall, name: str) -> tuple[list[str], str]:
        fields, bodies = self._requests(name)
        failure = await call(bulk_requests.method_of(name), bodies)
        return [] if failure else [id_ for one in fields for id_ in bulk_requests.new_ids(one)], failure

    def _requests(self, name: str) -> tuple[Sequence[dict[str, Any]], list[bytes]]:
        """Return the requests of a call, and their bytes."""
        method = bulk_requests.method_of(name)
        if name in bulk_requests.REQUESTS:
            fields: Sequence[dict[str, Any]] = [bulk_requests.of(self._nodes, name)]
        else:
            fields = self._nodes.requests(method)[: 1 + _CHUNKS]
        if method.startswith("Stream"):
            fields = [{"filter": f"position < 0 AND position >= -{_STREAMED}"}]
        requests = [self._messages.message(f"{PACKAGE}.{method}Request", one) for one in fields]
        return fields, [request.SerializeToString() for request in requests]

    async def _lost(self, ids: Sequence[str]) -> list[str]:
        (stored,) = await fetch(self._dsn, _TAKE, ids)
        return [f"{len(ids)} rows told, {stored['n']} stored"] if stored["n"] != len(ids) else []

    async def _settled(self, before: set[asyncio.Task[Any]]) -> list[str]:
        """Return what is left when it should have gone, beside the tasks that were there before."""
        left: list[str] = []
        until = asyncio.get_running_loop().time() + _SECONDS
        while asyncio.get_running_loop().time() < until:
            sessions = await fetch(self._dsn, _SESSIONS)
            left = [*self._held.left(), *map(repr, sessions), *_more(before)]
            if not left:
                break
            await next_poll()
        return left

    async def close(self) -> None:
        """Close the client that makes messages."""
        await self._messages.close()


def _more(before: set[asyncio.Task[Any]]) -> list[str]:
    """Return the tasks that there are now, where they are more than before: one may stand for another."""
    tasks = asyncio.all_tasks()
    return [] if len(tasks) <= len(before) else [task.get_name() for task in tasks - before]


@asynccontextmanager
async def _calling_grpc(target: str) -> AsyncIterator[MakeCall]:
    async with grpc.aio.insecure_channel(target, options=_CHANNEL) as channel:

        async def call(method: str, bodies: Sequence[bytes]) -> str:
            path = f"/{SERVICE}/{method}"
            try:
                if method.startswith(("Ingest", "Stream")):
                    make: Any = channel.stream_stream if method.startswith("Ingest") else channel.unary_stream
                    async for _ in make(path)(bodies if method.startswith("Ingest") else bodies[0]):
                        pass
                else:
                    await channel.unary_unary(path)(bodies[0])
            except grpc.aio.AioRpcError as error:
                return f"{method}: {error.code().name} {error.details()}"
            return ""

        yield call


@asynccontextmanager
async def _calling_web(target: str) -> AsyncIterator[MakeCall]:
    kinds = cycle(("connect", "grpc-web"))

    async def call(method: str, bodies: Sequence[bytes]) -> str:
        kind, streams = next(kinds), method.startswith("Stream")
        enveloped = streams or kind == "grpc-web"
        content_type = f"application/{kind}+proto" if enveloped else "application/proto"
        body = message_frame(bodies[0]) if enveloped else bodies[0]
        answer = await ask(target, "POST", f"/{SERVICE}/{method}", body, {"content-type": content_type})
        end = b"grpc-status:0" if kind == "grpc-web" else b"{}" if streams else b""
        done = answer.status == _OK and end in answer.body
        return "" if done else f"{method} by {kind}: {answer.status} {answer.body[-200:]!r}"

    yield call


class Protocols(NamedTuple):
    """Protocols that a transport is called by.

    Args:
        transport: the transport's name.
        methods: those that are called in each round, or names of tests.faults.bulk_requests.
        calling: connects.

    """

    transport: str
    methods: Sequence[str]
    calling: Callable[[str], AbstractAsyncContextManager[MakeCall]]


PROTOCOLS: Mapping[str, Protocols] = {
    **{name: Protocols(name, _METHODS, _calling_grpc) for name in sorted(SERVERS)},
    _BULK: Protocols("http", tuple(bulk_requests.REQUESTS), _calling_grpc),
    # Each method once by Connect and once by gRPC-Web. HTTP/1.1 has no streams both ways.
    "web": Protocols("http", sorted(2 * list({*METHODS} - {"IngestNodes"})), _calling_web),
}
"""All, by what carries them: gRPC over each transport, and what pages speak over HTTP/1.1; and gRPC again,
for writes of many rows and those that count once."""


@asynccontextmanager
async def served(databases: Databases, name: str) -> AsyncIterator[Served]:
    """Serve the schema over a database with some rows, for one of PROTOCOLS."""
    protocols = PROTOCOLS[name]
    transport = protocols.transport
    dsn = await databases.copy_of(SCHEMA, build_tables(schema_of(SCHEMA)).metadata)
    await fetch(dsn, SEED, ROWS)
    held = Held()
    given = {"dsn": dsn, "listen": "127.0.0.1:0", "log_access": "none", "transport": transport}
    settings = settings_of(**given, pool_size=_POOL)
    loop = asyncio.get_running_loop()
    loop.set_task_factory(late.make_task)
    ways = bulk_requests.few_are_many() if name == _BULK else nullcontext()
    with held.watching():
        running = await Gateway.start(descriptors_of(SCHEMA), settings, SERVERS[transport])
    one = Served(f"127.0.0.1:{running.port}", dsn, held, protocols)
    try:
        with ways:
            yield one
    finally:
        await one.close()
        await running.stop(grace=1)
        loop.set_task_factory(None)
