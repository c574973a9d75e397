"""A hand-written grpc.aio service: Get and Update by SQLAlchemy's ORM."""

import sys
from datetime import UTC, datetime
from typing import Any

import grpc
import uvloop
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.ext.declarative import DeferredReflection
from sqlalchemy.orm import DeclarativeBase

from bench.datasets import FLIGHTS, ITEMS, Dataset
from bench.peers.serving import handler, serve

Context = grpc.aio.ServicerContext[Any, Any]


class Base(DeferredReflection, DeclarativeBase):
    """Mapped classes take their columns from the database."""


class Item(Base):
    """A plain row."""

    __tablename__ = "item"


class Flight(Base):
    """A flight."""

    __tablename__ = "flight"


class Rows:
    """Reads and changes single rows of a table."""

    def __init__(
        self, session: "async_sessionmaker[AsyncSession]", mapped: type[Any], dataset: Dataset
    ) -> None:
        self._session = session
        self._mapped = mapped
        self._dataset = dataset
        self._message = dataset.message(dataset.resource)
        self._fields = dataset.fields

    async def get(self, request: Any, context: Context) -> Any:
        """Return one row."""
        async with self._session() as session:
            return self._as_message(await self._find(session, request.id, context))

    async def update(self, request: Any, context: Context) -> Any:
        """Change the masked fields of one row; return it."""
        new = getattr(request, self._dataset.resource.lower())
        async with self._session.begin() as session:
            row = await self._find(session, new.id, context)
            for name in request.update_mask.paths:
                setattr(row, name, getattr(new, name))
            if "version" in self._fields:
                row.version += 1
                row.updated_at = datetime.now(UTC)
        return self._as_message(row)

    async def _find(self, session: AsyncSession, key: Any, context: Context) -> Any:
        row = await session.get(self._mapped, key)
        if row is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such row")
        return row

    def _as_message(self, row: Any) -> Any:
        values = {name: getattr(row, name) for name in self._fields if getattr(row, name) is not None}
        if "version" in values:
            values |= {"id": str(values["id"]), "etag": f'"{values["version"]}"'}
        return self._message(**values)


async def _main(dsn: str, address: str) -> None:
    url = dsn.replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, pool_size=8, max_overflow=0)
    async with engine.connect() as connection:
        await connection.run_sync(lambda sync: Base.prepare(sync))  # noqa: PLW0108 - mypy: run_sync's argument is positional
    session = async_sessionmaker(engine, expire_on_commit=False)
    tables = [(ITEMS, Rows(session, Item, ITEMS)), (FLIGHTS, Rows(session, Flight, FLIGHTS))]
    await serve([handler(s, {"Get": rows.get, "Update": rows.update}) for s, rows in tables], address)


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:]))
