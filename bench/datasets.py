"""The tables that are measured on: their rows, and their messages."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from bench import flight_rows
from gateway.schema.protos.sources import compile_protos

ROOT = Path(__file__).parent.parent
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table and its service.

    Args:
        title: what a page calls the rows.
        table: its name in PostgreSQL.
        protos: the folder that describes it.
        package: the protos' package.
        resource: the message of a row.
        columns: those that are sent in bulk.
        key: those that tell whether a row sent in bulk is there already.
        changed: the column that updates change, an integer.
        stamps: columns that the server sets, in SQL: in a new row, and in a stored one `t`.
        rows: makes so many rows from a seed; another seed changes values but no key.

    """

    title: str
    table: str
    protos: Path
    package: str
    resource: str
    columns: Sequence[str]
    key: Sequence[str]
    changed: str
    stamps: dict[str, tuple[str, str]]
    rows: Callable[[int, int], list[Row]]

    @property
    def service(self) -> str:
        """The service's full name."""
        return f"{self.package}.{self.resource}Service"

    @property
    def rows_field(self) -> str:
        """The field of a bulk request, or of a page, that holds the rows."""
        return f"{self.resource.lower()}s"

    @property
    def values(self) -> list[str]:
        """The columns that are not in the key."""
        return [name for name in self.columns if name not in self.key]

    @property
    def fields(self) -> list[str]:
        """The columns of a row: its message's fields but the etag and relations, which aren't stored."""
        fields = self.message(self.resource).DESCRIPTOR.fields
        return [field.name for field in fields if field.name != "etag" and not self._is_relation(field)]

    def _is_relation(self, field: FieldDescriptor) -> bool:
        return field.message_type is not None and field.message_type.file.package == self.package

    def rpc(self, verb: str) -> str:
        """Return a method's name by its verb: Get, Update, List, Stream or BulkUpsert."""
        return f"{verb}{self.resource}{'' if verb in ('Get', 'Update') else 's'}"

    def path(self, verb: str) -> str:
        """Return a method as gRPC names it."""
        return f"/{self.service}/{self.rpc(verb)}"

    def message(self, name: str) -> type[Any]:
        """Return a class of the protos' messages."""
        return GetMessageClass(_pool(self.protos).FindMessageTypeByName(f"{self.package}.{name}"))

    def upsert(self, made: Sequence[Row]) -> Any:
        """Return the request that upserts the rows."""
        message = self.message(f"{self.rpc('BulkUpsert')}Request")(conflict_target=self.key)
        for row in made:
            added = getattr(message, self.rows_field).add()
            for name, value in zip(self.columns, row, strict=True):
                if isinstance(value, datetime):
                    getattr(added, name).seconds = int(value.timestamp())
                elif value is not None:
                    setattr(added, name, value)
        return message


@cache
def _pool(protos: Path) -> DescriptorPool:
    pool = DescriptorPool()
    for file in compile_protos(protos).file:
        pool.Add(file)
    return pool


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


ITEMS = Dataset(
    title="plain rows",
    table="item",
    protos=ROOT / "bench" / "protos",
    package="items.v1",
    resource="Item",
    columns=("id", "name", "price", "seen_time", "quantity"),
    key=("id",),
    changed="quantity",
    stamps={},
    rows=_items,
)
FLIGHTS = Dataset(
    title="flights",
    table="flight",
    protos=ROOT / "protos",
    package="flights.v1",
    resource="Flight",
    columns=flight_rows.COLUMNS,
    key=flight_rows.KEY,
    changed="departure_delay_minutes",
    stamps={
        "version": ("1", "t.version + 1"),
        "created_at": ("now()", "t.created_at"),
        "updated_at": ("now()", "now()"),
        "deleted_at": ("NULL", "NULL"),
    },
    rows=flight_rows.rows,
)
DATASETS = (ITEMS, FLIGHTS)
