"""The data as messages: nothing lost, nothing repaired, times right."""

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flights.v1.flight_pb2 import Flight
from flights.v1.plane_pb2 import Plane
from google.protobuf.timestamp_pb2 import Timestamp

from examples.flights.data import FOLDER, Sample, SampleMissingError
from examples.flights.load import TABLES
from examples.flights.times import next_wall_time
from tests.harness.sample import ROOT

NEW_YORK = ZoneInfo("America/New_York")
DATA = ROOT / FOLDER


@pytest.fixture(scope="module")
def sample() -> Sample:
    return Sample(DATA)


@pytest.fixture(scope="module")
def flights(sample: Sample) -> Sequence[Flight]:
    return list(sample.flights())


@pytest.fixture(scope="module")
def records() -> Sequence[Mapping[str, str]]:
    with zipfile.ZipFile(DATA / "flights.csv.zip") as archive:
        return list(csv.DictReader(io.StringIO(archive.read("flights.csv").decode())))


def local(moment: Timestamp, zone: ZoneInfo = NEW_YORK) -> datetime:
    return datetime.fromtimestamp(moment.seconds, zone)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_row_is_read(table: Any, sample: Sample) -> None:
    assert sum(1 for _ in table.rows(sample)) == table.size


def test_departures_show_the_clock_of_new_york(
    flights: Sequence[Flight], records: Sequence[Mapping[str, str]]
) -> None:
    """The CSV's local date and time, told apart from the UTC hour that the reader uses."""
    for flight, record in zip(flights, records, strict=True):
        scheduled = local(flight.scheduled_departure_time)
        assert (scheduled.month, scheduled.day) == (int(record["month"]), int(record["day"]))
        assert scheduled.hour * 100 + scheduled.minute == int(record["sched_dep_time"])
        if record["dep_time"] != "NA":
            left = local(flight.departure_time)
            assert left.hour * 100 + left.minute == int(record["dep_time"]) % 2400


def test_arrivals_show_the_clock_of_the_destination(
    sample: Sample, flights: Sequence[Flight], records: Sequence[Mapping[str, str]]
) -> None:
    """Computed from the scheduled arrival and the delay; the data contradicts itself once."""
    zones = {airport.faa: ZoneInfo(airport.time_zone) for airport in sample.airports() if airport.time_zone}
    caribbean = ZoneInfo("America/Puerto_Rico")
    wrong = 0
    for flight, record in zip(flights, records, strict=True):
        if flight.HasField("arrival_time"):
            arrived = local(flight.arrival_time, zones.get(flight.destination, caribbean))
            wrong += arrived.hour * 100 + arrived.minute != int(record["arr_time"]) % 2400
    assert wrong == 1


def test_flights_arrive_after_they_left(flights: Sequence[Flight]) -> None:
    for flight in flights:
        assert 0 < flight.scheduled_arrival_time.seconds - flight.scheduled_departure_time.seconds < 12 * 3600


def test_unknown_values_are_unset(flights: Sequence[Flight], records: Sequence[Mapping[str, str]]) -> None:
    columns = {
        "departure_delay_minutes": "dep_delay",
        "arrival_delay_minutes": "arr_delay",
        "air_time_minutes": "air_time",
        "tail_number": "tailnum",
    }
    for flight, record in zip(flights, records, strict=True):
        for name, column in columns.items():
            assert flight.HasField(name) == (record[column] not in ("NA", ""))  # type: ignore[arg-type]


def test_ids_are_unique_and_the_same_each_time(sample: Sample, flights: Sequence[Flight]) -> None:
    assert len({flight.id for flight in flights}) == len(flights)
    assert next(sample.flights()).id == flights[0].id == "51bf26e6-8c87-56df-b8e9-bb8ee1bece57"


def test_oddities_of_the_data_are_kept(sample: Sample, flights: Sequence[Flight]) -> None:
    planes = {plane.tail_number for plane in sample.planes()}
    airports = {airport.faa for airport in sample.airports()}
    assert (
        sum(flight.HasField("tail_number") and flight.tail_number not in planes for flight in flights)
        == 50_094
    )
    assert {f.destination for f in flights if f.destination not in airports} == {"SJU", "BQN", "PSE", "STT"}
    assert max(weather.wind_speed_mph for weather in sample.weather()) > 1000


def test_the_doubled_hour_is_two_hours(sample: Sample) -> None:
    """When the clocks went back, one local hour passed twice: the keys differ."""
    reports = [(w.origin, w.observation_time.seconds) for w in sample.weather()]
    assert len(set(reports)) == len(reports)
    hours = Counter((o, local(Timestamp(seconds=s)).strftime("%m-%d %H")) for o, s in reports)
    assert {hour for (_, hour), count in hours.items() if count == 2} == {"11-03 01"}


@pytest.mark.parametrize(
    ("left", "hhmm", "zone", "expected"),
    [
        ("2013-01-01T10:15:00Z", 830, "America/Chicago", "2013-01-01T14:30:00Z"),
        ("2013-01-01T23:00:00-05:00", 2400, "America/New_York", "2013-01-02T05:00:00Z"),
        ("2013-03-09T23:30:00-05:00", 430, "America/New_York", "2013-03-10T08:30:00Z"),  # clocks go forward
        ("2013-11-02T23:30:00-04:00", 430, "America/New_York", "2013-11-03T09:30:00Z"),  # clocks go back
        (
            "2013-06-01T10:00:00Z",
            600,
            "America/New_York",
            "2013-06-02T10:00:00Z",
        ),  # the same minute is tomorrow
    ],
)
def test_next_wall_time(left: str, hhmm: int, zone: str, expected: str) -> None:
    after = int(datetime.fromisoformat(left).timestamp())
    assert next_wall_time(after, hhmm, zone) == int(datetime.fromisoformat(expected).timestamp())


def test_a_plane_without_its_year(tmp_path: Path) -> None:
    header = "tailnum,year,type,manufacturer,model,engines,seats,speed,engine"
    (tmp_path / "planes.csv").write_text(f"{header}\nN1,NA,Rotorcraft,BELL,206B,1,5,NA,Turbo-shaft\n")
    (plane,) = Sample(tmp_path).planes()
    assert isinstance(plane, Plane)
    assert not plane.HasField("manufacture_year")
    assert not plane.HasField("cruising_speed_mph")


def test_missing_files_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(SampleMissingError, match="make sample"):
        list(Sample(tmp_path).airlines())
