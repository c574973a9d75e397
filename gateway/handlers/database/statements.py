"""Statements of handlers' own, as a call's Rowgate has them."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table

from gateway.db.driver_errors import DRIVER_ERRORS, translate
from gateway.handlers.database.connection import HandlerConnection
from gateway.handlers.database.queries import Queries
from gateway.handlers.open_transaction import OpenTransaction
from gateway.schema.model import Schema

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from gateway.handlers.database.sessions import Sessions


class Statements:
    """Runs statements in open transactions, by SQL or by SQLAlchemy.

    Args:
        schema: has the tables' policies.
        tables: SQLAlchemy's, by the full names of their messages.
        by_callers: whether PostgreSQL's own policies hold.

    """

    def __init__(self, schema: Schema, tables: Mapping[str, Table], *, by_callers: bool) -> None:
        self._queries = Queries(schema, by_callers=by_callers)
        self._tables = tables

    async def fetch(
        self, opened: OpenTransaction, text: str, values: dict[str, Any], *, is_policed: bool
    ) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        connection = HandlerConnection(opened, self._queries, is_policed=is_policed)
        return await connection.fetch(text, values)

    @asynccontextmanager
    async def session(self, opened: OpenTransaction, *, is_policed: bool) -> AsyncIterator["AsyncSession"]:
        """Give a session of SQLAlchemy's."""
        async with opened.part() as part:
            connection = HandlerConnection(part, self._queries, is_policed=is_policed)
            async with self._sessions.open(connection) as session:
                yield session

    def model(self, name: str) -> type:
        """Return the class of a message's table; raises LookupError."""
        return self._sessions.model(name)

    @cached_property
    def _sessions(self) -> "Sessions":
        from gateway.handlers.database.sessions import Sessions  # noqa: PLC0415 - few handlers need SQLAlchemy's ORM

        return Sessions(self._tables)


@contextmanager
def named_errors() -> Iterator[None]:
    """Raise what SQLAlchemy makes of the driver's exceptions as the gateway's errors of these."""
    try:
        yield
    except Exception as error:
        cause = getattr(getattr(error, "orig", None), "__cause__", None)
        if not isinstance(cause, DRIVER_ERRORS):
            raise
        raise translate(cause) from cause
