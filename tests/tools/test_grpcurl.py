"""grpcurl against the served sample: what a newcomer types first."""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from examples.flights.lines import flight_calls, lines
from tests.harness.sample import Sample

SERVICES = ("AirlineService", "AirportService", "FlightService", "PlaneService", "WeatherService")
METHODS = (
    *("Get{}", "List{}s", "Create{}", "Update{}", "Delete{}", "Undelete{}"),
    *("BatchGet{}s", "BatchCreate{}s", "BatchUpdate{}s", "BatchDelete{}s", "Count{}s", "BulkUpsert{}s"),
    *("Stream{}s", "Ingest{}s"),
)


def run(grpcurl: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run grpcurl with a bound on its time."""
    command = [str(grpcurl), "-plaintext", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def answer(grpcurl: Path, *arguments: str) -> str:
    """Run grpcurl; return what it prints; it must succeed."""
    done = run(grpcurl, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_list_names_the_services(grpcurl: Path, served_sample: Sample) -> None:
    names = answer(grpcurl, served_sample.target, "list").split()
    assert {f"flights.v1.{name}" for name in SERVICES} <= set(names)
    assert "grpc.health.v1.Health" in names
    assert "grpc.reflection.v1.ServerReflection" in names


@pytest.mark.parametrize("name", ["Airline", "Airport", "Plane", "Flight"])
def test_each_service_has_every_method(grpcurl: Path, served_sample: Sample, name: str) -> None:
    service = f"flights.v1.{name}Service"
    methods = answer(grpcurl, served_sample.target, "list", service).split()
    assert set(methods) >= {f"{service}.{method.format(name)}" for method in METHODS}


def test_weather_is_its_own_plural(grpcurl: Path, served_sample: Sample) -> None:
    methods = answer(grpcurl, served_sample.target, "list", "flights.v1.WeatherService").split()
    assert len(methods) == len(METHODS)
    assert "flights.v1.WeatherService.ListWeather" in methods


def test_describe_shows_fields_with_comments(grpcurl: Path, served_sample: Sample) -> None:
    shown = answer(grpcurl, served_sample.target, "describe", "flights.v1.Flight")
    assert "// How late it left, in minutes; negative when early. Unset for a cancelled flight.\n" in shown
    assert "optional int32 departure_delay_minutes = 7;" in shown
    shown = answer(grpcurl, served_sample.target, "describe", "flights.v1.FlightService")
    assert "// The flights in pages, filtered and ordered.\n" in shown


def test_health_is_serving(grpcurl: Path, served_sample: Sample) -> None:
    body = '{"service": "flights.v1.FlightService"}'
    shown = answer(grpcurl, "-d", body, served_sample.target, "grpc.health.v1.Health/Check")
    assert json.loads(shown) == {"status": "SERVING"}


def test_late_flights_of_united(grpcurl: Path, served_sample: Sample) -> None:
    body = (
        r'{"filter":"carrier = \"UA\" AND departure_delay_minutes > 60",'
        r'"order_by":"departure_delay_minutes desc","page_size":3}'
    )
    shown = answer(grpcurl, "-d", body, served_sample.target, "flights.v1.FlightService/ListFlights")
    page = json.loads(shown)
    assert [flight["departureDelayMinutes"] for flight in page["flights"]] == [483, 427, 424]
    assert {flight["carrier"] for flight in page["flights"]} == {"UA"}
    assert page["nextPageToken"]


def test_the_printed_lines_work(grpcurl: Path, served_sample: Sample) -> None:
    """Every line that `make run` printed, as a shell runs it, in the order in which it was printed."""
    printed = [line for line in served_sample.printed if " -plaintext " in line]
    assert [line.split()[-1].rpartition("/")[2] for line in printed[2:]] == [
        name for name, _ in flight_calls()
    ]
    for line in printed:
        _, *arguments = shlex.split(line)
        assert answer(grpcurl, *arguments[1:]), line


def test_lines_can_be_printed_again(grpcurl: Path, served_sample: Sample) -> None:
    """The lines of a second start write other flights, so that they work as well."""
    for line in lines(served_sample.target)[2:]:
        _, *arguments = shlex.split(line)
        answered = answer(grpcurl, *arguments[1:])
        assert answered, line
        if "FlightsByFilter" in line:
            assert json.loads(answered)["count"] == "2", line


def test_errors_are_readable(grpcurl: Path, served_sample: Sample) -> None:
    body = json.dumps({"filter": "no_such_field = 1"})
    done = run(grpcurl, "-d", body, served_sample.target, "flights.v1.FlightService/ListFlights")
    assert "Code: InvalidArgument" in done.stderr
    assert "no_such_field" in done.stderr
    assert '"@type": "type.googleapis.com/google.rpc.ErrorInfo"' in done.stderr
    assert "is not recognized" not in done.stderr


def test_metadata_past_the_limit_is_refused_by_the_client(grpcurl: Path, served_sample: Sample) -> None:
    done = run(grpcurl, "-H", f"x-long: {'x' * 17_000}", served_sample.target, "list")
    assert "violates the maximum size (16384 bytes) set by server" in done.stderr


@pytest.mark.parametrize(
    ("method", "body", "expected"),
    [
        (
            "AirlineService/GetAirline",
            {"carrier": "UA"},
            {"carrier": "UA", "name": "United Air Lines Inc."},
        ),
        ("PlaneService/CountPlanes", {"manufacturer": "BOEING"}, {"count": "1630"}),
        ("AirportService/CountAirports", {"time_zone": "America/Anchorage"}, {"count": "239"}),
        (
            "WeatherService/GetWeather",
            {
                "origin": "EWR",
                "observation_time": "2013-11-03T05:00:00Z",
                "read_mask": {"paths": ["temperature_fahrenheit"]},
            },
            {"temperatureFahrenheit": 51.98},
        ),
    ],
)
def test_the_other_services(
    grpcurl: Path, served_sample: Sample, method: str, body: Any, expected: Any
) -> None:
    shown = answer(grpcurl, "-d", json.dumps(body), served_sample.target, f"flights.v1.{method}")
    assert json.loads(shown) == expected
