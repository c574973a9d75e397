"""The query executor: every statement of a served RPC passes here; driver errors are translated behind it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from typing import Any, NamedTuple, TypeVar

from gateway.db.connections.primary_watch import PrimaryWatch
from gateway.db.database_settings import DatabaseSettings
from gateway.db.pool.pool import Pool, PoolFigures
from gateway.db.retry import Retry, TryAgain
from gateway.db.session_places import SessionPlaces, places_in
from gateway.db.statements.caller_role import CallerRoles
from gateway.db.statements.cursor import Cursor, CursorPlaces
from gateway.db.statements.explained import explain, is_explained
from gateway.db.statements.plan import plan_by_index, plan_of
from gateway.db.statements.runner import StatementRunner
from gateway.db.statements.transaction import Row, Transaction
from gateway.db.statements.transaction_mode import USUAL, Mode
from gateway.db.statements.watch import StatementWatch
from gateway.db.statements.written_position import written_position
from gateway.errors import (
    DeadlineExceeded,
    OutcomeUnknown,
    ResourceExhausted,
    RowgateError,
    Unavailable,
)
from gateway.observe.metrics.figures import Distribution
from gateway.request.calls.bulkheads import share_of
from gateway.request.calls.call import Call, StreamCall
from gateway.request.calls.deadline_timer import Deadline, DeadlineTimer
from gateway.request.calls.explanation import Explanation, Plan
from gateway.request.calls.log_position import UNTOLD, LogPosition
from gateway.sql.statement import Statement

__all__ = ["Cursor", "Database", "PrimaryGate", "Row", "Transaction"]

T = TypeVar("T")
_NO_BOUND = nullcontext()
_NOT_RUN = (DeadlineExceeded, ResourceExhausted, Unavailable)


class DatabaseFigures(NamedTuple):
    """The numbers of the way to PostgreSQL.

    Args:
        pool: its connections.
        retries: that were made.
        cursors: that are open.
        sessions: that are open.
        statements: seconds that statements took, by their names; empty where nobody watches them.

    """

    pool: PoolFigures
    retries: int
    cursors: int
    sessions: int
    statements: Mapping[str, Distribution]


class PrimaryGate:
    """Holds calls back that would wait for others' statements, while none of several hosts is the primary.

    Args:
        pool: of connections to them.
        watch: knows which is the primary.
        retry: of calls.
        timer: of deadlines.

    """

    def __init__(self, pool: Pool, watch: PrimaryWatch, retry: Retry, timer: DeadlineTimer) -> None:
        self._pool = pool
        self._watch = watch
        self._retry = retry
        self._timer = timer

    async def __call__(self, call: Call) -> None:
        """Wait for a primary where there is none; raises Unavailable by the caller's deadline."""
        if not self._watch.knows_of_none:
            return
        with _NO_BOUND if call.deadline is None else Deadline(self._timer, call.deadline):
            await self._retry(lambda: self._pool.wait_for_primary(self._watch, call), call)


class Database:
    """PostgreSQL, as the methods see it.

    Inside out: a pool, one attempt over it (StatementRunner), retries around it (Retry), the caller's
    deadline around all.
    """

    def __init__(
        self,
        pool: Pool,
        retry: Retry,
        places: CursorPlaces,
        sessions: SessionPlaces,
        *,
        watch: StatementWatch | None = None,
        roles: CallerRoles | None = None,
        tells_position: bool = False,
    ) -> None:
        self._pool = pool
        self._places = places
        self._sessions = sessions
        self._watch = watch
        self._tells_position = tells_position
        self._direct = StatementRunner(pool, watch, roles, tells_position=tells_position)
        self._retry = retry
        self._timer = DeadlineTimer()

    @classmethod
    async def open(
        cls,
        settings: DatabaseSettings,
        watch: StatementWatch | None = None,
        *,
        tells_position: bool = False,
        make_pool: Callable[[DatabaseSettings], Pool] = Pool,
    ) -> "Database":
        """Connect; raises gateway.errors.Unavailable where no server answers.

        Raises gateway.db.connections.dsn.DsnError too, where the DSN is none.

        Args:
            settings: where it is, and how it is used.
            watch: told of each statement.
            tells_position: whether a call that has written is told where the log stood after it.
            make_pool: makes its pool.

        """
        pool = make_pool(settings)
        await pool.open()
        return cls.over(pool, settings, watch, tells_position=tells_position)

    @classmethod
    def over(
        cls,
        pool: Pool,
        settings: DatabaseSettings,
        watch: StatementWatch | None = None,
        *,
        tells_position: bool = False,
    ) -> "Database":
        """Return the database at the other end of a pool, which is closed with it. See `open`."""
        # More would wait for connections that streams can't have.
        cursors = min(settings.max_cursors, share_of(settings.pool_size))
        retry = Retry(settings.retry, overloaded=pool.is_overloaded)
        sessions = SessionPlaces(places_in(settings.pool_size, settings.max_sessions))
        places = CursorPlaces(cursors, settings.cursor_stall_timeout)
        return cls(pool, retry, places, sessions, watch=watch, tells_position=tells_position)

    def by_roles(self, roles: CallerRoles) -> "Database":
        """Return the same connections, on which each call runs by its caller's role; `self` closes them."""
        return Database(
            self._pool,
            self._retry,
            self._places,
            self._sessions,
            watch=self._watch,
            roles=roles,
            tells_position=self._tells_position,
        )

    @property
    def figures(self) -> "DatabaseFigures":
        """The numbers as they are now."""
        statements = {} if self._watch is None else self._watch.durations
        open_ = self._places.in_use, self._sessions.in_use
        return DatabaseFigures(self._pool.figures, self._retry.made, *open_, statements)

    async def plan(self, name: str, call: Call) -> str | None:
        """Return the plan of the slowest statement of a name; None where none of it was seen.

        It is PostgreSQL's for any values: none are sent, and nothing is run. Raises what a statement raises.
        """
        statement = None if self._watch is None else self._watch.slowest(name)
        if statement is None:
            return None
        with self._until(call.deadline):
            async with self._pool.lease(call) as connection:
                return await plan_of(connection, statement)

    async def plan_by_index(self, statement: Statement, call: Call) -> Plan:
        """Return the plan that a statement would have, whatever its values, if it could be by indexes alone.

        Nothing is run. Raises what a statement raises.
        """
        with self._until(call.deadline):
            async with self._pool.lease(call) as connection:
                return await plan_by_index(connection, statement)

    async def log_position(self, call: Call) -> LogPosition | None:
        """Return where the log of the server stands, where it is a primary that answers; else None."""
        try:
            with self._until(call.deadline):
                async with self._pool.lease(call) as connection:
                    position = await written_position(connection)
        except (RowgateError, TryAgain):
            return None
        return None if position == UNTOLD else position

    @property
    def primary_gate(self) -> "PrimaryGate | None":
        """What holds calls back while none of several hosts is the primary; None of one host."""
        watch = self._pool.watch
        return None if watch is None else PrimaryGate(self._pool, watch, self._retry, self._timer)

    async def fetch(self, statement: Statement, args: Sequence[Any], call: Call) -> Sequence[Row]:
        """Run one statement in a transaction of its own, by the caller's deadline; return its rows.

        Reads are retried when the connection is lost; writes only when the server's answer proves that
        nothing was written, else gateway.errors.OutcomeUnknown is raised. Raises OutOfRange
        (RESPONSE_TOO_LARGE) for a read with more rows than there is room for.
        """
        with self._until(call.deadline):
            if call.explanation is not None:
                await self._explain(statement, args, call, call.explanation)
            return await self._retry(lambda: self._direct.fetch(statement, args, call), call)

    async def fetch_first(
        self, statement: Statement, args: Sequence[Any], call: Call
    ) -> tuple[Sequence[Row], bool]:
        """Read as many of a statement's first rows as there is room for; return them, and whether it is all.

        Raises OutOfRange (RESPONSE_TOO_LARGE) where the first alone is too large. It takes a transaction, and
        several round trips: it is for rows that turned out too large for `fetch`.
        """

        async def attempt() -> tuple[Sequence[Row], bool]:
            async with self._direct.cursor(statement, args, call) as cursor:
                return await cursor.first_rows()

        with self._until(call.deadline):
            if call.explanation is not None and not call.explanation.has(statement.name):
                await self._explain(statement, args, call, call.explanation)
            return await self._retry(attempt, call)

    @asynccontextmanager
    async def cursor(
        self, statement: Statement, args: Sequence[Any], call: StreamCall
    ) -> AsyncIterator[Cursor]:
        """Read a statement's rows slice by slice, from one snapshot, by the caller's deadline.

        It keeps a connection and a transaction open until the context ends. Opening is retried, reading is
        not. Raises ResourceExhausted where as many cursors are open as may be.
        """
        with self._places.place(call), self._until(call.deadline):
            if call.explanation is not None:
                await self._explain(statement, args, call, call.explanation)
            async with AsyncExitStack() as opened:

                async def attempt() -> Cursor:
                    async with AsyncExitStack() as opening:
                        cursor = await opening.enter_async_context(self._direct.cursor(statement, args, call))
                        opened.push_async_exit(opening.pop_all())
                        return cursor

                yield await self._retry(attempt, call)

    async def transact(
        self, work: Callable[[Transaction], Awaitable[T]], call: Call, mode: Mode = USUAL
    ) -> T:
        """Run `work` in a transaction and commit it, by the caller's deadline; return what `work` returned.

        The whole of `work` runs again after a serialization failure, a deadlock or a lost connection, as
        long as nothing was committed; so it must not change anything but through its Transaction. Raises
        gateway.errors.OutcomeUnknown where the connection was lost during COMMIT and nobody can tell any
        more.
        """
        with self._until(call.deadline):
            return await self._retry(lambda: self._direct.transact(work, call, mode), call)

    async def transact_once(
        self, work: Callable[[Transaction], Awaitable[T]], call: Call, mode: Mode = USUAL
    ) -> T:
        """As `transact`, for work that finds out by itself whether it has been done.

        Where nobody else can tell, it runs again, and answers either way. Where it can't be run again, the
        outcome stays unknown: no refusal may say that nothing was done.
        """
        try:
            return await self.transact(work, call, mode)
        except OutcomeUnknown as unknown:
            try:
                return await self.transact(work, call, mode)
            except _NOT_RUN as error:
                raise unknown from error

    async def _explain(
        self, statement: Statement, args: Sequence[Any], call: Call, explanation: Explanation
    ) -> None:
        """Note how PostgreSQL plans a statement, in a transaction of its own before it is run."""
        if not is_explained(statement):
            return

        async def work(transaction: Transaction) -> None:
            await explain(transaction, statement, args, explanation)

        await self._retry(lambda: self._direct.transact(work, call), call)

    @asynccontextmanager
    async def session(self, call: Call, mode: Mode) -> AsyncIterator[Transaction]:
        """Open a transaction that lasts as long as the context, by the caller's deadline; commit it at last.

        Opening is retried, nothing else is. What the context raises undoes all. Raises ResourceExhausted
        where as many are open as may be, and OutcomeUnknown as `transact`.
        """
        with self._sessions.place(call), self._until(call.deadline):
            async with AsyncExitStack() as opened:

                async def attempt() -> Transaction:
                    async with AsyncExitStack() as opening:
                        transaction = await opening.enter_async_context(self._direct.open(call, mode))
                        opened.push_async_exit(opening.pop_all())
                        return transaction

                yield await self._retry(attempt, call)

    def _until(self, deadline: float | None) -> AbstractContextManager[object]:
        """Return the context that raises DeadlineExceeded when the deadline comes."""
        return _NO_BOUND if deadline is None else Deadline(self._timer, deadline)

    async def close(self) -> None:
        """Close the pool, in bounded time. Twice is safe."""
        await self._pool.close()
