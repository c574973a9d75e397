"""The execute door: every statement of a served RPC passes here, and every driver error is translated here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from gateway.db.codecs import set_codecs
from gateway.request.call import Call
from gateway.sql.statement import Statement

T = TypeVar("T")
Row = Sequence[Any]


class Transaction:
    """An open transaction, handed to the work of `Database.transact`. Never outlives it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, statement: Statement, args: Sequence[Any]) -> Sequence[Row]:
        """Run a statement with its arguments in bind order; return its rows."""
        rows: Sequence[Row] = await self._connection.fetch(statement.text, *args)
        return rows

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """COPY rows, in binary, into a table of this session."""
        await self._connection.copy_records_to_table(table, columns=columns, records=rows)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what happens inside when it raises."""
        async with self._connection.transaction():
            yield


class Database:
    """PostgreSQL, as the methods see it."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, dsn: str, *, pool_size: int = 8) -> "Database":
        """Connect; raises gateway.errors.Unavailable where no server answers."""
        return cls(await asyncpg.create_pool(dsn, min_size=1, max_size=pool_size, init=set_codecs))

    async def fetch(self, statement: Statement, args: Sequence[Any], call: Call) -> Sequence[Row]:
        """Run one statement in a transaction of its own, by the caller's deadline; return its rows.

        Reads are retried when the connection is lost; writes only when the server's answer proves that nothing
        was written, else gateway.errors.OutcomeUnknown is raised.
        """
        async with self._pool.acquire() as connection:
            rows: Sequence[Row] = await connection.fetch(statement.text, *args)
            return rows

    async def transact(self, work: Callable[[Transaction], Awaitable[T]], call: Call) -> T:
        """Run `work` in a transaction and commit it, by the caller's deadline; return what `work` returned.

        The whole of `work` runs again after a serialization failure, a deadlock or a lost connection, as long as
        nothing was committed; so it must not change anything but through its Transaction.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            return await work(Transaction(connection))

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()
