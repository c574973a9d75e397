"""An analyst's questions to the flights, as the documents ask them, answered as SQL by hand is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import pytest
from google.protobuf import json_format
from rich.console import Console

from examples.flights import data, load
from tests.conftest import GatewayFor
from tests.harness.gateway import RunningGateway
from tests.harness.sample import ROOT
from tests.search.books import likeness

AGGREGATE = "flights.v1.FlightService/AggregateFlights"
SEARCH = "flights.v1.AirportService/SearchAirports"
_LOCAL = "scheduled_departure_time AT TIME ZONE 'America/New_York'"


@pytest.fixture(scope="module")
async def gateway(module_gateway_for: GatewayFor) -> RunningGateway:
    running = await module_gateway_for("../../protos")
    sample = data.Sample(ROOT / data.FOLDER)
    *others, flights = load.TABLES
    async with load.connect(running.target) as channel:
        await load.load(channel, sample, Console(quiet=True), others[:2])
        await flights.upsert(channel, list(islice(sample.flights(), 0, None, 10)))
    return running


async def _answered(gateway: RunningGateway, **asked: Any) -> Sequence[Mapping[str, Any]]:
    answer = await gateway.call(AGGREGATE, asked)
    return [
        json_format.MessageToDict(one, preserving_proto_field_name=True) for one in answer.flight_statistics
    ]


async def test_worst_airline_by_median_delay(gateway: RunningGateway) -> None:
    answered = await _answered(
        gateway,
        group_by=["carrier"],
        order_by="median_departure_delay desc",
        read_mask="medianDepartureDelay,flights",
    )
    by_hand = await gateway.sql(
        "SELECT carrier, count(*)::text AS flights,"
        " percentile_cont(0.5) WITHIN GROUP (ORDER BY departure_delay_minutes) AS median_departure_delay"
        " FROM flight WHERE deleted_at IS NULL GROUP BY carrier ORDER BY 3 DESC, carrier DESC"
    )
    assert answered == by_hand
    assert len(answered) == 16


async def test_busiest_hour_of_each_airport(gateway: RunningGateway) -> None:
    answered = await _answered(
        gateway,
        group_by=["origin", "departure_hour"],
        order_by="flights desc",
        read_mask="flights",
        having="flights > 1000",
    )
    by_hand = await gateway.sql(
        f"SELECT origin, extract(hour FROM {_LOCAL})::int AS departure_hour, count(*)::text AS flights"  # noqa: S608 - written here
        " FROM flight GROUP BY 1, 2 HAVING count(*) > 1000 ORDER BY count(*) DESC, 1 DESC, 2 DESC"
    )
    assert answered == by_hand
    assert answered


async def test_delay_percentiles_by_month(gateway: RunningGateway) -> None:
    answered = await _answered(
        gateway,
        group_by=["departure_month"],
        read_mask="medianDepartureDelay,p90DepartureDelay,p99DepartureDelay",
    )
    told = [{**one, "departure_month": datetime.fromisoformat(one["departure_month"])} for one in answered]
    columns = ", ".join(
        f"percentile_cont({part}) WITHIN GROUP (ORDER BY departure_delay_minutes) AS {name}_departure_delay"
        for part, name in ((0.5, "median"), (0.9, "p90"), (0.99, "p99"))
    )
    month = "date_trunc('month', scheduled_departure_time, 'America/New_York') AS departure_month"
    by_hand = await gateway.sql(f"SELECT {month}, {columns} FROM flight GROUP BY 1 ORDER BY 1")  # noqa: S608 - as above
    assert told == by_hand
    assert len(told) == 12


async def test_pairs_of_airports_by_count(gateway: RunningGateway) -> None:
    answered = await _answered(
        gateway,
        group_by=["origin", "destination"],
        order_by="flights desc",
        read_mask="flights",
        page_size=1000,
    )
    by_hand = await gateway.sql(
        "SELECT origin, destination, count(*)::text AS flights FROM flight GROUP BY 1, 2"
        " ORDER BY count(*) DESC, 1 DESC, 2 DESC"
    )
    assert answered == by_hand
    assert len(answered) > 200


async def test_all_that_is_computed_of_the_flights(gateway: RunningGateway) -> None:
    (answered,) = await _answered(gateway)
    (by_hand,) = await gateway.sql(
        "SELECT count(*)::text AS flights,"
        " count(*) FILTER (WHERE departure_delay_minutes > 15)::text AS late_flights,"
        " count(*) FILTER (WHERE departure_time IS NULL)::text AS cancelled_flights,"
        " count(DISTINCT tail_number)::text AS planes, sum(distance_miles)::text AS total_distance_miles,"
        " avg(departure_delay_minutes)::float8 AS mean_departure_delay,"
        " min(departure_delay_minutes) AS min_departure_delay,"
        " max(departure_delay_minutes) AS max_departure_delay,"
        " (SELECT tail_number FROM flight ORDER BY departure_delay_minutes DESC NULLS LAST LIMIT 1)"
        " AS latest_tail_number FROM flight"
    )
    assert by_hand.items() <= answered.items()
    assert len(answered["carriers"]) == 16


@pytest.mark.parametrize("destination", ["LAX", "nowhere"])
async def test_there_is_a_flight_or_none(gateway: RunningGateway, destination: str) -> None:
    answer = await gateway.call(
        "flights.v1.FlightService/ExistsFlights", origin="JFK", destination=destination
    )
    (row,) = await gateway.sql(
        "SELECT EXISTS (SELECT FROM flight WHERE origin = 'JFK' AND destination = $1)", destination
    )
    assert answer.exists == row["exists"]


async def test_airports_by_words(gateway: RunningGateway) -> None:
    answer = await gateway.call(SEARCH, words={"query": "international -canada"}, page_size=1000)
    by_hand = await gateway.sql(
        "SELECT faa FROM airport, websearch_to_tsquery('english', 'international -canada') AS wanted"
        " WHERE to_tsvector('english', name) @@ wanted"
        " ORDER BY ts_rank_cd(setweight(to_tsvector('english', name), 'A'), wanted) DESC, faa"
    )
    assert [one.airport.faa for one in answer.results] == [row["faa"] for row in by_hand]
    assert len(by_hand) == 18


async def test_airports_by_likeness(gateway: RunningGateway) -> None:
    text = "Chicago Ohara Intl"
    answer = await gateway.call(SEARCH, like={"text": text}, page_size=1000)
    names = await gateway.sql("SELECT faa, name FROM airport")
    alike = sorted((-likeness(row["name"], text), row["faa"]) for row in names)
    by_hand = [(faa, -less) for less, faa in alike if -less >= 0.3]
    assert [(one.airport.faa, one.similarity) for one in answer.results] == by_hand
    assert by_hand[0][0] == "ORD"


async def test_nearest_airports(gateway: RunningGateway) -> None:
    """By the position that PostgreSQL computes: in the order of great circles."""
    (jfk,) = await gateway.sql("SELECT latitude, longitude FROM airport WHERE faa = 'JFK'")
    position = (await gateway.call("flights.v1.AirportService/GetAirport", faa="JFK")).position
    near = {"vector": [*position]}
    answer = await gateway.call(SEARCH, near=near, filter="altitude_feet > 500", page_size=50)
    by_hand = await gateway.sql(
        "SELECT faa FROM airport WHERE altitude_feet > 500 ORDER BY acos(least(1,"
        " sin(radians(latitude)) * sin(radians($1)) + cos(radians(latitude)) * cos(radians($1))"
        " * cos(radians(longitude - $2)))) LIMIT 50",
        jfk["latitude"],
        jfk["longitude"],
    )
    assert [one.airport.faa for one in answer.results] == [row["faa"] for row in by_hand]
