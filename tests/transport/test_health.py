"""grpc.health.v1, for the server, each service, watchers, and a database that goes and comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2 as pb
from grpc_health.v1 import health_pb2_grpc

from gateway.db.embedded import EmbeddedPostgres
from tests.conftest import GatewayFor
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, start_gateway
from tests.transport.conftest import GET, SERVICE, Gate, Serve, Served

SERVING = pb.HealthCheckResponse.SERVING
NOT_SERVING = pb.HealthCheckResponse.NOT_SERVING
UNKNOWN = pb.HealthCheckResponse.SERVICE_UNKNOWN


def health(channel: Any) -> Any:
    return health_pb2_grpc.HealthStub(channel)


def ask(service: str) -> Any:
    return pb.HealthCheckRequest(service=service)


async def first(watch: Any) -> Any:
    async with asyncio.timeout(60):
        return (await watch.read()).status


async def test_every_service_is_known_and_serving(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    stub = health(gateway.client.channel)
    for service in ("", *gateway.schema.services, "grpc.health.v1.Health"):
        assert (await stub.Check(ask(service))).status == SERVING
    listed = (await stub.List(pb.HealthListRequest())).statuses
    assert set(gateway.schema.services) < set(listed)
    assert {answer.status for answer in listed.values()} == {SERVING}


async def test_an_unknown_service_is_not_found_but_may_be_watched(served: Serve) -> None:
    server = await served(Gate())
    stub = health(server.client.channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(ask("nothing.v1.Nothing"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    watch = stub.Watch(ask("nothing.v1.Nothing"))
    assert await first(watch) == UNKNOWN
    watch.cancel()


async def test_a_drain_is_told_to_watchers_and_checks_while_the_call_under_way_completes(
    served: Serve,
) -> None:
    gate = Gate()
    server = await served(gate, lame_duck=0)
    stub = health(server.client.channel)
    watches = [stub.Watch(ask(service)) for service in ("", SERVICE)]
    assert [await first(watch) for watch in watches] == [SERVING, SERVING]
    call = asyncio.create_task(server.get(book="under way"))
    await gate.arrived()
    stop = asyncio.create_task(server.server.stop(20))
    assert [await first(watch) for watch in watches] == [NOT_SERVING, NOT_SERVING]
    assert (await stub.Check(ask(""))).status == NOT_SERVING
    gate.opened.set()
    assert (await call).book == "under way"
    await stop
    assert [await watch.read() for watch in watches] == [grpc.aio.EOF, grpc.aio.EOF]


async def test_watchers_that_do_not_read_do_not_hold_up_the_stop(served: Serve) -> None:
    server = await served(Gate())
    watches = [health(server.client.channel).Watch(ask("")) for _ in range(20)]
    assert await first(watches[0]) == SERVING
    async with asyncio.timeout(60):
        await server.server.stop(1)


async def test_a_database_that_is_away_is_not_serving_until_it_is_back(
    tmp_path: Path, transport: str
) -> None:
    postgres = EmbeddedPostgres(tmp_path, settings={"fsync": "off"})
    databases = Databases(await asyncio.to_thread(postgres.start))
    settings = {"transport": transport, "probe_interval": 0.05, "acquire_timeout": 0.5}
    gateway = await start_gateway("ledger", databases, **settings)
    try:
        watch = health(gateway.client.channel).Watch(ask(SERVICE))
        assert await first(watch) == SERVING
        await asyncio.to_thread(postgres.stop)
        assert await first(watch) == NOT_SERVING
        await asyncio.to_thread(postgres.start)
        assert await first(watch) == SERVING
        watch.cancel()
    finally:
        await gateway.stop()
        await asyncio.to_thread(postgres.stop)


async def test_health_reads_no_large_request(served: Serve) -> None:
    server = await served(Gate())
    with pytest.raises(RpcFailed):
        await server.raw(b"\x78\x01" * 1_000_000, "grpc.health.v1.Health/Check")


@asynccontextmanager
async def probe(server: Served) -> AsyncIterator[Client]:
    """Give a client with a connection of its own, as a load balancer's probe has."""
    client = Client(server.target, descriptors_of("ledger"), [("grpc.use_local_subchannel_pool", 1)])
    try:
        yield client
    finally:
        await client.close()


async def test_health_takes_no_calls_place_and_is_not_logged(served: Serve) -> None:
    gate = Gate()
    server = await served(gate, max_in_flight=1)
    held = asyncio.create_task(server.get())
    await gate.arrived()
    async with probe(server) as other:
        with pytest.raises(RpcFailed) as refused:
            await other.call(GET)
        assert refused.value.reason == "TOO_MANY_CALLS"
        assert (await health(other.channel).Check(ask(""))).status == SERVING
        assert await first(health(other.channel).Watch(ask(""))) == SERVING
    gate.opened.set()
    await held
    ended = [server.ended.get_nowait().method for _ in range(server.ended.qsize())]
    assert set(ended) == {GET}


async def test_a_watch_ends_at_its_callers_deadline_and_has_none_of_the_servers(served: Serve) -> None:
    server = await served(Gate(), default_deadline=0.1, max_deadline=0.1, stream_deadline=0.1)
    watches = health(server.client.channel)
    lasting, ending = watches.Watch(ask("")), watches.Watch(ask(""), timeout=3)
    assert [await first(lasting), await first(ending)] == [SERVING, SERVING]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ending.read()
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert not lasting.done()
    lasting.cancel()


async def test_what_is_no_request_of_health_is_malformed(served: Serve) -> None:
    server = await served(Gate())
    with pytest.raises(RpcFailed) as caught:
        await server.raw(b"\xff", "grpc.health.v1.Health/Check")
    assert (caught.value.code.name, caught.value.reason) == ("INVALID_ARGUMENT", "REQUEST_MALFORMED")
