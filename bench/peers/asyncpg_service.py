"""A hand-written grpc.aio service: Get by a prepared statement on asyncpg's pool."""

import sys
from typing import Any
from uuid import UUID

import asyncpg
import grpc
import uvloop
from flights.v1 import flight_pb2, flight_pb2_grpc

from bench.peers.serving import serve

_FIELDS = [field.name for field in flight_pb2.Flight.DESCRIPTOR.fields if field.name != "etag"]
_GET = f"SELECT {', '.join(_FIELDS)} FROM flight WHERE id = $1"  # noqa: S608 - names of our own


def _as_message(row: asyncpg.Record) -> flight_pb2.Flight:
    values = {name: value for name, value in row.items() if value is not None}
    values["id"] = str(values["id"])
    return flight_pb2.Flight(**values, etag=f'"{row["version"]}"')


class FlightService(flight_pb2_grpc.FlightServiceServicer):
    """Answers GetFlight."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def GetFlight(  # noqa: N802 - gRPC's name
        self, request: flight_pb2.GetFlightRequest, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> flight_pb2.Flight:
        """Return one flight."""
        row = await self._pool.fetchrow(_GET, UUID(request.id))
        if row is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such flight")
        return _as_message(row)


async def _main(dsn: str, address: str) -> None:
    async with asyncpg.create_pool(dsn, min_size=8, max_size=8) as pool:
        service = FlightService(pool)
        add = flight_pb2_grpc.add_FlightServiceServicer_to_server
        await serve(lambda server: add(service, server), address)


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:]))
