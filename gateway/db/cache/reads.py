"""Reads by key that look among the rows that are kept."""

from collections.abc import Coroutine, Mapping
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, overload

from gateway.db.cache.row_cache import Found, Kept, RowCache, Stamp, Way
from gateway.db.cached_rows import CachedRows
from gateway.db.coalesce import KeyRead, KeysRead
from gateway.db.coalesce.batch_statements import Args
from gateway.db.executor import KeyReads
from gateway.db.replicas.primary_log import PrimaryLog
from gateway.db.statements.transaction import Row
from gateway.request.calls.call import Call
from gateway.request.calls.log_position import ANYWHERE, LogPosition

if TYPE_CHECKING:
    from gateway.db.cache.shared.shared_reads import SharedReads
    from gateway.db.cache.shared.shared_rows import Sought


class CachedReads:
    """KeyReads that look among the rows that are kept, where the call need not read the primary.

    Args:
        reads: the others.
        cache: the rows.
        log: the primary's.
        shared: rows that gateways keep together; None where they keep none.

    """

    def __init__(
        self, reads: KeyReads, cache: RowCache, log: PrimaryLog, shared: "SharedReads | None" = None
    ) -> None:
        self._reads = reads
        self._cache = cache
        self._log = log
        self._shared = shared

    @overload
    def fetch(self, read: KeyRead, args: Args, call: Call) -> Coroutine[Any, Any, Row | None]: ...

    @overload
    def fetch(self, read: KeysRead, args: Args, call: Call) -> Coroutine[Any, Any, Mapping[int, Row]]: ...

    def fetch(self, read: KeyRead | KeysRead, args: Args, call: Call) -> Coroutine[Any, Any, Any]:
        """Return what the caller asks for, and is there: see PointReads."""
        if isinstance(read, KeyRead) and read.cached is not None and call.explanation is None:
            return self._fetched(read, read.cached, args, call)
        return self._reads.fetch(read, args, call)

    async def _fetched(self, read: KeyRead, cached: CachedRows, args: Args, call: Call) -> Row | None:
        way = Way(cached.table, cached.row(args), (read.single.text, tuple(args)))
        try:
            hash(way)
        except TypeError:  # a list among the caller's values
            return await self._reads.fetch(read, args, call)
        if call.reads_at is not None:
            kept = self._cache.get(way, partial(self._fits, call))
            if kept is not None:
                return kept
        sought = None
        if self._shared is not None and call.reads_at is not None:
            sought = await self._sought(self._shared, read, way, call)
            if sought is not None and sought.found is not None:
                return sought.found.row
        stamp, asked, latest = self._cache.stamp(way), call.reads_at, self._log.latest
        row = await self._reads.fetch(read, args, call)
        if row is not None:
            of_replica = None if call.reads_at is None else asked
            found = _found(row, cached, stamp, latest, of_replica)
            if self._cache.put(way, found, stamp) and self._shared is not None and sought is not None:
                self._shared.offer(sought, found, of_replica=of_replica is not None)
        return row

    async def _sought(self, shared: "SharedReads", read: KeyRead, way: Way, call: Call) -> "Sought | None":
        """Return what gateways share of a row: with the row where it answers the call.

        It only does where it may be kept here, too: so it has all changes that were heard of.
        """
        stamp = self._cache.stamp(way)
        sought = await shared.find(way, read.single)
        found = None if sought is None else sought.found
        if found is not None and self._has(call, found) and self._cache.put(way, found, stamp):
            shared.counts.hits[way.table] += 1
            return sought
        shared.counts.misses[way.table] += 1
        return None if sought is None else sought._replace(found=None)

    @staticmethod
    def _has(call: Call, found: Found) -> bool:
        """Return whether a shared row has the position that a call asks for; clocks say nothing of it."""
        needed = call.reads_at
        return needed is not None and (needed == ANYWHERE or found.position.holds(needed))

    def _fits(self, call: Call, kept: Kept) -> bool:
        """Return whether a kept row is as fresh as a call asks for.

        A token is only answered once the primary was heard of after the row was kept: until then another
        server may have become the primary, and have answered, which lacks what the log had.
        """
        needed, found = call.reads_at, kept.found
        if needed is None or needed == ANYWHERE:
            return needed is not None
        if call.current_since is not None and found.current_at >= call.current_since:
            return True
        return found.position.holds(needed) and self._log.heard_at > kept.at


def _found(
    row: Row, cached: CachedRows, stamp: Stamp, latest: LogPosition | None, of_replica: LogPosition | None
) -> Found:
    """Return a row that was read, with what it has for sure.

    A replica that has replayed a position shows all before it. The primary's log, instead, may have a commit
    that the primary doesn't show yet, as it waits for a synchronous standby. But what is told after a commit
    that the read has missed is never before what was asked ahead of the read.
    """
    until = stamp.at + cached.seconds
    if of_replica is not None:
        return Found(row, of_replica, -inf, until)
    position = ANYWHERE if latest is None else latest._replace(lsn=latest.lsn - 1)
    return Found(row, position, stamp.at, until)
