"""Send the sample through BulkUpsert: every table, in chunks, several on their way at once.

    python -m examples.flights.load [--target 127.0.0.1:50051]

Loading twice changes nothing: a row is known by its natural key.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import click
import grpc.aio
from flights.v1 import (
    airline_service_pb2,
    airline_service_pb2_grpc,
    airport_service_pb2,
    airport_service_pb2_grpc,
    flight_service_pb2,
    flight_service_pb2_grpc,
    plane_service_pb2,
    plane_service_pb2_grpc,
    weather_service_pb2,
    weather_service_pb2_grpc,
)
from google.protobuf.message import Message
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from examples.flights.data import Sample, SampleMissingError
from examples.flights.report import Loaded, loaded_table

CHUNK = 10_000
"""Rows in one call: about 1 MiB of flights."""
IN_FLIGHT = 4
"""Calls under way at once."""
DEADLINE = 60.0
"""Seconds that one call may take."""
READY = 30.0
"""Seconds to wait for the server."""


@dataclass(frozen=True, slots=True)
class Table:
    """How one table is sent.

    Args:
        name: the table's plural, as `<Service>Service` and its methods spell it.
        size: how many rows the data has.
        rows: reads them.
        stub: the service's stub.
        requests: the module of the service's messages.
        field: the request's field that holds the rows.
        key: the unique key that tells whether a row is there already; the primary key where empty.

    """

    name: str
    size: int
    rows: Callable[[Sample], Iterator[Message]]
    stub: Callable[[grpc.aio.Channel], Any]
    requests: Any
    field: str
    key: tuple[str, ...] = ()

    def upsert(self, channel: grpc.aio.Channel, rows: Sequence[Message]) -> Any:
        """Call BulkUpsert with some rows; the call to await."""
        request = getattr(self.requests, f"BulkUpsert{self.name}Request")
        method = getattr(self.stub(channel), f"BulkUpsert{self.name}")
        return method(request(**{self.field: rows}, conflict_target=self.key), timeout=DEADLINE)

    async def count(self, channel: grpc.aio.Channel) -> int:
        """Return how many rows the server holds, the deleted ones too."""
        request = getattr(self.requests, f"Count{self.name}Request")(show_deleted=True)
        answer = await getattr(self.stub(channel), f"Count{self.name}")(request, timeout=DEADLINE)
        return int(answer.count)


FLIGHT_KEY = ("carrier", "flight_number", "origin", "scheduled_departure_time")

TABLES = (
    Table(
        "Airlines",
        16,
        Sample.airlines,
        airline_service_pb2_grpc.AirlineServiceStub,
        airline_service_pb2,
        "airlines",
    ),
    Table(
        "Airports",
        1_458,
        Sample.airports,
        airport_service_pb2_grpc.AirportServiceStub,
        airport_service_pb2,
        "airports",
    ),
    Table(
        "Planes", 3_322, Sample.planes, plane_service_pb2_grpc.PlaneServiceStub, plane_service_pb2, "planes"
    ),
    Table(
        "Weather",
        26_115,
        Sample.weather,
        weather_service_pb2_grpc.WeatherServiceStub,
        weather_service_pb2,
        "weather",
    ),
    Table(
        "Flights",
        336_776,
        Sample.flights,
        flight_service_pb2_grpc.FlightServiceStub,
        flight_service_pb2,
        "flights",
        FLIGHT_KEY,
    ),
)
"""In the order that their references ask for."""


@dataclass(slots=True)
class _Tally:
    """Adds up the answers of one table's calls."""

    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("inserted", "updated", "unchanged"), 0)
    )

    def add(self, answer: Any) -> None:
        for name in self.counts:
            self.counts[name] += getattr(answer, f"{name}_count")


async def load(
    channel: grpc.aio.Channel, sample: Sample, console: Console, tables: Sequence[Table] = TABLES
) -> list[Loaded]:
    """Send the tables; return what became of them. Raises grpc.aio.AioRpcError, in a group."""
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        return [await _load_table(table, channel, sample, progress) for table in tables]


async def _load_table(table: Table, channel: grpc.aio.Channel, sample: Sample, progress: Progress) -> Loaded:
    bar = progress.add_task(table.name, total=table.size)
    room = asyncio.Semaphore(IN_FLIGHT)
    tally = _Tally()
    began = time.perf_counter()

    async def send(rows: Sequence[Message]) -> None:
        try:
            tally.add(await table.upsert(channel, rows))
        finally:
            room.release()
        progress.advance(bar, len(rows))

    async with asyncio.TaskGroup() as calls:
        for rows in _chunks(table.rows(sample)):
            await room.acquire()
            calls.create_task(send(rows))
    return Loaded(table.name, seconds=time.perf_counter() - began, **tally.counts)


def _chunks(rows: Iterator[Message]) -> Iterator[Sequence[Message]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


async def is_loaded(channel: grpc.aio.Channel) -> bool:
    """Tell whether the server holds as many rows of each table as the data has."""
    return all([await table.count(channel) >= table.size for table in TABLES])


@asynccontextmanager
async def connect(target: str) -> AsyncIterator[grpc.aio.Channel]:
    """Open a channel, and wait until the server answers; raises TimeoutError."""
    async with grpc.aio.insecure_channel(target) as channel:
        await asyncio.wait_for(channel.channel_ready(), READY)
        yield channel


async def _main(target: str, console: Console) -> None:
    async with connect(target) as channel:
        console.print(loaded_table(await load(channel, Sample(), console)))


@click.command()
@click.option("--target", default="127.0.0.1:50051", show_default=True, help="where the gateway listens")
def main(target: str) -> None:
    """Load the flights sample."""
    try:
        asyncio.run(_main(target, Console()))
    except* TimeoutError:
        raise click.ClickException(f"no gateway answers at {target} within {READY:.0f} seconds") from None
    except* SampleMissingError as missing:
        raise click.ClickException(str(missing.exceptions[0])) from None
    except* grpc.aio.AioRpcError as failed:
        raise click.ClickException(str(failed.exceptions[0])) from None


if __name__ == "__main__":
    main()
