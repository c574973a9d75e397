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
        limit: how many may be open; a share for one table or connection.
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
        if not self._has_room(operation, call.connection):
            self._make_room(operation, call.connection)
        self._take(call, operation)
        try:
            yield
        finally:
            self._leave(call)

    def _make_room(self, operation: Operation, connection: str) -> None:
        """End readers that stall and are in the way: none where that isn't enough."""
        ended: dict[StreamCall, Operation] = {}
        while not self._has_room(operation, connection):
            reader = self._in_the_way(operation, connection)
            if reader is None:
                for one, its in ended.items():
                    self._take(one, its)
                raise self._exhausted()
            ended[reader] = self._readers[reader]
            self._leave(reader)
        for reader in ended:
            reader.delivery.give_up()

    def _in_the_way(self, operation: Operation, connection: str) -> StreamCall | None:
        """Return who has stalled the longest of those whose places can help; None without one."""
        full = self._bulkheads.full(operation, connection)
        stalled = {
            call: seconds
            for call, its in self._readers.items()
            if (seconds := call.delivery.stalled) > self._stall
            and (full != "connection" or call.connection == connection)
            and (full != "table" or its is operation)
        }
        return max(stalled, key=lambda call: stalled[call], default=None)

    def _has_room(self, operation: Operation, connection: str) -> bool:
        return len(self._readers) < self._limit and not self._bulkheads.full(operation, connection)

    def _take(self, call: StreamCall, operation: Operation) -> None:
        self._readers[call] = operation
        self._bulkheads.take(operation, call.connection)

    def _leave(self, call: StreamCall) -> None:
        operation = self._readers.pop(call, None)
        if operation is not None:
            self._bulkheads.give_back(operation, call.connection)

    def _exhausted(self) -> ResourceExhausted:
        return ResourceExhausted(
            f"the gateway has its limit of {self._limit} streams reading, or a table or connection its share",
            reason="TOO_MANY_STREAMS",
            metadata={"limit": str(self._limit)},
            retry_delay=self._retry_delay(),
        )
