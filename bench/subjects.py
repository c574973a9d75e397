"""The tables that bulk upserts are measured on: their rows, and their messages."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from bench import data
from gateway.schema.sources import compile_protos

ROOT = Path(__file__).parent.parent
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """A table and its BulkUpsert.

    Args:
        title: what a page calls the rows.
        table: its name in PostgreSQL.
        protos: the folder that describes it.
        service: its service's full name.
        rpc: its BulkUpsert.
        rows_field: the request's field that holds the rows.
        columns: those that are sent.
        key: those that tell whether a row is there already.
        stamps: columns that the server sets, in SQL: in a new row, and in a stored one `t`.
        rows: makes so many rows from a seed; another seed changes values but no key.

    """

    title: str
    table: str
    protos: Path
    service: str
    rpc: str
    rows_field: str
    columns: Sequence[str]
    key: Sequence[str]
    stamps: dict[str, tuple[str, str]]
    rows: Callable[[int, int], list[Row]]

    @property
    def path(self) -> str:
        """The RPC as gRPC names it."""
        return f"/{self.service}/{self.rpc}"

    @property
    def values(self) -> list[str]:
        """The columns that are not in the key."""
        return [name for name in self.columns if name not in self.key]

    def messages(self) -> tuple[type[Message], type[Message]]:
        """Return the classes of the request and the response."""
        pool = DescriptorPool()
        for file in compile_protos(self.protos).file:
            pool.Add(file)
        method = pool.FindServiceByName(self.service).FindMethodByName(self.rpc)
        return GetMessageClass(method.input_type), GetMessageClass(method.output_type)

    def request(self, request: type[Message], made: Sequence[Row]) -> Any:
        """Return the request that upserts the rows."""
        message: Any = request(conflict_target=self.key)
        for row in made:
            added = getattr(message, self.rows_field).add()
            for name, value in zip(self.columns, row, strict=True):
                if isinstance(value, datetime):
                    getattr(added, name).seconds = int(value.timestamp())
                elif value is not None:
                    setattr(added, name, value)
        return message


def _items(count: int, seed: int) -> list[Row]:
    keys = random.Random(0)  # noqa: S311 - data, not secrets
    values = random.Random(seed)  # noqa: S311
    start = datetime(2024, 1, 1, tzinfo=UTC)
    ids = keys.sample(range(1, 20 * count), count)
    return [
        (
            number,
            f"item {number:012d} {values.getrandbits(160):040x}",
            values.uniform(1, 1000),
            start + timedelta(seconds=values.randrange(10**8)),
            values.randrange(10**6),
        )
        for number in ids
    ]


PLAIN = Subject(
    title="plain rows",
    table="item",
    protos=ROOT / "bench" / "protos",
    service="bench.v1.ItemService",
    rpc="BulkUpsertItems",
    rows_field="items",
    columns=("id", "name", "price", "seen_time", "quantity"),
    key=("id",),
    stamps={},
    rows=_items,
)
FLIGHTS = Subject(
    title="flights",
    table="flight",
    protos=ROOT / "protos",
    service="flights.v1.FlightService",
    rpc="BulkUpsertFlights",
    rows_field="flights",
    columns=data.COLUMNS,
    key=data.KEY,
    stamps={
        "version": ("1", "t.version + 1"),
        "created_at": ("now()", "t.created_at"),
        "updated_at": ("now()", "now()"),
        "deleted_at": ("NULL", "NULL"),
    },
    rows=data.rows,
)
SUBJECTS = (PLAIN, FLIGHTS)
