"""SQLAlchemy's sessions over transactions of the gateway's: without a pool and a COMMIT of their own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import registry as mappings

from gateway.handlers.database.connection import HandlerConnection

_NAME = "postgresql.rowgate"
_URL = "postgresql+rowgate://"
_SCHEMAS: Mapping[str | None, str | None] = {None: "public"}
_LENT: ContextVar[HandlerConnection] = ContextVar("rowgate_lent")


class Dialect(PGDialect_asyncpg):
    """SQLAlchemy's dialect of asyncpg, over connections that are in a transaction, and set up, already."""

    supports_statement_cache = True

    def initialize(self, connection: Any) -> None:
        """Ask the server nothing: what is asked here is the same for all versions that are supported."""

    def on_connect(self) -> None:
        """Leave the connection as it is."""
        return


registry.register(_NAME, __name__, Dialect.__name__)


class Sessions:
    """Opens sessions, and has a class for each table.

    Args:
        tables: SQLAlchemy's table of each resource, by the message's full name.

    """

    def __init__(self, tables: Mapping[str, sa.Table]) -> None:
        self._tables = tables
        self._mappings = mappings()
        self._models: dict[str, type] = {}

    @asynccontextmanager
    async def open(self, connection: HandlerConnection) -> AsyncIterator[AsyncSession]:
        """Give a session whose commit and rollback are of a savepoint; it is committed at the end.

        What is raised inside undoes what it has done.
        """
        lent = _LENT.set(connection)
        try:
            opened = await self._engine.connect()
        finally:
            _LENT.reset(lent)
        async with aclosing(opened), opened.begin():
            options: Any = {"join_transaction_mode": "create_savepoint", "expire_on_commit": False}
            async with AsyncSession(opened, **options) as session:
                yield session
                await session.commit()

    def model(self, name: str) -> type:
        """Return the class that is mapped to the table of a message; raises LookupError.

        Its attributes are the table's columns.
        """
        found = self._models.get(name)
        if found is None:
            table = self._tables.get(name)
            if table is None:
                raise LookupError(f"{name} is no table")
            found = self._models[name] = type(name.rpartition(".")[2], (), {})
            self._mappings.map_imperatively(found, table)
        return found

    @cached_property
    def _engine(self) -> AsyncEngine:
        async def connect() -> Any:
            return _LENT.get()

        engine = create_async_engine(
            _URL, async_creator=connect, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT"
        )
        return engine.execution_options(schema_translate_map=_SCHEMAS)
