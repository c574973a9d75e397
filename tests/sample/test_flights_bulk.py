"""BulkUpsert of real flights: bad rows among many, one request twice, many clients at once."""

import asyncio
import uuid
from collections.abc import Sequence
from itertools import islice
from typing import Any

import pytest
from flights.v1.airline_service_pb2 import BulkUpsertAirlinesRequest
from flights.v1.airport_service_pb2 import BulkUpsertAirportsRequest
from flights.v1.flight_pb2 import Flight
from flights.v1.flight_service_pb2 import BulkUpsertFlightsRequest
from google.rpc import error_details_pb2

from examples.flights import data
from examples.flights.load import FLIGHT_KEY
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.harness.sample import ROOT

SAMPLE = data.Sample(ROOT / data.FOLDER)
UPSERT = "flights.v1.FlightService/BulkUpsertFlights"
ROWS = 50_000
BAD = {
    7: ("NOT_NULL_VIOLATION", "flights[7].scheduled_departure_time"),
    10_000: ("FOREIGN_KEY_VIOLATION", "flights[10000].carrier"),
    20_000: ("CHECK_VIOLATION", "flights[20000].distance_miles"),
    30_000: ("OUT_OF_RANGE", "flights[30000].departure_time"),
    49_999: ("DUPLICATE_IN_REQUEST", ""),
}


@pytest.fixture
async def gateway(gateway_for: GatewayFor) -> RunningGateway:
    """Serve the sample's schema with its airlines and airports, without flights."""
    running = await gateway_for("../../protos")
    airlines = BulkUpsertAirlinesRequest(airlines=SAMPLE.airlines())
    airports = BulkUpsertAirportsRequest(airports=SAMPLE.airports())
    await running.call("flights.v1.AirlineService/BulkUpsertAirlines", airlines)
    await running.call("flights.v1.AirportService/BulkUpsertAirports", airports)
    return running


@pytest.fixture(scope="module")
def flights() -> Sequence[Flight]:
    return list(islice(SAMPLE.flights(), ROWS))


def spoilt(flights: Sequence[Flight]) -> BulkUpsertFlightsRequest:
    """Return a request with the five bad rows of BAD."""
    request = BulkUpsertFlightsRequest(
        flights=flights, conflict_target=FLIGHT_KEY, on_duplicate="ON_DUPLICATE_FAIL"
    )
    rows = request.flights
    rows[7].ClearField("scheduled_departure_time")
    rows[10_000].carrier = "ZZ"
    rows[20_000].distance_miles = -1
    rows[30_000].departure_time.seconds = 10**12
    rows[49_999].CopyFrom(rows[49_998])
    return request


def blamed(failure: Any) -> tuple[str, str]:
    """Return a failed row's reason and the first field that it blames."""
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in failure.status.details:
        for kind in (info, bad):
            if detail.Is(kind.DESCRIPTOR):
                detail.Unpack(kind)
    return info.reason, bad.field_violations[0].field if bad.field_violations else ""


async def test_five_bad_rows_are_named_and_the_rest_lands(
    gateway: RunningGateway, flights: Sequence[Flight]
) -> None:
    request = spoilt(flights)
    request.partial_failure = True
    answer = await gateway.call(UPSERT, request)
    named = {failure.index: blamed(failure) for failure in answer.failures}
    assert named.keys() == BAD.keys()
    assert {index: reason for index, (reason, _) in named.items()} == {
        i: reason for i, (reason, _) in BAD.items()
    }
    assert all(
        field in (blame, "") for (_, field), (_, blame) in zip(BAD.values(), named.values(), strict=True)
    )
    assert (answer.inserted_count, answer.failed_count) == (ROWS - 5, 5)
    assert await gateway.sql("SELECT count(*) AS n FROM flight") == [{"n": ROWS - 5}]


async def test_without_leave_nothing_lands_and_the_error_names_them(
    gateway: RunningGateway, flights: Sequence[Flight]
) -> None:
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(UPSERT, spoilt(flights))
    assert {field for _, field in BAD.values() if field} <= set(failed.value.fields)
    assert await gateway.sql("SELECT count(*) AS n FROM flight") == [{"n": 0}]


async def test_one_request_sent_twice_writes_once(gateway: RunningGateway, flights: Sequence[Flight]) -> None:
    request = BulkUpsertFlightsRequest(
        flights=flights[:2000], conflict_target=FLIGHT_KEY, request_id=str(uuid.uuid4())
    )
    first, second = await asyncio.gather(*(gateway.call(UPSERT, request) for _ in range(2)))
    assert first == second
    assert first.inserted_count == 2000
    assert await gateway.sql("SELECT max(version) AS v, count(*) AS n FROM flight") == [{"v": 1, "n": 2000}]
    request.flights[0].distance_miles += 1
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(UPSERT, request)
    assert failed.value.reason == "REQUEST_ID_REUSED"


async def test_fifty_clients_with_overlapping_keys_all_end(
    gateway: RunningGateway, flights: Sequence[Flight]
) -> None:
    """Each sends its rows in another order, so that locks would be taken crosswise."""
    sent = [flights[100 * k : 100 * k + 1000][:: -1 if k % 2 else 1] for k in range(50)]
    requests = [BulkUpsertFlightsRequest(flights=rows, conflict_target=FLIGHT_KEY) for rows in sent]
    answers = await asyncio.gather(*(gateway.call(UPSERT, request, timeout=60) for request in requests))
    keys = {flight.id for rows in sent for flight in rows}
    assert sum(answer.inserted_count for answer in answers) == len(keys)
    assert await gateway.sql("SELECT count(*) AS n FROM flight") == [{"n": len(keys)}]
