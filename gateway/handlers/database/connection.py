"""A connection for statements of handlers' own: that of their transaction, which they can't end."""

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.db.driver_errors import translated
from gateway.handlers.database.queries import KnownQuery, Queries
from gateway.handlers.database.values import converted
from gateway.handlers.open_transaction import OpenTransaction
from gateway.schema.sql_text import read_query


class HandlerConnection:
    """Runs statements in a transaction, one at a time, as SQLAlchemy asks a connection of the driver to.

    Args:
        opened: the transaction.
        queries: look at each before it is run.
        is_policed: whether policies hold.

    """

    def __init__(self, opened: OpenTransaction, queries: Queries, *, is_policed: bool) -> None:
        self._opened = opened
        self._queries = queries
        self._is_policed = is_policed

    async def fetch(self, text: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the rows of a query with `:name` for parameters; raises RowgateError, and RefusedQueryError.

        Raises TypeError where values are missing, or none of the query's.
        """
        query = read_query(text)
        if set(query.names) != set(values):
            given, asked = ", ".join(sorted(values)), ", ".join(sorted(query.names))
            raise TypeError(f"the query takes {asked or 'no parameters'}, and has {given or 'none'}")
        async with self._opened.turn(is_policed=self._is_policed) as transaction:
            with translated(transaction.foreign_connection()):
                statement = await self._prepared(query.numbered().text)
                rows = await self._run(statement, [values[name] for name in query.names])
        names = [one.name for one in statement.known.attributes]
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def prepare(self, text: str, **_: Any) -> "HandlerStatement":
        """Return a statement; raises RefusedQueryError, and the driver's exceptions."""
        async with self._opened.turn(is_policed=self._is_policed):
            return await self._prepared(text)

    async def executemany(self, text: str, each: Iterable[Sequence[Any]]) -> None:
        """Run a statement with the values of each; raises as `prepare`."""
        async with self._opened.turn(is_policed=self._is_policed):
            statement = await self._prepared(text)
            for values in each:
                await self._run(statement, values)

    async def run(self, statement: "HandlerStatement", values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the rows of a statement; raises the driver's exceptions."""
        async with self._opened.turn(is_policed=self._is_policed):
            return await self._run(statement, values)

    async def _prepared(self, text: str) -> "HandlerStatement":
        connection = self._opened.transaction.foreign_connection()
        known = await self._queries.known(connection, text, is_policed=self._is_policed)
        return HandlerStatement(self, text, known)

    async def _run(self, statement: "HandlerStatement", values: Sequence[Any]) -> list[tuple[Any, ...]]:
        known = statement.known
        sent = converted(values, known.encode) if known.encode else values
        rows, statement.tag = await self._opened.transaction.fetch_foreign(statement.text, sent)
        if not any(known.decode):
            return [tuple(row) for row in rows]
        return [tuple(converted(row, known.decode)) for row in rows]

    def is_closed(self) -> bool:
        """Whether the connection was lost."""
        return bool(self._opened.transaction.foreign_connection().is_closed())

    async def close(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the driver's
        """Do nothing: the connection is the transaction's."""

    def terminate(self) -> None:
        """Do nothing, as above."""


class HandlerStatement:
    """A statement that may be run.

    Args:
        connection: runs it.
        text: the statement.
        known: what is known of it.

    """

    __slots__ = ("_connection", "known", "tag", "text")

    def __init__(self, connection: HandlerConnection, text: str, known: KnownQuery) -> None:
        self._connection = connection
        self.text = text
        self.known = known
        self.tag = ""

    def get_attributes(self) -> Sequence[Any]:
        """Return its columns."""
        return self.known.attributes

    def get_statusmsg(self) -> str:
        """Return what PostgreSQL said at its end."""
        return self.tag

    async def fetch(self, *values: Any) -> list[tuple[Any, ...]]:
        """Return its rows."""
        return await self._connection.run(self, values)
