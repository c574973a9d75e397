"""A traveller's itinerary, written in one call: SQL by hand finds what was sent, or nothing of it."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import pytest
from google.protobuf import json_format
from rich.console import Console

from examples.flights import data, load
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.harness.sample import ROOT

_PACKAGE = "flights.v1"
_STORED = (
    "SELECT i.traveller, l.leg_number, f.carrier, f.flight_number, f.destination, p.name FROM itinerary i"
    " JOIN itinerary_leg l ON l.itinerary_id = i.id JOIN flight f ON f.id = l.flight_id"
    " LEFT JOIN airport p ON p.faa = f.destination WHERE i.traveller = $1 ORDER BY l.leg_number"
)
_LEG = ("legNumber", "flight.carrier", "flight.flightNumber", "flight.destination")


@pytest.fixture(scope="module")
async def gateway(module_gateway_for: GatewayFor) -> RunningGateway:
    running = await module_gateway_for("../../protos")
    sample = data.Sample(ROOT / data.FOLDER)
    *others, flights = load.TABLES
    async with load.connect(running.target) as channel:
        await load.load(channel, sample, Console(quiet=True), others[:2])
        await flights.upsert(channel, list(islice(sample.flights(), 200)))
    return running


def _step(service: str, method: str, request: dict[str, Any], /, **more: Any) -> dict[str, Any]:
    packed = {"@type": f"type.googleapis.com/{_PACKAGE}.{method}Request", **request}
    return {"method": f"{_PACKAGE}.{service}.{method}", "request": packed, **more}


def _itinerary(traveller: str, flights: Sequence[str]) -> list[dict[str, Any]]:
    legs = [{"itineraryLeg": {"legNumber": n, "flightId": id_}} for n, id_ in enumerate(flights, 1)]
    bindings = [
        {"fromStep": 0, "fromPath": "id", "toPath": f"requests[{n}].itinerary_leg.itinerary_id"}
        for n in range(len(legs))
    ]
    create = _step("ItineraryService", "CreateItinerary", {"itinerary": {"traveller": traveller}})
    batch = _step("ItineraryLegService", "BatchCreateItineraryLegs", {"requests": legs}, bindings=bindings)
    return [create, batch]


async def _flights(gateway: RunningGateway) -> list[str]:
    rows = await gateway.sql("SELECT DISTINCT ON (origin) id::text FROM flight ORDER BY origin, id")
    return [row["id"] for row in rows]


async def _transact(gateway: RunningGateway, steps: list[dict[str, Any]]) -> None:
    await gateway.call("flights.v1.TransactionService/Transact", {"steps": steps})


async def test_it_is_stored_as_it_was_sent(gateway: RunningGateway) -> None:
    flights = await _flights(gateway)
    await _transact(gateway, _itinerary("Ida", flights))
    by_hand = await gateway.sql(_STORED, "Ida")
    assert len(by_hand) == len(flights) == 3
    paths = [f"legs.*.{path}" for path in (*_LEG, "flight.destinationAirport.name")]
    listed = await gateway.call(
        "flights.v1.ItineraryService/ListItineraries",
        filter='traveller = "Ida"',
        read_mask=",".join(("traveller", *paths)),
    )
    (told,) = (json_format.MessageToDict(one) for one in listed.itineraries)
    assert [
        {
            "traveller": told["traveller"],
            "leg_number": leg["legNumber"],
            "carrier": leg["flight"]["carrier"],
            "flight_number": leg["flight"]["flightNumber"],
            "destination": leg["flight"]["destination"],
            "name": leg["flight"].get("destinationAirport", {}).get("name"),
        }
        for leg in told["legs"]
    ] == by_hand


async def test_nothing_is_stored_of_one_with_an_unknown_flight(gateway: RunningGateway) -> None:
    flights = [*await _flights(gateway), "00000000-0000-0000-0000-000000000000"]
    with pytest.raises(RpcFailed) as failed:
        await _transact(gateway, _itinerary("Otto", flights))
    assert failed.value.metadata["step"] == "1"
    assert await gateway.sql("SELECT FROM itinerary WHERE traveller = 'Otto'") == []


async def test_a_session_takes_it_step_by_step(gateway: RunningGateway) -> None:
    session = gateway.client.converse("flights.v1.TransactionService/Session")
    await session.ask(begin={})
    create, legs = _itinerary("Ann", await _flights(gateway))
    made = gateway.client.unpacked((await session.ask(step=create)).response)
    for request in legs["request"]["requests"]:
        request["itineraryLeg"]["itineraryId"] = made.id
    legs["bindings"] = []
    assert not (await session.ask(step=legs)).HasField("error")
    await session.ask(end="SESSION_END_COMMIT")
    assert len(await gateway.sql(_STORED, "Ann")) == 3
