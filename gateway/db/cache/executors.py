"""Executors of calls whose rows may be kept: reads look there first, writes drop what they change."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar, overload

from gateway.db.cache.changes import Changed
from gateway.db.cache.row_cache import RowCache
from gateway.db.cached_rows import CachedRows
from gateway.db.coalesce import KeyRead, KeysRead, RequestedWrite
from gateway.db.coalesce.batch_statements import Args
from gateway.db.executor import Executor, KeyReads, SingleWrites
from gateway.db.replicas.primary_log import PrimaryLog
from gateway.db.statements.transaction import Row, Transaction
from gateway.db.statements.transaction_mode import USUAL, Mode
from gateway.request.calls.call import Call
from gateway.request.calls.log_position import ANYWHERE
from gateway.sql.statement import Statement

T = TypeVar("T")


class CachedReads:
    """KeyReads that look among the rows that are kept, where the call need not read the primary.

    Args:
        reads: the others.
        cache: the rows.
        log: the primary's.

    """

    def __init__(self, reads: KeyReads, cache: RowCache, log: PrimaryLog) -> None:
        self._reads = reads
        self._cache = cache
        self._log = log

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
        row, how = cached.row(args), (read.single.text, tuple(args))
        try:
            hash(how)
        except TypeError:  # a list among the caller's values
            return await self._reads.fetch(read, args, call)
        if call.reads_at is not None:
            kept = self._cache.get(cached.table, row, how, call.reads_at)
            if kept is not None:
                return kept
        stamp, needed, latest = self._cache.stamp(cached.table, row), call.reads_at, self._log.latest
        found = await self._reads.fetch(read, args, call)
        # The primary has all that was committed before, that of the call's token too.
        position = max(latest or ANYWHERE, needed or ANYWHERE) if call.reads_at is None else needed
        if found is not None and position is not None:
            self._cache.put(cached.table, row, how, found, position, seconds=cached.seconds, stamp=stamp)
        return found


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
        try:
            return await self._writes.write(requested_write, call, answer, otherwise)
        finally:
            self._changed.row(requested_write.row, call)


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
        try:
            return await self._database.fetch(statement, args, call)
        finally:
            self._changed.by(call)

    def session(self, call: Call, mode: Mode) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction that lasts as long as the context: see Database."""
        return self._session(call, mode)

    @asynccontextmanager
    async def _session(self, call: Call, mode: Mode) -> AsyncIterator[Transaction]:
        try:
            async with self._database.session(call, mode) as transaction:
                yield transaction
        finally:
            if not mode.read_only:
                self._changed.by(call)

    async def transact(
        self, work: Callable[[Transaction], Awaitable[T]], call: Call, mode: Mode = USUAL
    ) -> T:
        """Run `work`, all of it or nothing: see Database."""
        try:
            return await self._database.transact(work, call, mode)
        finally:
            if not mode.read_only:
                self._changed.by(call)

    async def transact_once(
        self, work: Callable[[Transaction], Awaitable[T]], call: Call, mode: Mode = USUAL
    ) -> T:
        """As `transact`, for work that finds out by itself whether it has been done."""
        try:
            return await self._database.transact_once(work, call, mode)
        finally:
            self._changed.by(call)
