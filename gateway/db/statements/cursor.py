"""Rows of one query, read a slice at a time from one snapshot, and how many such readers there may be."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gateway.db.connections.received_bytes import is_too_large
from gateway.db.driver_errors import sqlstate_of, translated
from gateway.db.statements.caller_role import blaming_policies
from gateway.db.statements.transaction import Row, Transaction
from gateway.db.statements.watch import StatementWatch, watched
from gateway.errors import FailedPrecondition, OutOfRange, ResourceExhausted, RowgateError
from gateway.errors.retry_delay import RetryDelay
from gateway.errors.sqlstate import READ_ONLY
from gateway.request.calls.bulkheads import CALLER, Bulkheads, Operation
from gateway.request.calls.call import Call, StreamCall
from gateway.sql.statement import Statement

if TYPE_CHECKING:
    from gateway.db.connections.connect import Connection


# One snapshot for all its portals, and a place to go back to where one is broken off.
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_SAVEPOINT = "SAVEPOINT before_portal"
_GO_BACK = "ROLLBACK TO before_portal"
_LARGE = 1024 * 1024
"""A slice of more bytes is used before the next is fetched."""


class Cursor:
    """An open query: a portal, which PostgreSQL runs only as far as its rows are fetched.

    Args:
        connection: where it runs; its own until the transaction ends.
        statement: the query.
        args: its arguments.
        call: whose rows they are.
        watch: told of each slice.
        as_caller: what makes its transaction the caller's; empty where it is the gateway's own.

    """

    def __init__(
        self,
        connection: "Connection",
        statement: Statement,
        args: Sequence[Any],
        call: Call,
        watch: StatementWatch | None = None,
        *,
        as_caller: str = "",
    ) -> None:
        self._connection = connection
        self._begin = "; ".join(filter(None, (_BEGIN, as_caller, _SAVEPOINT)))
        self._is_callers = bool(as_caller)
        self._watch = watch
        self.statement = statement
        self._args = args
        self._call = call
        self._portal: Any = None
        self._fetched = 0
        """Rows that were fetched."""

    @classmethod
    async def within(cls, transaction: Transaction, statement: Statement, args: Sequence[Any]) -> "Cursor":
        """Return one in a transaction that is open, and that it ends with."""
        cursor = transaction.given_to(cls, statement, args)
        await cursor.bind_within()
        return cursor

    async def bind_within(self) -> None:
        """Bind the query; raises translated errors."""
        with translated(self._connection):
            await self.bind()

    async def begin(self) -> None:
        """Begin a transaction, and bind the query to a portal; nothing of it has run then."""
        await self._connection.execute(self._begin)
        await self.bind()

    async def slices(self, size: Callable[[], int]) -> AsyncGenerator[Sequence[Row]]:
        """Yield the rows, at most `size()` at a time; the next are fetched while the last are used.

        So there are two slices in memory, or one where it is large, and they are counted. Raises translated
        errors, after the rows that came before them, and OutOfRange for a row that alone is larger than a
        statement may return.
        """
        call, received = self._call, self._connection.received
        coming = asyncio.ensure_future(self._fetch(size()))
        try:
            while rows := await coming:
                large = received.read > _LARGE
                call.hold(received.read)
                if not large:
                    coming = asyncio.ensure_future(self._fetch(size()))
                    await asyncio.sleep(0)
                yield rows
                if large:
                    call.hold(0)
                    coming = asyncio.ensure_future(self._fetch(size()))
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            call.hold(0)

    async def first_rows(self) -> tuple[Sequence[Row], bool]:
        """Return as many of the first rows as a statement may return, and whether those are all.

        Raises OutOfRange where there isn't room for the first.
        """
        rows: list[Row] = []
        received, count = self._connection.received, 1
        try:
            with _refusing_writes(self._call), translated(self._connection), received.of(self._call):
                while count:
                    more = await self._portal.fetch(count)
                    rows += more
                    if len(more) < count:
                        return rows, True
                    room = (received.limit - received.read) * len(rows) // received.read
                    count = min(len(rows), room)
        except OutOfRange as error:
            if not (rows and is_too_large(error)):
                raise
        return rows, False

    async def _fetch(self, count: int) -> Sequence[Row]:
        """Fetch so many rows; a single one where those are too large together."""
        try:
            return await self._next(count)
        except OutOfRange as error:
            if count == 1 or not is_too_large(error):
                raise
        with translated(self._connection):
            await self._connection.execute(_GO_BACK)
            await self.bind()
            if self._fetched:
                await self._portal.forward(self._fetched)
        return await self._next(1)

    async def _next(self, count: int) -> Sequence[Row]:
        blaming = blaming_policies(self._args) if self._is_callers else nullcontext()
        connection = self._connection
        with (
            _refusing_writes(self._call),
            blaming,
            translated(connection),
            connection.received.of(self._call),
        ):
            answer = self._portal.fetch(count)
            rows: Sequence[Row] = await watched(self._watch, self.statement, self._call, answer)
        self._fetched += len(rows)
        return rows

    async def bind(self) -> None:
        """Bind the query to a portal.

        The statement is prepared without a name, so not kept: beside a long read that costs nothing, and the
        plan is made for these very values.
        """
        statement = self.statement
        if self._watch is not None:
            statement = replace(statement, text=self._watch.commented(statement.text, self._call))
        prepared, _ = await self._connection.prepare_once(statement)
        self._portal = await prepared.cursor(*self._args)


@contextmanager
def _refusing_writes(call: Call) -> Iterator[None]:
    """Raise as that what a query fails with that writes: it is the transaction that takes no writes."""
    try:
        yield
    except RowgateError as error:
        if sqlstate_of(error) != READ_ONLY:
            raise
        told = "the query writes, which it isn't said to do"
        # No other connection is to blame, so there is no cause.
        raise FailedPrecondition(told, reason="QUERY_WRITES", metadata={"method": call.method}) from None


class CursorPlaces:
    """Counts the open cursors: each keeps a connection for as long as its reader likes.

    Args:
        limit: how many may be open; a share for one table or connection.
        stall: seconds that a reader may take nothing before another may have its place.

    """

    def __init__(self, limit: int, stall: float) -> None:
        self._limit = limit
        self._stall = stall
        self._readers = Bulkheads[StreamCall](limit, self._owner)
        self._retry_delay = RetryDelay()
        self._tables: dict[str, Operation] = {}

    @property
    def in_use(self) -> int:
        """Places that are held."""
        return len(self._readers)

    @contextmanager
    def place(self, call: StreamCall) -> Iterator[None]:
        """Hold a place; raises ResourceExhausted where none is free.

        It may take long, so nobody waits: but a reader that stalls makes room.
        """
        if not self._has_room(call):
            self._make_room(call)
        self._readers.take(call)
        try:
            yield
        finally:
            self._leave(call)

    def _owner(self, call: StreamCall) -> tuple[Operation, str]:
        # All of them are of one kind: its share would leave the last quarter to nobody.
        table = call.operation.table
        return self._tables.setdefault(table, Operation(table)), call.caller

    def _make_room(self, call: StreamCall) -> None:
        """End readers that stall and are in the way: none where that isn't enough."""
        ended: list[StreamCall] = []
        while not self._has_room(call):
            reader = self._in_the_way(call)
            if reader is None:
                for one in ended:
                    self._readers.take(one)
                raise self._exhausted()
            ended.append(reader)
            self._leave(reader)
        for reader in ended:
            reader.delivery.give_up()

    def _in_the_way(self, call: StreamCall) -> StreamCall | None:
        """Return who has stalled the longest of those whose places can help; None without one."""
        full = self._readers.full(*self._owner(call))
        stalled = {
            reader: seconds
            for reader in self._readers
            if (seconds := reader.delivery.stalled) > self._stall
            and (full != CALLER or reader.caller == call.caller)
            and (full != "table" or reader.operation.table == call.operation.table)
        }
        return max(stalled, key=lambda reader: stalled[reader], default=None)

    def _has_room(self, call: StreamCall) -> bool:
        return len(self._readers) < self._limit and not self._readers.full(*self._owner(call))

    def _leave(self, call: StreamCall) -> None:
        if call in self._readers:
            self._readers.give_back(call)

    def _exhausted(self) -> ResourceExhausted:
        return ResourceExhausted(
            f"the gateway has its limit of {self._limit} streams reading, or a table or connection its share",
            reason="TOO_MANY_STREAMS",
            metadata={"limit": str(self._limit)},
            retry_delay=self._retry_delay(),
        )
