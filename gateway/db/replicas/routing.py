"""The executors of calls whose reads may go to replicas; everything else goes to the primary."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar, overload

from gateway.db.coalesce import KeyRead, KeysRead, PointReads
from gateway.db.coalesce.batch_statements import Args
from gateway.db.database import Database
from gateway.db.replicas.replica import Replica
from gateway.db.replicas.replicas import Replicas
from gateway.db.statements.cursor import Cursor
from gateway.db.statements.transaction import Row
from gateway.errors import RowgateError
from gateway.request.calls.call import Call, StreamCall
from gateway.sql.statement import Statement

T = TypeVar("T")
_TOGETHER = 64
"""So many reads by key go to one replica before others go to the next."""


class _ReadsThere:
    """The reads of one replica; the primary answers those that fail there.

    Args:
        replica: the replica.
        replicas: all of them.
        primary: its reads.

    """

    __slots__ = ("_primary", "_replicas", "answered", "replica")

    def __init__(self, replica: Replica, replicas: Replicas, primary: PointReads) -> None:
        self.replica = replica
        self.answered = replica.answered
        self._replicas = replicas
        self._primary = primary

    async def failed(self, error: RowgateError, read: KeyRead | KeysRead, args: Args, call: Call) -> Any:
        """Return what the primary answers; raises the error of a read that would fail there, too."""
        self._replicas.note_failure(self.replica, error, call)
        return await self._primary.fetch(read, args, call)


class RoutedReads:
    """KeyReads of the primary, or of a replica.

    Args:
        primary: its reads.
        replicas: the others.

    """

    def __init__(self, primary: PointReads, replicas: Replicas) -> None:
        self._primary = primary
        self._replicas = replicas
        self._there = {one: _ReadsThere(one, replicas, primary) for one in replicas.all}
        self._last: Replica | None = None
        """The replica that was read last."""
        self._left = 0
        """How many more reads may go there, before the next one has its turn."""

    @overload
    def fetch(self, read: KeyRead, args: Args, call: Call) -> Coroutine[Any, Any, Row | None]: ...

    @overload
    def fetch(self, read: KeysRead, args: Args, call: Call) -> Coroutine[Any, Any, Mapping[int, Row]]: ...

    def fetch(self, read: KeyRead | KeysRead, args: Args, call: Call) -> Coroutine[Any, Any, Any]:
        """Return what the caller asks for, and is there: see PointReads."""
        needed, replica = call.reads_at, self._last
        if needed is None:
            return self._primary.fetch(read, args, call)
        # Reads that follow each other share a statement there: spread over all, each would be for fewer.
        if not self._left or replica is None or not replica.has(needed):
            replica = self._last = self._replicas.at_hand(needed)
            self._left = _TOGETHER
        if replica is not None:
            self._left -= 1
            return replica.reads.fetch(read, args, call, self._there[replica])
        return self._replicas.read(
            call,
            lambda replica: replica.reads.fetch(read, args, call),
            lambda: self._primary.fetch(read, args, call),
        )


class RoutedDatabase:
    """An Executor. Reads outside of transactions go to replicas, where their calls say that they may.

    Args:
        primary: the database.
        replicas: the others.

    """

    def __init__(self, primary: Database, replicas: Replicas) -> None:
        self._primary = primary
        self._replicas = replicas
        self.session = primary.session
        self.transact = primary.transact
        self.transact_once = primary.transact_once

    def fetch(
        self, statement: Statement, args: Sequence[Any], call: Call
    ) -> Coroutine[Any, Any, Sequence[Row]]:
        """Run one statement; return its rows: see Database."""
        return self._read(call, lambda database: database.fetch(statement, args, call))

    def fetch_first(
        self, statement: Statement, args: Sequence[Any], call: Call
    ) -> Coroutine[Any, Any, tuple[Sequence[Row], bool]]:
        """Read as many of a statement's first rows as there is room for: see Database."""
        return self._read(call, lambda database: database.fetch_first(statement, args, call))

    def cursor(
        self, statement: Statement, args: Sequence[Any], call: StreamCall
    ) -> AbstractAsyncContextManager[Cursor]:
        """Read a statement's rows slice by slice: see Database. Only its opening may go elsewhere."""
        if call.reads_at is None:
            return self._primary.cursor(statement, args, call)
        return self._opened(call, lambda database: database.cursor(statement, args, call))

    @asynccontextmanager
    async def _opened(
        self, call: Call, open_: Callable[[Database], AbstractAsyncContextManager[T]]
    ) -> AsyncIterator[T]:
        async with AsyncExitStack() as opened:
            yield await self._read(call, lambda database: opened.enter_async_context(open_(database)))

    def _read(self, call: Call, read: Callable[[Database], Coroutine[Any, Any, T]]) -> Coroutine[Any, Any, T]:
        if call.reads_at is None:
            return read(self._primary)
        return self._replicas.read(call, lambda replica: read(replica.database), lambda: read(self._primary))
