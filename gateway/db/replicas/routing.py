"""The executors of calls whose reads may go to replicas; everything else goes to the primary."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar, overload

from gateway.db.coalesce import KeyRead, KeysRead, PointReads
from gateway.db.coalesce.batch_statements import Args
from gateway.db.database import Database
from gateway.db.replicas.replicas import Replicas
from gateway.db.statements.cursor import Cursor
from gateway.db.statements.transaction import Row
from gateway.request.calls.call import Call, StreamCall
from gateway.sql.statement import Statement

T = TypeVar("T")


class RoutedReads:
    """KeyReads of the primary, or of a replica.

    Args:
        primary: its reads.
        replicas: the others.

    """

    def __init__(self, primary: PointReads, replicas: Replicas) -> None:
        self._primary = primary
        self._replicas = replicas

    @overload
    def fetch(self, read: KeyRead, args: Args, call: Call) -> Coroutine[Any, Any, Row | None]: ...

    @overload
    def fetch(self, read: KeysRead, args: Args, call: Call) -> Coroutine[Any, Any, Mapping[int, Row]]: ...

    def fetch(self, read: KeyRead | KeysRead, args: Args, call: Call) -> Coroutine[Any, Any, Any]:
        """Return what the caller asks for, and is there: see PointReads."""
        if call.reads_at is None:
            return self._primary.fetch(read, args, call)
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
