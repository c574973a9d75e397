"""A load generator for GetFlight: so many calls in flight, another key each time. Prints calls per second.

Used where ghz is not installed. It costs more CPU than the server it loads, which brings the contenders closer
together than they are.
"""

import asyncio
import random
import sys
import time
from pathlib import Path

import grpc
import uvloop
from flights.v1 import flight_pb2


async def _main(address: str, keys_file: str, in_flight: str, seconds: str) -> None:
    keys = Path(keys_file).read_text().split()
    requests = [flight_pb2.GetFlightRequest(id=key).SerializeToString() for key in keys]
    end = time.perf_counter() + float(seconds)
    calls = 0

    async def caller(get: "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]") -> None:
        nonlocal calls
        while time.perf_counter() < end:
            await get(random.choice(requests))  # noqa: S311 - a key, no secret
            calls += 1

    async with grpc.aio.insecure_channel(address) as channel:
        get = channel.unary_unary("/flights.v1.FlightService/GetFlight")
        started = time.perf_counter()
        await asyncio.gather(*(caller(get) for _ in range(int(in_flight))))
        print(calls / (time.perf_counter() - started))


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:]))
