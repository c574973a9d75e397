"""Watches and reflection's streams have their own bound: they take no call's place, and hold up no stop."""

import asyncio
from collections import Counter
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2 as pb
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from gateway.request.calls.bulkheads import share_of_connection
from tests.harness.client import RpcFailed
from tests.transport.conftest import Gate, Serve

WATCHES, IN_FLIGHT = 2000, 400
ANSWERED, REFUSED = ("OK", ""), ("RESOURCE_EXHAUSTED", "TOO_MANY_CALLS")
SHARE = share_of_connection(IN_FLIGHT // 8)


async def first(stream: Any) -> tuple[str, str]:
    """Return the status and the reason that a stream is refused by; OK where it is answered."""
    try:
        await stream.read()
    except grpc.aio.AioRpcError as error:
        failed = RpcFailed(error)
        return failed.code.name, failed.reason
    return ANSWERED


async def test_watches_leave_room_for_calls_and_are_refused_past_their_share(served: Serve) -> None:
    gate = Gate()
    gate.opened.set()
    server = await served(gate, max_in_flight=IN_FLIGHT)
    watch = health_pb2_grpc.HealthStub(server.client.channel).Watch
    watches = [watch(health_pb2.HealthCheckRequest()) for _ in range(WATCHES)]
    async with asyncio.timeout(60):
        outcomes = Counter(await asyncio.gather(*map(first, watches)))
    assert outcomes == {ANSWERED: SHARE, REFUSED: WATCHES - SHARE}
    assert (await server.get(book="beside them")).book == "beside them"
    for one in watches:
        one.cancel()
    async with asyncio.timeout(60):
        while await first(watch(health_pb2.HealthCheckRequest())) != ANSWERED:
            pass


async def test_reflections_streams_are_counted_with_them_and_end_with_the_server(served: Serve) -> None:
    server = await served(Gate(), max_in_flight=IN_FLIGHT)
    ask = ServerReflectionStub(server.client.channel).ServerReflectionInfo  # type: ignore[no-untyped-call]
    streams = [ask() for _ in range(SHARE)]
    for stream in streams:
        await stream.write(pb.ServerReflectionRequest(list_services=""))
        assert await first(stream) == ANSWERED
    # Without a request: that of a stream which is refused meanwhile is an error of grpc.aio's client.
    assert await first(ask()) == REFUSED
    async with asyncio.timeout(60):  # a tenth of the time that it would wait for calls
        await server.server.stop(600)
