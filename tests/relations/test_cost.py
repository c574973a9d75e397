"""What relations cost: statements counted at the server, and the time beside two statements by hand."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import asyncpg
import pytest
from flights.v1 import flight_pb2, flight_service_pb2
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from gateway.config.settings import CoalesceSettings
from gateway.db.coalesce import PointReads, RowWrites
from gateway.methods.engine import Engine
from gateway.methods.reads.list_rows import List
from gateway.policy.schema_rules import hops_of
from gateway.request.calls.call import Call
from gateway.request.relations.rows import relation_rows
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import Databases, fetch, opening

_PROTOS = Path(__file__).parents[2] / "protos"
_MASK = ("*", "airline", "plane", "origin_airport", "destination_airport")
_ROUNDS = 15
_DATA = """
    INSERT INTO airline SELECT chr(65 + n) || 'X', 'Airline ' || n FROM generate_series(0, 15) n;
    INSERT INTO airport (faa, name, latitude, longitude, altitude_feet, utc_offset_hours, daylight_saving)
        SELECT 'A' || n, 'Airport ' || n, 1.5, -2.5, 3, -5, 'DAYLIGHT_SAVING_US'
        FROM generate_series(10, 99) n;
    INSERT INTO plane (tail_number, manufacturer, model, engine_count, seat_count, type, engine_type)
        SELECT 'N' || n, 'M', 'X' || n % 9, 2, 100 + n % 90, 'PLANE_TYPE_ROTORCRAFT', 'ENGINE_TYPE_TURBO_FAN'
        FROM generate_series(1, 3000) n;
    INSERT INTO flight (id, carrier, flight_number, origin, destination, scheduled_departure_time,
            tail_number, departure_time, scheduled_arrival_time, distance_miles, version, created_at,
            updated_at)
        SELECT gen_random_uuid(), chr(65 + n % 16) || 'X', n, 'A' || 10 + n % 3, 'A' || 13 + n % 87, now(),
            'N' || n % 4000, now(), now(), 100, 1, now(), now() FROM generate_series(1, 20000) n;
    ANALYZE"""


class Served(NamedTuple):
    """The sample's tables with rows, and what answers ListFlights."""

    dsn: str
    list_flights: Callable[[], Awaitable[bytes]]


@pytest.fixture
async def served(databases: Databases) -> AsyncIterator[Served]:
    schema = read_schema(compile_protos(_PROTOS))
    tables = build_tables(schema)
    dsn = await databases.copy_of("flights", tables.metadata)
    for statement in _DATA.split(";"):
        await fetch(dsn, statement)
    name = dsn.rpartition("/")[2].partition("?")[0]
    await fetch(dsn, f"ALTER DATABASE \"{name}\" SET log_statement = 'all'")
    methods = {one.full_name: one for service in schema.services.values() for one in service.standard_methods}
    async with opening() as start:
        database = await start(dsn)
        reads = PointReads(database, CoalesceSettings())
        engine = Engine(
            database=database,
            reads=reads,
            writes=RowWrites(database, CoalesceSettings()),
            tables=tables.tables,
            relations=relation_rows(schema, hops_of(schema, {})),
            rules={},
            presets={},
            caller_roles=None,
            identified=False,
        )
        handler = List(methods["flights.v1.FlightService.ListFlights"], engine)
        mask = FieldMask(paths=_MASK)
        request = flight_service_pb2.ListFlightsRequest(page_size=1000, read_mask=mask)

        async def list_flights() -> bytes:
            return (await handler(request, Call("test"))).body

        yield Served(dsn, list_flights)


async def test_one_statement_reads_all(served: Served, data_folder: Path) -> None:
    await served.list_flights()
    log = data_folder / "postgres" / "data" / "server.log"
    start = log.stat().st_size
    body = await served.list_flights()
    told = log.read_bytes()[start:].decode(errors="replace")
    assert told.count("LOG:  execute ") == 1
    found = flight_service_pb2.ListFlightsResponse.FromString(body).flights
    (counts,) = await fetch(served.dsn, _COUNTS)
    held = {name: sum(one.HasField(name) for one in found) for name in _MASK[1:]}
    assert held == {**dict.fromkeys(_MASK[1:], 1000), "plane": counts["planes"]}


_COUNTS = """SELECT count(p.tail_number) AS planes FROM (SELECT * FROM flight ORDER BY id LIMIT 1000) f
    LEFT JOIN plane p ON p.tail_number = f.tail_number"""


@pytest.mark.alone
async def test_it_takes_no_longer_than_by_hand(served: Served, tell: Callable[[str], None]) -> None:
    """At most 1.2 times two statements by hand, behind the same messages."""
    connection = await asyncpg.connect(served.dsn, server_settings={"log_statement": "none"})
    own: list[float] = []
    by_hand: list[float] = []
    for _ in range(_ROUNDS):
        own.append(await _seconds(served.list_flights))
        by_hand.append(await _seconds(lambda: _by_hand(connection)))
    answers = [await served.list_flights(), await _by_hand(connection)]
    await connection.close()
    made = [flight_service_pb2.ListFlightsResponse.FromString(body) for body in answers]
    assert [*made[0].flights] == [*made[1].flights]
    ratio = median(own) / median(by_hand)
    tell(f"relations: 1,000 flights with four each, {median(own) * 1e3:.1f} ms, {ratio:.2f} of by hand")
    assert ratio < 1.2


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await work()
    return time.perf_counter() - begun


_PAGE = "SELECT * FROM flight WHERE deleted_at IS NULL ORDER BY id LIMIT 1001"
_RELATED = """
    SELECT which, a.*, p.*, o.* FROM generate_series(0, 2) which
    LEFT JOIN LATERAL (SELECT * FROM airline WHERE which = 0 AND carrier = ANY ($1::text[])) a ON true
    LEFT JOIN LATERAL (SELECT * FROM plane WHERE which = 1 AND tail_number = ANY ($2::text[])) p ON true
    LEFT JOIN LATERAL (SELECT faa, name, latitude, longitude, altitude_feet, utc_offset_hours,
        daylight_saving, time_zone, deleted_at, position::real[]
        FROM airport WHERE which = 2 AND faa = ANY ($3::text[])) o ON true"""


async def _by_hand(connection: Any) -> bytes:
    """Answer the page by two statements, and the messages that protoc makes."""
    rows = (await connection.fetch(_PAGE))[:1000]
    airports = {row["origin"] for row in rows} | {row["destination"] for row in rows}
    keys = [_distinct(rows, "carrier"), _distinct(rows, "tail_number"), [*airports]]
    related = await connection.fetch(_RELATED, *keys)
    held = [
        _messages(related, which, name) for which, name in enumerate(("airline", "plane", "origin_airport"))
    ]
    flights = [_flight(row, held) for row in rows]
    return flight_service_pb2.ListFlightsResponse(flights=flights).SerializeToString()


def _distinct(rows: Iterable[Any], column: str) -> list[str]:
    return [*{row[column] for row in rows if row[column] is not None}]


def _messages(rows: Sequence[Any], which: int, name: str) -> Mapping[str, Message]:
    """Return the messages of one table, by their keys: each begins with its own."""
    flight: Any = flight_pb2.Flight
    message: Any = flight.DESCRIPTOR.fields_by_name[name].message_type._concrete_class
    columns = [
        field.name
        for field in message.DESCRIPTOR.fields
        if field.message_type is None or not field.is_repeated
    ]
    found = {}
    for row in rows:
        if row[0] == which:
            start = 1 + sum(_WIDTHS[:which])
            values = dict(zip(columns, row[start : start + _WIDTHS[which]], strict=True))
            found[row[start]] = message(**{key: value for key, value in values.items() if value is not None})
    return found


_TABLES = ("airline", "plane", "origin_airport")
_WIDTHS = (3, 10, 10)
"""How many columns airlines, planes and airports have."""


def _flight(row: Any, held: Sequence[Mapping[str, Message]]) -> dict[str, Any]:
    airlines, planes, airports = held
    values = {key: value for key, value in row.items() if value is not None}
    values |= {"id": str(row["id"]), "etag": f'"v{row["version"]}"'}
    related = {
        "airline": airlines.get(row["carrier"]),
        "plane": planes.get(row["tail_number"]),
        "origin_airport": airports.get(row["origin"]),
        "destination_airport": airports.get(row["destination"]),
    }
    return {**values, **{name: message for name, message in related.items() if message is not None}}
