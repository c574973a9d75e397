"""What it costs to read a replica that is known to have a caller's write."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio

from bench import contenders
from bench.contenders import Contender
from bench.datasets import ITEMS
from bench.load_generator import Load
from bench.measured_load import loading
from bench.results import ROWGATE
from bench.rounds import Turn, take_turns
from bench.standby import standby_of
from bench.testbed import Testbed
from bench.workloads.calls import IN_FLIGHT, gets_of

REPLICAS = "Get item, 128 in flight, of a replica"
BY_WRITES = "Rowgate, of a replica by tokens"
_WRITES = 100
_HEADER = "rowgate-consistency"
_CALL_SECONDS = 30.0


async def replicas(testbed: Testbed) -> None:
    """Measure Get by key of a hot standby, by tokens of writes, beside Get of the primary."""
    keys = await testbed.fill(ITEMS, testbed.options.stored)
    requests, tokens = gets_of(testbed, ITEMS, keys), testbed.folder / "tokens"
    async with _standby(testbed) as read_dsn, testbed.running(*_servers(testbed, read_dsn)) as running:
        (reader,) = [one for one in running if one.name == BY_WRITES]
        tokens.write_text("\n".join(await _told(reader, keys[:_WRITES])))
        plain = Load(requests, IN_FLIGHT, testbed.options.seconds)
        by_writes = Load(requests, IN_FLIGHT, testbed.options.seconds, values=tokens, header=_HEADER)
        turns = [
            Turn(REPLICAS, one.name, loading(testbed, one, by_writes if one is reader else plain))
            for one in running
        ]
        await take_turns(testbed.results, turns, testbed.options.rounds)


@asynccontextmanager
async def _standby(testbed: Testbed) -> AsyncIterator[str]:
    # A standby has to allow at least as many.
    most = await testbed.connection.fetchval("SHOW max_connections")
    folder = testbed.folder / "standby"
    server = await asyncio.to_thread(standby_of, testbed.dsn, folder, max_connections=most)
    try:
        yield await asyncio.to_thread(server.start)
    finally:
        await asyncio.to_thread(server.stop)


def _servers(testbed: Testbed, read_dsn: str) -> Iterator[tuple[str, contenders.Start]]:
    options = ("--read-dsn", read_dsn)
    yield ROWGATE, lambda: contenders.rowgate(testbed.dsn, ITEMS.protos)
    yield BY_WRITES, lambda: contenders.rowgate(testbed.dsn, ITEMS.protos, *options, name=BY_WRITES)


async def _told(contender: Contender, keys: Sequence[Any]) -> list[str]:
    """Write some rows; return what reads are to say that have to see each."""
    request = ITEMS.message(f"{ITEMS.rpc('Update')}Request")
    told = []
    async with grpc.aio.insecure_channel(contender.address) as channel:
        update: Any = channel.unary_unary(ITEMS.path("Update"))
        for number, key in enumerate(keys):
            item = {"id": key, ITEMS.changed: number}
            body = request(update_mask={"paths": [ITEMS.changed]}, **{ITEMS.resource.lower(): item})
            call = update(body.SerializeToString(), timeout=_CALL_SECONDS)
            await call
            told.append(str(dict(await call.trailing_metadata())[_HEADER]))
    return told
