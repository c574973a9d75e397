"""Rows of one query, read a slice at a time from one snapshot, and how many such readers there may be."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gateway.db.transaction import Row
from gateway.db.translate import translated
from gateway.errors import ResourceExhausted
from gateway.errors.delay import RetryDelay
from gateway.request.bulkheads import Bulkheads, Operation
from gateway.request.call import StreamCall


class Cursor:
    """An open query: a portal, which PostgreSQL runs only as far as its rows are fetched."""

    def __init__(self, connection: Any, portal: Any) -> None:
        self._connection = connection
        self._portal = portal

    async def slices(self, size: Callable[[], int]) -> AsyncGenerator[Sequence[Row]]:
        """Yield the rows, at most `size()` at a time; the next are fetched while the last are used.

        So there are two slices in memory. Raises translated errors, after the rows that came before them.
        """
        coming = asyncio.ensure_future(self._fetch(size()))
        try:
            while rows := await coming:
                coming = asyncio.ensure_future(self._fetch(size()))
                await asyncio.sleep(0)
                yield rows
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    async def _fetch(self, count: int) -> Sequence[Row]:
        with translated(self._connection):
            rows: Sequence[Row] = await self._portal.fetch(count)
            return rows


class CursorPlaces:
    """Counts the open cursors: each keeps a connection for as long as its reader likes.

    Args:
        limit: how many may be open; three quarters for one table or connection.
        stall: seconds that a reader may take nothing before another may have its place.

    """

    def __init__(self, limit: int, stall: float) -> None:
        self._limit = limit
        self._stall = stall
        self._bulkheads = Bulkheads(limit)
        self._readers: dict[StreamCall, Operation] = {}
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
        # All of them are of one kind: it would leave the last quarter to nobody.
        table = call.operation.table
        operation = self._tables.setdefault(table, Operation(table))
        stalled = self._stalled()
        while not self._has_room(operation, call.connection):
            if not stalled:
                raise self._exhausted()
            self._end(stalled.pop())
        self._readers[call] = operation
        self._bulkheads.take(operation, call.connection)
        try:
            yield
        finally:
            self._leave(call)

    def _has_room(self, operation: Operation, connection: str) -> bool:
        return len(self._readers) < self._limit and not self._bulkheads.full(operation, connection)

    def _leave(self, call: StreamCall) -> None:
        operation = self._readers.pop(call, None)
        if operation is not None:
            self._bulkheads.give_back(operation, call.connection)

    def _stalled(self) -> list[StreamCall]:
        """Return the readers whose clients take nothing, the longest last."""
        readers = [call for call in self._readers if call.delivery.stalled > self._stall]
        return sorted(readers, key=lambda call: call.delivery.stalled)

    def _end(self, call: StreamCall) -> None:
        """End a reader: its place is free at once, its connection in a moment."""
        call.delivery.give_up()
        self._leave(call)

    def _exhausted(self) -> ResourceExhausted:
        return ResourceExhausted(
            f"the gateway has its limit of {self._limit} streams reading, or a table or connection its share",
            reason="TOO_MANY_STREAMS",
            metadata={"limit": str(self._limit)},
            retry_delay=self._retry_delay(),
        )
