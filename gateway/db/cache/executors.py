"""Executors of calls that change rows which may be kept: what they change is dropped."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

from gateway.db.cache.changes import Changed
from gateway.db.coalesce import RequestedWrite
from gateway.db.executor import Executor, SingleWrites
from gateway.db.statements.transaction import Row, Transaction
from gateway.db.statements.transaction_mode import USUAL, Mode
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement

T = TypeVar("T")


class CachedWrites:
    """SingleWrites that drop the rows which they change.

    Args:
        writes: what carries them out.
        changed: what they change.

    """

    def __init__(self, writes: SingleWrites, changed: Changed) -> None:
        self._writes = writes
        self._changed = changed

    async def write(
        self,
        requested_write: RequestedWrite,
        call: Call,
        answer: Callable[[Row], T],
        otherwise: Callable[[], Awaitable[T]],
    ) -> T:
        """Return the answer made of the changed row, or what `otherwise` returns: see RowWrites."""
        row = requested_write.row
        try:
            answered = await self._writes.write(requested_write, call, answer, otherwise)
        except BaseException as error:
            self._changed.in_doubt(call, error, row)
            raise
        await self._changed.by(call, row)
        return answered


class CachedDatabase:
    """An Executor that drops what its writes change.

    Args:
        database: what carries them out.
        changed: what they change.

    """

    def __init__(self, database: Executor, changed: Changed) -> None:
        self._database = database
        self._changed = changed
        self.fetch_first = database.fetch_first
        self.cursor = database.cursor

    async def fetch(self, statement: Statement, args: Sequence[Any], call: Call) -> Sequence[Row]:
        """Run one statement; return its rows: see Database."""
        if not statement.writes:
            return await self._database.fetch(statement, args, call)
        async with self._changing(call):
            return await self._database.fetch(statement, args, call)

    def session(self, call: Call, mode: Mode) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction that lasts as long as the context: see Database."""
        return self._session(call, mode)

    @asynccontextmanager
    async def _session(self, call: Call, mode: Mode) -> AsyncIterator[Transaction]:
        async with self._changing(call), self._database.session(call, mode) as transaction:
            yield transaction

    async def transact(
        self, work: Callable[[Transaction], Awaitable[T]], call: Call, mode: Mode = USUAL
    ) -> T:
        """Run `work`, all of it or nothing: see Database."""
        async with self._changing(call):
            return await self._database.transact(work, call, mode)

    async def transact_once(
        self, work: Callable[[Transaction], Awaitable[T]], call: Call, mode: Mode = USUAL
    ) -> T:
        """As `transact`, for work that finds out by itself whether it has been done."""
        async with self._changing(call):
            return await self._database.transact_once(work, call, mode)

    @asynccontextmanager
    async def _changing(self, call: Call) -> AsyncIterator[None]:
        try:
            yield
        except BaseException as error:
            self._changed.in_doubt(call, error)
            raise
        await self._changed.by(call)
