"""The pool: connections behind a limiter, acquired and released without a task or a timer of their own."""

import asyncio
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from asyncpg.exceptions import InvalidCachedStatementError, OutdatedSchemaCacheError

from gateway.db.connections.connect import Connector, unreachable
from gateway.db.connections.external_pooler import warn_of_pooler
from gateway.db.connections.primary_watch import PrimaryWatch
from gateway.db.database_settings import DatabaseSettings
from gateway.db.driver_errors import causes, sqlstate_of
from gateway.db.pool.connection_limiter import OWN, ConnectionLimiter, closing
from gateway.db.pool.idle_connections import Idle, Member
from gateway.db.pool.outage import NO_ANSWER, Outage
from gateway.db.retry import TryAgain
from gateway.errors import ResourceExhausted, RowgateError
from gateway.observe.metrics.figures import SECONDS, Distribution
from gateway.request.calls.bulkheads import Operation
from gateway.request.calls.call import Call

if TYPE_CHECKING:
    from gateway.db.connections.connect import Connection

_FIRST_PAUSE = 0.05
_LAST_PAUSE = 1.0
_LEAST_START_TIMEOUT = 5.0
"""Seconds that the first attempt has, however short the wait for others."""
# After these the other connections lead to a server that is going, or that takes no writes any more.
_EXPIRING = frozenset({"25006", "57P01", "57P02", "57P03", "57P04", "57P05"})
_STALE = (InvalidCachedStatementError, OutdatedSchemaCacheError)


class PoolFigures(NamedTuple):
    """A pool's numbers.

    Args:
        size: connections that there may be.
        used: connections that are lent out.
        idle: connections that nobody uses.
        waiting: calls that wait for one.
        refused: calls that got none, since the start.
        failed: connections that could not be made.
        waits: seconds that calls waited for one.
        made: seconds that it took to make each.

    """

    size: int
    used: int
    idle: int
    waiting: int
    refused: int
    failed: int
    waits: Distribution
    made: Distribution


class Pool:
    """Connections to one database, for one event loop. None is made before it is needed.

    There are never more than the limiter's permits: one is only made by who has a permit and finds none idle.
    No reset query is sent between two uses. It would be a round trip per call, and there is nothing to reset:
    statements set no session state, settings are part of the start-up message, and an open transaction is
    rolled back here.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._connect = Connector(settings, self._leave)
        self._outage = Outage("waiting for the database", self._connect.where)
        self._limiter = ConnectionLimiter(
            settings.pool_size, settings.queue_size, settings.acquire_timeout, settings.max_queue_delay
        )
        self._idle = Idle(settings.idle_lifetime, self._drop)
        self._members: set[Member] = set()
        self._generation = 0
        self._connecting = 0
        self._rescues: set[asyncio.Task[None]] = set()
        self._made = Distribution(SECONDS)
        self._failed = 0
        self._is_open = False
        self._cut = False

    async def open(self) -> None:
        """Connect once, waiting `start_timeout` for a server that isn't there yet.

        Raises Unavailable, which says why. Others must learn it too, so what is waited for is logged.
        """
        telling = asyncio.create_task(self._outage.keep_telling())
        try:
            await self._wait_for_server()
        except BaseException:
            await self.close(0)
            raise
        finally:
            telling.cancel()
        self._outage = Outage("the database can't be reached", self._connect.where)
        self._connect.patience = self._settings.acquire_timeout
        self._is_open = True

    def lease(self, call: Call = OWN) -> "Lease":
        """Return the context that a connection is lent to a call for. It comes back whole, or it is cut.

        A caller that is cancelled or out of time doesn't wait for that. Entering raises TryAgain where no
        connection could be made, ResourceExhausted where none came free.
        """
        return Lease(self, call)

    async def close(self, seconds: float | None = None) -> None:
        """Refuse new leases, wait for those that are out, then cut them. Twice is safe.

        Args:
            seconds: how long it waits; `close_timeout` by default.

        """
        self._limiter.close()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.close_timeout if seconds is None else seconds):
                    await self._limiter.drained()
                    farewells = [member.connection.close() for member in self._idle.clear()]
                    await asyncio.gather(*farewells, return_exceptions=True)
        finally:
            await self._connect.close()
            self._cut = True
            for member in list(self._members):
                self._drop(member)
            for task in self._rescues:
                task.cancel()
        await asyncio.gather(*self._rescues, return_exceptions=True)

    @property
    def figures(self) -> "PoolFigures":
        """The numbers as they are now."""
        limiter = self._limiter
        return PoolFigures(
            size=self._settings.pool_size,
            used=limiter.out - self._connecting,
            idle=len(self._idle),
            waiting=limiter.waiting,
            refused=limiter.refused,
            failed=self._failed,
            waits=limiter.waits,
            made=self._made,
        )

    @property
    def free(self) -> int:
        """How many more connections can be acquired right now."""
        return self._limiter.free

    def is_overloaded(self, operation: Operation) -> bool:
        """Return whether more comes of an operation than the connections answer."""
        return self._limiter.is_overloaded(operation)

    @property
    def watch(self) -> PrimaryWatch | None:
        """What knows which of several hosts is the primary; None of one host."""
        return self._connect.watch

    async def wait_for_primary(self, watch: PrimaryWatch, call: Call) -> None:
        """Wait until one of several hosts is the primary; raises Unavailable, or TryAgain without a deadline.

        Whoever waits here keeps no place from others, and nobody takes the wait for a statement's time.
        """
        self._outage.failed(self._connect.refusal(watch.why_none()))
        await self._connect.wait_for_primary(watch, call.deadline)

    async def take(self, call: Call) -> Member:
        """Take a connection, which is given back or rescued later."""
        watch = self._connect.watch
        if watch is not None and watch.knows_of_none:
            await self.wait_for_primary(watch, call)
        try:
            permit = await self._limiter.enter(call)
        except ResourceExhausted as busy:
            if self._connecting < self._limiter.out:
                raise
            # Nobody holds a connection: all who may have one are still trying to connect.
            raise unreachable() from busy
        try:
            member = self._idle.pop() or await self._add(call)
        except BaseException:
            self._limiter.leave(permit)
            raise
        member.permit = permit
        permit.since = monotonic()
        return member

    def give_back(self, member: Member) -> None:
        """Take a connection back from who is done with it."""
        connection, permit = member.connection, member.permit
        is_left = member.generation != self._generation
        if is_left or connection.is_closed():
            self._drop(member)
            if permit is not None and (is_left or not permit.broken_off):
                # The time that it took says nothing of the statement's.
                permit.since = permit.broken_off = 0.0
        elif connection.is_in_transaction():
            self.rescue(member)
            return
        else:
            self._idle.push(member)
        member.permit = None
        if permit is not None:
            self._limiter.leave(permit)

    def rescue(self, member: Member) -> "asyncio.Task[None]":
        """Bring a connection back that was left in the middle of something, by a task in the background."""
        if member.permit is not None:
            member.permit.broken_off = monotonic()
        task = asyncio.get_running_loop().create_task(self._bring_back(member))
        self._rescues.add(task)
        task.add_done_callback(self._rescues.discard)
        return task

    async def learn(self, error: Exception, member: Member) -> None:
        """Draw from a member's error what it says of the others."""
        state = sqlstate_of(error)
        if (state in _EXPIRING or state.startswith("08")) and member.generation == self._generation:
            self._leave()
        elif any(isinstance(cause, _STALE) for cause in causes(error)):
            await self._forget_statements()

    def _leave(self, cut: bool = False) -> None:  # noqa: FBT001, FBT002 - the one thing that it may do more
        """Use none of the connections any more; cut those that are lent, too, where their server is left."""
        self._generation += 1
        for idle in self._idle.clear():
            self._drop(idle)
        if cut:
            for lent in self._members:
                lent.connection.terminate()

    async def _add(self, call: Call) -> Member:
        generation = self._generation
        self._connecting += 1
        begun = monotonic()
        try:
            connection = await self._connect(call.deadline)
            self._made.add(monotonic() - begun)
        except TryAgain as again:
            self._failed += 1
            self._outage.failed(self._connect.refusal(again.error))
            raise
        except RowgateError as error:
            self._failed += 1
            if self._is_open:  # else the start ends with it
                self._outage.failed(self._connect.refusal(error))
            raise
        finally:
            self._connecting -= 1
        self._outage.over()
        if self._cut:
            connection.terminate()
            raise closing()
        member = Member(connection, generation)
        self._members.add(member)
        return member

    def _drop(self, member: Member) -> None:
        self._members.discard(member)
        member.connection.terminate()

    async def _wait_for_server(self) -> None:
        settings, begun, pause = self._settings, monotonic(), _FIRST_PAUSE
        try:
            async with asyncio.timeout(max(settings.start_timeout, _LEAST_START_TIMEOUT)):
                while True:
                    try:
                        return await self._try_server()
                    except TryAgain:
                        if monotonic() + pause > begun + settings.start_timeout:
                            raise self._connect.no_server(self._outage.why) from None
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LAST_PAUSE)
        except TimeoutError as error:
            raise self._connect.no_server(self._outage.why or NO_ANSWER) from error

    async def _try_server(self) -> None:
        try:
            async with self.lease() as connection:
                if self._settings.statement_cache_size:
                    await warn_of_pooler(connection)
        except RowgateError as error:
            raise self._connect.refused(error) from error

    async def _bring_back(self, member: Member) -> None:
        try:
            async with asyncio.timeout(self._settings.release_timeout):
                # The driver first waits until the server has confirmed that it cancelled the query.
                await member.connection.execute("ROLLBACK")
                member.connection.is_unreplicated = False  # nobody was told of what it had committed
        except BaseException:  # noqa: BLE001 - whatever happened, the connection is of no use
            member.connection.terminate()
        finally:
            self.give_back(member)

    async def _forget_statements(self) -> None:
        """Let all members prepare their statements anew: the schema changed."""
        for member in list(self._members):
            if not member.connection.is_closed():
                await member.connection.reload_schema_state()


class Lease:
    """Lends a connection of a pool, for as long as the context lasts (see Pool.lease)."""

    __slots__ = ("_call", "_member", "_pool")

    def __init__(self, pool: Pool, call: Call) -> None:
        self._pool = pool
        self._call = call

    async def __aenter__(self) -> "Connection":
        """Take a connection."""
        self._member = await self._pool.take(self._call)
        return self._member.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give it back."""
        if error is None:
            self._pool.give_back(self._member)
        elif isinstance(error, Exception) and not self._member.connection.received.is_cancelling:
            self._pool.give_back(self._member)
            await self._pool.learn(error, self._member)
        else:
            self._call.left = self._pool.rescue(self._member)
