"""Keepalive pings may come as often as the setting says."""

import grpc

from tests.transport.conftest import GET, Gate, Serve

PINGING = [
    ("grpc.keepalive_time_ms", 1000),  # the least that grpc core does
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]


async def test_a_client_that_pings_is_cut_off_by_the_one_setting_and_not_by_the_other(served: Serve) -> None:
    gate = Gate()
    strict = await served(gate, min_ping_interval=300)
    lenient = await served(gate, min_ping_interval=0.5)
    async with (
        grpc.aio.insecure_channel(strict.target, options=PINGING) as to_strict,
        grpc.aio.insecure_channel(lenient.target, options=PINGING) as to_lenient,
    ):
        calls = [channel.unary_unary(f"/{GET}")(b"", timeout=30) for channel in (to_lenient, to_strict)]
        await gate.arrived(2)
        assert await calls[1].code() is grpc.StatusCode.UNAVAILABLE
        gate.opened.set()
        assert await calls[0].code() is grpc.StatusCode.OK
