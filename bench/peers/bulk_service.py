"""A hand-written grpc.aio service: BulkUpsert by SQLAlchemy's insert().on_conflict_do_update()."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData, Table, text
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench.datasets import DATASETS, Dataset
from bench.peers.serving import handler, serve

if TYPE_CHECKING:
    from google.protobuf.message import Message

PARAMETERS = 32_767
"""The most that asyncpg binds to one statement."""
Values = dict[str, Any]
_NOW = object()
_PLAIN = {"1": 1, "NULL": None, "now()": _NOW}


class Upserts:
    """Upserts one table's rows in one transaction.

    Args:
        engine: the database.
        table: the table, as reflected.
        dataset: what is sent.
        way: `executemany` runs the statement for each row; `values` sends as many rows in one statement as
            its parameters allow.

    """

    def __init__(self, engine: AsyncEngine, table: Table, dataset: Dataset, way: str) -> None:
        self._engine = engine
        self._table = table
        self._dataset = dataset
        self._way = way
        self._response = dataset.message(f"{dataset.rpc('BulkUpsert')}Response")
        message = dataset.message(dataset.resource).DESCRIPTOR
        self._fields = [message.fields_by_name[name] for name in dataset.columns]
        self._statement = self._upsert(insert(table).values(self._fresh()))

    def _fresh(self) -> Values:
        return {name: text(fresh) for name, (fresh, _) in self._dataset.stamps.items()}

    def _upsert(self, new: Insert) -> Insert:
        changed: Values = {name: new.excluded[name] for name in self._dataset.values}
        for name, (_, stored) in self._dataset.stamps.items():
            changed[name] = text(stored.replace("t.", f"{self._dataset.table}."))
        return new.on_conflict_do_update(index_elements=self._dataset.key, set_=changed)

    async def upsert(self, request: Any, _context: object) -> Any:
        """Upsert the rows of a request."""
        rows = [self._as_dict(message) for message in getattr(request, self._dataset.rows_field)]
        async with self._engine.begin() as connection:
            if self._way == "executemany":
                await connection.execute(self._statement, rows)
            else:
                for part in self._parts(rows):
                    await connection.execute(self._upsert(insert(self._table).values(part)))
        return self._response(inserted_count=len(rows))

    def _parts(self, rows: Sequence[Values]) -> Iterator[list[Values]]:
        # Values of Python: with SQL in each row, SQLAlchemy takes several times as long.
        fresh = {name: _PLAIN[sql] for name, (sql, _) in self._dataset.stamps.items()}
        fresh = {name: datetime.now(UTC) if value is _NOW else value for name, value in fresh.items()}
        size = PARAMETERS // (len(self._dataset.columns) + len(fresh))
        for start in range(0, len(rows), size):
            yield [row | fresh for row in rows[start : start + size]]

    def _as_dict(self, message: "Message") -> Values:
        row: Values = {}
        for field in self._fields:
            unset = field.has_presence and not message.HasField(field.name)
            value: Any = None if unset else getattr(message, field.name)
            row[field.name] = value.ToDatetime(tzinfo=UTC) if value and field.message_type else value
        return row


async def _main(dsn: str, address: str, way: str) -> None:
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"))
    metadata = MetaData()
    names = [dataset.table for dataset in DATASETS]
    async with engine.connect() as connection:
        await connection.run_sync(lambda sync: metadata.reflect(sync, only=names))
    tables = [
        (dataset, Upserts(engine, metadata.tables[dataset.table], dataset, way)) for dataset in DATASETS
    ]
    await serve([handler(dataset, {"BulkUpsert": rows.upsert}) for dataset, rows in tables], address)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
