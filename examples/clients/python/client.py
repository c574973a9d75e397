"""Calls the flights sample by grpcio: `python client.py 127.0.0.1:50051`."""

import asyncio
import json
import sys
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
import grpc.aio
from flights.v1 import (
    airline_pb2,
    airline_service_pb2,
    airport_service_pb2,
    flight_pb2,
    flight_service_pb2,
    plane_pb2,
    plane_service_pb2,
)
from flights.v1.airline_service_pb2_grpc import AirlineServiceStub
from flights.v1.airport_service_pb2_grpc import AirportServiceStub
from flights.v1.flight_service_pb2_grpc import FlightServiceStub
from flights.v1.plane_service_pb2_grpc import PlaneServiceStub
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from rowgate.v1 import ingest_pb2

T = TypeVar("T")

RETRIES = {
    "methodConfig": [
        {
            "name": [{}],  # every method
            "waitForReady": True,
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
FLIGHT_KEY = ("carrier", "flight_number", "origin", "scheduled_departure_time")


async def name_of(airlines: AirlineServiceStub, carrier: str) -> str:
    """Get one row by its key."""
    request = airline_service_pb2.GetAirlineRequest(carrier=carrier)
    airline: airline_pb2.Airline = await airlines.GetAirline(request, timeout=20)
    return airline.name


async def airports_in(airports: AirportServiceStub, time_zone: str) -> list[str]:
    """List all pages; only the token differs from page to page."""
    codes: list[str] = []
    request = airport_service_pb2.ListAirportsRequest(
        filter=f'time_zone = "{time_zone}"', page_size=100, read_mask=FieldMask(paths=["faa"])
    )
    while True:
        page = await airports.ListAirports(request, timeout=20)
        codes += [airport.faa for airport in page.airports]
        if not page.next_page_token:
            return codes
        request.page_token = page.next_page_token


async def upsert(planes: PlaneServiceStub, rows: list[plane_pb2.Plane]) -> dict[str, Any]:
    """Write many rows by one call: the good ones are stored, each bad one has a status of its own."""
    request = plane_service_pb2.BulkUpsertPlanesRequest(
        planes=rows, partial_failure=True, request_id=str(uuid.uuid4())
    )
    answer = await planes.BulkUpsertPlanes(request, timeout=30)
    stored = answer.inserted_count + answer.updated_count + answer.unchanged_count
    return {"stored": stored, "refused": [one.index for one in answer.failures]}


async def ingest(flights: FlightServiceStub, name: str, chunks: list[list[flight_pb2.Flight]]) -> int:
    """Send chunks, each acknowledged when it is stored; go on behind those that are."""
    start = ingest_pb2.IngestStart(stream_id=name, conflict_target=FLIGHT_KEY)

    async def once() -> int:
        call = flights.IngestFlights(timeout=60)
        await call.write(flight_service_pb2.IngestFlightsRequest(start=start))
        stored: int = (await call.read()).watermark
        while stored < len(chunks):
            chunk = flight_service_pb2.IngestFlightsRequest(sequence=stored + 1, flights=chunks[stored])
            await call.write(chunk)
            stored = (await call.read()).watermark
        await call.done_writing()
        return stored

    return await until_done(once)


async def stream(flights: FlightServiceStub, filter_: str) -> int:
    """Read all rows of a query; go on behind the last chunk that came."""
    request = flight_service_pb2.StreamFlightsRequest(filter=filter_)
    rows = 0

    async def once() -> int:
        nonlocal rows
        async for chunk in flights.StreamFlights(request, timeout=60):
            rows += len(chunk.flights)
            request.resume_token = chunk.resume_token
        return rows

    return await until_done(once)


async def until_done(once: Callable[[], Awaitable[T]]) -> T:
    """Run a stream, and run it again where it broke off: the retry policy ends with the first answer."""
    for pause in (0.1, 0.2, 0.4, 0.8):
        try:
            return await once()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
            if not broke_off(error):
                raise
        await asyncio.sleep(pause)
    return await once()


def broke_off(error: grpc.aio.AioRpcError | asyncio.InvalidStateError) -> bool:
    """Tell whether a stream was cut, whose status grpc.aio keeps from a write to it (grpc/grpc#36066)."""
    if isinstance(error, asyncio.InvalidStateError):
        return True
    return error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL)


async def refusal(call: Awaitable[Any]) -> dict[str, Any]:
    """Tell why a call is refused, by its details."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        trailers = dict(error.trailing_metadata() or ())
        status = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        for detail in status.details:
            detail.Unpack(info) or detail.Unpack(bad)
        fields = [violation.field for violation in bad.field_violations]
        return {"code": error.code().value[0], "reason": info.reason, "fields": fields}
    return {}


def plane(tail_number: str, seat_count: int) -> plane_pb2.Plane:
    """Return a plane."""
    return plane_pb2.Plane(
        tail_number=tail_number, manufacturer="ROWGATE", engine_count=2, seat_count=seat_count
    )


def flight(number: int) -> flight_pb2.Flight:
    """Return a flight of 2026."""
    return flight_pb2.Flight(
        carrier="UA",
        flight_number=number,
        origin="EWR",
        destination="SFO",
        scheduled_departure_time=Timestamp(seconds=1_780_300_800),
        scheduled_arrival_time=Timestamp(seconds=1_780_322_400),
        distance_miles=2565,
    )


async def main(target: str) -> None:
    """Do it all, and print what came of it."""
    options = [("grpc.service_config", json.dumps(RETRIES))]
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        airlines, airports = AirlineServiceStub(channel), AirportServiceStub(channel)  # type: ignore[no-untyped-call]
        planes, flights = PlaneServiceStub(channel), FlightServiceStub(channel)  # type: ignore[no-untyped-call]
        missing = airline_service_pb2.GetAirlineRequest(carrier="ZZ")
        unreadable = airport_service_pb2.ListAirportsRequest(filter="time_zone =")
        found = {
            "airline": await name_of(airlines, "UA"),
            "airports": len(await airports_in(airports, "America/Anchorage")),
            "planes": await upsert(planes, [plane("N1RG", 100), plane("N2RG", 0), plane("N3RG", 50)]),
            "stored_chunks": await ingest(
                flights, "examples/clients/python", [[flight(n), flight(n + 1)] for n in (9501, 9503, 9505)]
            ),
            "flights": await stream(flights, 'carrier = "UA" AND flight_number > 9500'),
            "refusals": [
                await refusal(airlines.GetAirline(missing, timeout=20)),
                await refusal(airports.ListAirports(unreadable, timeout=20)),
            ],
        }
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
