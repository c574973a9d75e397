"""The pool: asyncpg's, behind a gate of ours, with releases that never hold up their caller."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from gateway.db.codecs import set_codecs
from gateway.db.dsn import resolve
from gateway.db.gate import Gate
from gateway.db.pooler import ADVICE, REFUSED, warn_of_pooler
from gateway.db.retry import TryAgain
from gateway.db.settings import DatabaseSettings
from gateway.db.translate import DRIVER_ERRORS, sqlstate_of, translate
from gateway.errors import Internal, ResourceExhausted, RowgateError, Unavailable
from gateway.errors.sqlstate import LATER

Connection = Any  # asyncpg's connection or the pool's proxy of one: the stubs type them apart
_FIRST_PAUSE = 0.05
_LAST_PAUSE = 1.0
# A login, a database or a certificate that is refused now will be refused in a moment too.
_PERMANENT = frozenset(
    {"DATABASE_LOGIN_REFUSED", "DATABASE_MISSING", "DATABASE_MISCONFIGURED", "DATABASE_TLS_FAILED"}
)
# After these the other connections lead to a server that is going, or that takes no writes any more.
_EXPIRING = frozenset({"25006", "57P01", "57P02", "57P03", "57P04", "57P05"})


class Pool:
    """Connections to one database, for one event loop.

    No reset query is sent on release. It would be a round trip per call, and there is nothing to reset:
    statements set no session state, settings are part of the start-up message, and an open transaction is
    rolled back here.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._target = resolve(settings.dsn)
        self._connect_timeout = self._target.connect_timeout or settings.connect_timeout
        self._gate = Gate(settings.pool_size, settings.queue_size, settings.acquire_timeout)
        self._generation = 0
        self._acquiring = 0
        self._rescues: set[asyncio.Task[None]] = set()
        self._pool: Any = None

    async def open(self) -> None:
        """Connect once, waiting `start_timeout` for a server that isn't there yet; raises Unavailable."""
        server_settings = self._settings.server_settings()
        if "application_name" in self._target.parameters:
            del server_settings["application_name"]
        self._pool = await asyncpg.create_pool(
            **self._target.arguments(),
            connect=self._connect,
            reset=_nothing_to_reset,
            min_size=0,
            max_size=self._settings.pool_size,
            max_inactive_connection_lifetime=self._settings.idle_lifetime,
            statement_cache_size=self._settings.statement_cache_size,
            # Cached as long as the connection lives: how often one is used says nothing of its worth.
            max_cached_statement_lifetime=0,
            max_queries=1 << 62,
            server_settings=server_settings,
        )
        try:
            await self._wait_for_server()
        except BaseException:
            await self.close()
            raise

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Connection]:
        """Lend a connection. It comes back whole: rolled back and idle, or it is cut.

        A caller that is cancelled or out of time doesn't wait for that. Raises TryAgain where no connection
        could be made, ResourceExhausted where none came free.
        """
        await self._enter()
        try:
            connection = await self._acquire()
        except BaseException:
            self._gate.leave()
            raise
        generation = self._generation
        try:
            yield connection
        except Exception as error:
            await self._release(connection)
            await self._learn(error, generation)
            raise
        except BaseException:
            self._rescue(connection)
            raise
        else:
            await self._release(connection)

    async def close(self) -> None:
        """Refuse new leases, wait `close_timeout` for those that are out, then cut them. Twice is safe."""
        self._gate.close()
        if self._pool is not None:
            with suppress(*DRIVER_ERRORS):
                async with asyncio.timeout(self._settings.close_timeout):
                    await self._pool.close()
            self._pool.terminate()
        for task in list(self._rescues):
            task.cancel()
        await asyncio.gather(*self._rescues, return_exceptions=True)

    @property
    def free(self) -> int:
        """How many more connections can be lent right now."""
        return self._gate.free

    async def _enter(self) -> None:
        try:
            await self._gate.enter()
        except ResourceExhausted as busy:
            if self._acquiring < self._settings.pool_size:
                raise
            # Nobody holds a connection: all who may have one are still trying to connect.
            raise _unreachable() from busy

    async def _acquire(self) -> Connection:
        self._acquiring += 1
        try:
            return await self._pool.acquire()
        except DRIVER_ERRORS as error:
            raise _judge_connecting(error) from error
        finally:
            self._acquiring -= 1

    async def _connect(self, *args: Any, **kwargs: Any) -> Connection:
        """Connect and set the codecs, in bounded time: the driver takes leave of a frozen server for ever."""
        async with asyncio.timeout(self._connect_timeout):
            connection = await asyncpg.connect(*args, **kwargs)
            try:
                await set_codecs(connection)
            except BaseException:
                connection.terminate()
                raise
            return connection

    async def _wait_for_server(self) -> None:
        loop = asyncio.get_running_loop()
        bound = loop.time() + self._settings.start_timeout
        pause = _FIRST_PAUSE
        while True:
            try:
                async with self.lease() as connection:
                    if self._settings.statement_cache_size:
                        await warn_of_pooler(connection)
                    return
            except TryAgain as again:
                if loop.time() + pause > bound:
                    raise self._no_server(again.error) from again.error
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LAST_PAUSE)

    def _no_server(self, error: RowgateError) -> Unavailable:
        return Unavailable(
            f"no database answers at {self._target.redacted()} within {self._settings.start_timeout:g} s: "
            f"{error.message}{ADVICE if sqlstate_of(error.__cause__) == REFUSED else ''}",
            reason="DATABASE_UNREACHABLE",
        )

    async def _release(self, connection: Connection) -> None:
        """Give a connection back. Where it is healthy nothing is sent, so this doesn't wait."""
        try:
            with suppress(*DRIVER_ERRORS):
                await self._pool.release(connection, timeout=self._settings.release_timeout)
        finally:
            self._gate.leave()

    def _rescue(self, connection: Connection) -> None:
        """Bring a connection back that was left in the middle of something, in the background."""
        task = asyncio.get_running_loop().create_task(self._bring_back(connection))
        self._rescues.add(task)
        task.add_done_callback(self._rescues.discard)

    async def _bring_back(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(self._settings.release_timeout):
                # The driver first waits until the server has confirmed that it cancelled the query.
                await connection.execute("ROLLBACK")
        except BaseException:  # noqa: BLE001 - whatever happened, the connection is of no use
            with suppress(asyncpg.InterfaceError):
                connection.terminate()
        finally:
            await self._release(connection)

    async def _learn(self, error: BaseException, generation: int) -> None:
        """Replace all connections as old as this one where its error speaks of the server, not the call."""
        state = sqlstate_of(error)
        if (state in _EXPIRING or state.startswith("08")) and generation == self._generation:
            self._generation += 1
            await self._pool.expire_connections()


async def _nothing_to_reset(_: Connection) -> None:
    """Take the place of the driver's reset query (see Pool)."""


def _unreachable() -> Unavailable:
    return Unavailable("the database can't be reached", reason="DATABASE_UNREACHABLE", retry_delay=LATER)


def _judge_connecting(error: Exception) -> Exception:
    """Return a failed connect's error: nothing was sent, so it may be tried again, unless that is vain."""
    judged = translate(error)
    if isinstance(error, TimeoutError):
        judged = _unreachable()
    if judged.reason in _PERMANENT or isinstance(judged, Internal):
        return judged
    judged.__cause__ = error
    return TryAgain(judged)
