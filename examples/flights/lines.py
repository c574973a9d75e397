"""grpcurl lines to copy: one for each method of FlightService, in an order in which each of them works."""

import json
import shlex
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from examples.flights.data import flight_id
from examples.flights.times import epoch

SERVICE = "flights.v1.FlightService"

_BUILT = Path(".tools/bin/grpcurl")
"""Where `make tools` puts it."""

_KNOWN = flight_id("UA", "1545", "EWR", epoch("2013-01-01T10:15:00Z"))
"""The first flight of the data."""

Call = tuple[str, Mapping[str, Any] | Sequence[Mapping[str, Any]]]
"""A method and its request, or its requests."""


def grpcurl() -> str:
    """Return how to call grpcurl here, seen from the top of the project."""
    return str(_BUILT) if shutil.which("grpcurl") is None and _BUILT.exists() else "grpcurl"


def lines(target: str) -> list[str]:
    """Return the command lines against the gateway at `target`, `host:port`."""
    calls = (f"-d {shlex.quote(_json(body))} {target} {SERVICE}/{name}" for name, body in flight_calls())
    first = (f"{target} list", f"{target} describe {SERVICE}")
    return [f"{grpcurl()} -plaintext {rest}" for rest in (*first, *calls)]


def _json(body: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    requests = [body] if isinstance(body, Mapping) else body
    return " ".join(json.dumps(request, separators=(",", ":")) for request in requests)


def flight_calls() -> Iterator[Call]:
    """Make one request for each method. The flights they write are new ones each time."""
    one, two, three = (_new_flight(number) for number in (9001, 9002, 9003))
    yield from _reads()
    yield "CreateFlight", {"flight": one, "request_id": str(uuid.uuid4())}
    yield "UpdateFlight", {"flight": {"id": one["id"], "departure_delay_minutes": 7}}
    yield "DeleteFlight", {"id": one["id"]}
    yield "UndeleteFlight", {"id": one["id"]}
    yield (
        "BatchCreateFlights",
        {"requests": [{"flight": two}, {"flight": three}], "request_id": str(uuid.uuid4())},
    )
    yield "BatchUpdateFlights", {"requests": [_delayed(two, 20), _delayed(three, -5)]}
    mine = "flight_number IN (9002, 9003) AND created_at > ago(1h)"
    yield "UpdateFlightsByFilter", {"filter": mine, "flight": {"departure_delay_minutes": 5}, "max_rows": 10}
    yield "DeleteFlightsByFilter", {"filter": mine, "max_rows": 10, "validate_only": True}
    yield "BatchDeleteFlights", {"requests": [{"id": two["id"]}, {"id": three["id"]}]}
    yield "BulkUpsertFlights", {"flights": [one, _new_flight(9004)], "outcomes": True}
    start = {"start": {"stream_id": str(uuid.uuid4())}}
    chunks = ({"sequence": n, "flights": [_new_flight(9004 + n)]} for n in (1, 2))
    yield "IngestFlights", [start, *chunks]


def _reads() -> Iterator[Call]:
    late = 'carrier = "UA" AND departure_delay_minutes > 60'
    yield "GetFlight", {"id": _KNOWN}
    yield "ListFlights", {"filter": late, "order_by": "departure_delay_minutes desc", "page_size": 3}
    yield (
        "BatchGetFlights",
        {"ids": [_KNOWN, str(uuid.UUID(int=0))], "read_mask": _mask("carrier", "flight_number")},
    )
    yield "CountFlights", {"filter": 'destination = "SFO"'}
    yield "ExistsFlights", {"origin": "JFK", "destination": "SFO"}
    yield (
        "AggregateFlights",
        {
            "group_by": ["carrier"],
            "order_by": "median_departure_delay desc",
            "read_mask": _mask("flights", "median_departure_delay"),
            "page_size": 3,
        },
    )
    yield (
        "StreamFlights",
        {"filter": 'destination = "ANC"', "read_mask": _mask("carrier", "flight_number")},
    )


def _mask(*paths: str) -> dict[str, Any]:
    # grpcurl takes a mask as the message that it is, not as JSON's usual string.
    return {"paths": paths}


def _new_flight(number: int) -> dict[str, Any]:
    departure = datetime.now(UTC).replace(microsecond=0)
    return {
        "id": str(uuid.uuid4()),
        "carrier": "UA",
        "flight_number": number,
        "origin": "JFK",
        "destination": "SFO",
        "scheduled_departure_time": departure.isoformat(),
        "scheduled_arrival_time": (departure + timedelta(hours=6, minutes=20)).isoformat(),
        "distance_miles": 2586,
    }


def _delayed(flight: Mapping[str, Any], minutes: int) -> dict[str, Any]:
    return {
        "flight": {"id": flight["id"], "departure_delay_minutes": minutes},
        "update_mask": _mask("departure_delay_minutes"),
    }
