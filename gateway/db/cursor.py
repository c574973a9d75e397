"""Rows of one query, read a slice at a time from one snapshot, and how many such readers there may be."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gateway.db.transaction import Row
from gateway.db.translate import translated
from gateway.errors import ResourceExhausted

_RETRY_SECONDS = 1.0


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
        limit: how many may be open.

    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place; raises ResourceExhausted where none is free. It may take long, so nobody waits."""
        if self._taken >= self._limit:
            raise ResourceExhausted(
                f"the gateway has its limit of {self._limit} streams reading",
                reason="TOO_MANY_STREAMS",
                metadata={"limit": str(self._limit)},
                retry_delay=_RETRY_SECONDS,
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
