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
        return self._tables.setdefault(table, Operation(table)), call.connection

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
            and (full != "connection" or reader.connection == call.connection)
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
