"""The sample's queries answer what the data says, as it is told without a database."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any

import pytest
from flights.v1.flight_pb2 import Flight
from flights.v1.weather_pb2 import Weather

from examples.flights.data import FOLDER, Sample
from tests.harness.sample import ROOT
from tests.harness.sample import Sample as Served

FROM, TO = datetime(2013, 3, 4, 10, tzinfo=UTC), datetime(2013, 3, 4, 14, tzinfo=UTC)


@pytest.fixture(scope="module")
def data() -> Sample:
    return Sample(ROOT / FOLDER)


@pytest.fixture(scope="module")
def flights(data: Sample) -> Sequence[Flight]:
    return list(data.flights())


@pytest.fixture(scope="module")
def weather(data: Sample) -> Mapping[tuple[str, int], Weather]:
    return {(one.origin, one.observation_time.seconds): one for one in data.weather()}


def get(served: Served, path: str) -> Any:
    connection = HTTPConnection(served.target, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, body
    return json.loads(body)


@pytest.mark.parametrize("destination", ["SFO", "ANC", "BOS", "nowhere"])
def test_airlines_that_do_not_fly_somewhere(
    served_sample: Served, data: Sample, flights: Sequence[Flight], destination: str
) -> None:
    flying = {one.carrier for one in flights if one.destination == destination}
    wanted = {one.carrier for one in data.airlines()} - flying
    found = get(served_sample, f"/v1/airports/{destination}:airlinesNotFlyingTo")
    assert {one["carrier"] for one in found["airlines"]} == wanted


def test_departures_with_their_weather(
    served_sample: Served, flights: Sequence[Flight], weather: Mapping[tuple[str, int], Weather]
) -> None:
    first, last = (int(moment.timestamp()) for moment in (FROM, TO))
    mine = [
        one for one in flights if one.origin == "JFK" and first <= one.scheduled_departure_time.seconds < last
    ]
    path = f"/v1/departures/JFK:stream?from_time={FROM:%FT%TZ}&to_time={TO:%FT%TZ}"
    found = get(served_sample, path)
    assert len(found) == len(mine) > 50
    assert sorted(map(_said, found)) == sorted(_wanted(one, weather) for one in mine)


def _said(one: Any) -> tuple[Any, ...]:
    told = one.get("weather", {})
    return (
        one["scheduledDepartureTime"],
        one["airline"]["carrier"],
        one["destination"],
        one.get("departureDelayMinutes", -999),
        told.get("temperatureFahrenheit", -999.0),
    )


def _wanted(one: Flight, weather: Mapping[tuple[str, int], Weather]) -> tuple[Any, ...]:
    seconds = one.scheduled_departure_time.seconds
    report = weather.get((one.origin, seconds // 3600 * 3600), Weather())
    return (
        one.scheduled_departure_time.ToJsonString(),
        one.carrier,
        one.destination,
        one.departure_delay_minutes if one.HasField("departure_delay_minutes") else -999,
        report.temperature_fahrenheit if report.HasField("temperature_fahrenheit") else -999.0,
    )


def test_one_departure_has_the_last_weather_before_it(
    served_sample: Served, flights: Sequence[Flight], weather: Mapping[tuple[str, int], Weather]
) -> None:
    for one in flights[:: len(flights) // 20]:
        at = one.scheduled_departure_time.ToJsonString()
        path = f"/v1/departures/{one.origin}/{one.carrier}/{one.flight_number}?scheduled_departure_time={at}"
        found = get(served_sample, path)
        hour = one.scheduled_departure_time.seconds // 3600 * 3600
        hours = range(hour, hour - int(timedelta(days=9).total_seconds()), -3600)
        last = next(weather[one.origin, at] for at in hours if (one.origin, at) in weather)
        assert found["weather"]["observationTime"] == last.observation_time.ToJsonString()
