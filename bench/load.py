"""A load generator for GetFlight: so many calls in flight, another key each time. Prints calls per second.

Used where ghz is not installed. It costs more CPU than the server it loads, which brings the contenders
closer together than they are.
"""

import asyncio
import random
import sys
import time
from pathlib import Path

import grpc
import uvloop
from flights.v1 import flight_pb2


async def _main(address: str, keys: list[str], in_flight: int, seconds: float) -> None:
    requests = [flight_pb2.GetFlightRequest(id=key).SerializeToString() for key in keys]
    end = time.perf_counter() + seconds
    calls = 0

    async def caller(get: "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]") -> None:
        nonlocal calls
        while time.perf_counter() < end:
            await get(random.choice(requests))  # noqa: S311 - a key, no secret
            calls += 1

    async with grpc.aio.insecure_channel(address) as channel:
        get = channel.unary_unary("/flights.v1.FlightService/GetFlight")
        started = time.perf_counter()
        await asyncio.gather(*(caller(get) for _ in range(in_flight)))
        print(calls / (time.perf_counter() - started))


if __name__ == "__main__":
    _address, _keys, _in_flight, _seconds = sys.argv[1:]
    uvloop.run(_main(_address, Path(_keys).read_text().split(), int(_in_flight), float(_seconds)))
