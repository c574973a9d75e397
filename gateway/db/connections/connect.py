"""The making of connections, and the errors that tell why none can be made."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from sys import maxsize
from typing import TYPE_CHECKING, Any, TypeVar, cast

import asyncpg

from gateway.db.connections.column_types import compare_columns
from gateway.db.connections.dsn import resolve
from gateway.db.connections.external_pooler import ADVICE, REFUSED
from gateway.db.connections.primary_watch import PrimaryWatch
from gateway.db.connections.received_bytes import ReceivedBytes
from gateway.db.connections.refusals import refusal
from gateway.db.connections.several_hosts import NEXT, Hosts
from gateway.db.connections.standing import standing_of
from gateway.db.connections.type_codecs import set_codecs
from gateway.db.database_settings import DatabaseSettings
from gateway.db.driver_errors import DRIVER_ERRORS, UnfitColumnError, sqlstate_of, telling_loss, translate
from gateway.db.retry import TryAgain
from gateway.errors import Internal, RowgateError, Unavailable
from gateway.errors.sqlstate import LATER
from gateway.sql.statement import Statement

if TYPE_CHECKING:
    from asyncio import Future

    from asyncpg.prepared_stmt import PreparedStatement

    _DriversConnection = asyncpg.Connection[Any]
else:
    _DriversConnection = asyncpg.Connection

# A login, a database or a certificate that is refused now will be refused in a moment too.
_PERMANENT = frozenset(
    {"DATABASE_LOGIN_REFUSED", "DATABASE_MISSING", "DATABASE_MISCONFIGURED", "DATABASE_TLS_FAILED"}
)

T = TypeVar("T")
_ANSWER_SECONDS = 0.05
"""How long before its deadline a call is told that there is no primary, so that its caller hears it."""
_WAITS_FOR_STANDBY = "SyncRepWaitForLSN"
"""PostgreSQL's routine whose only notices are of waits for a standby that were cancelled."""


class Connection(_DriversConnection):
    """A connection of the driver.

    It has what counts and bounds the bytes that come over it, and compares the columns of the rows that
    statements return with the schema's. Both need what the driver doesn't show.
    """

    __slots__ = ("_goes_on", "_longest_kept", "_statement", "is_unreplicated", "received", "replication")

    received: ReceivedBytes
    replication: PrimaryWatch | None
    """Knows whether commits wait for a standby; None where nobody does."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._statement: Statement | None = None
        self._goes_on = False
        self.is_unreplicated = False
        """Whether PostgreSQL gave up waiting until a standby has what was committed last."""
        driver: Any = self
        kept = driver._stmt_cache  # noqa: SLF001 - see above
        longest = driver._config.max_cacheable_statement_size or maxsize  # noqa: SLF001 - see above
        self._longest_kept: int = longest if kept.get_max_size() else -1
        driver._stmt_cache = _KeptStatements(self, kept)  # noqa: SLF001 - see above

    def fetch_rows(self, statement: Statement, args: Sequence[Any]) -> Awaitable[list[Any]]:
        """Run a statement; return its rows. Raises UnfitColumnError too, before anything has run."""
        if len(statement.text) > self._longest_kept:
            return self._fetch_once(statement, args)
        self._statement = statement
        return self._fetch_kept(statement.text, args)

    async def fetch_foreign(self, text: str, args: Sequence[Any]) -> tuple[Sequence[Any], str]:
        """Run a text that is no Statement; return its rows, and what PostgreSQL said at its end."""
        self._statement = None
        driver: Any = self
        rows, tag, _ = await driver._execute(text, args, 0, None, return_status=True)  # noqa: SLF001 - see the class
        return rows, tag.decode()

    async def prepare_once(self, statement: Statement) -> "tuple[PreparedStatement[Any], bool]":
        """Prepare a statement without a name, so that nobody keeps it; raises UnfitColumnError too.

        Return it, and whether its columns are stored byte by byte as their fields are sent.
        """
        prepared = await self.prepare(statement.text, name="")
        return prepared, compare_columns(statement, prepared.get_attributes())

    def bound(self, limit: int) -> None:
        """Let a statement that is read in `received` return so many bytes at most."""
        # The driver gathers all rows before anybody sees the first.
        driver: Any = self
        self.received = ReceivedBytes(driver._protocol, limit)  # noqa: SLF001 - see above
        driver._transport.set_protocol(self.received)  # noqa: SLF001 - see above

    async def commit(self, command: str) -> str:
        """Run what ends with COMMIT; return what PostgreSQL said at its end.

        It isn't cancelled where nobody waits for it any more: what waits for a standby then is committed, and
        a cancelled wait would show it to others before the standby has it.
        """
        return await self._to_the_end(self.execute(command))

    def write_alone(self, statement: Statement, args: Sequence[Any]) -> Awaitable[list[Any]]:
        """As `fetch_rows`, of a statement that writes in a transaction of its own.

        Where commits wait for a standby, it isn't cancelled: see `commit`.
        """
        watch = self.replication
        if watch is not None and watch.is_synchronous:
            return self._to_the_end(self.fetch_rows(statement, args))
        return self.fetch_rows(statement, args)

    async def _to_the_end(self, running: Awaitable[T]) -> T:
        self._goes_on = True
        try:
            return await running
        finally:
            self._goes_on = False

    def _cancel_current_command(self, waiter: "Future[None]", cancel_waiter: "Future[None]") -> None:
        """Do as the driver does for who is cancelled, but for what goes on: it is waited for."""
        driver: Any = super()
        if not self._goes_on:
            driver._cancel_current_command(waiter, cancel_waiter)  # noqa: SLF001 - see the class
        elif not waiter.done():
            waiter.set_result(None)

    def _process_log_message(self, fields: Mapping[str, str], last_query: str) -> None:
        """Take note of a notice: the driver calls this for each, before the answer that it comes with."""
        # PostgreSQL's routine tells which: its text is translated, and 01000 may be a trigger's, too.
        if fields.get("R") == _WAITS_FOR_STANDBY:
            self.is_unreplicated = True
        driver: Any = super()
        driver._process_log_message(fields, last_query)  # noqa: SLF001 - see the class

    async def _fetch_kept(self, text: str, args: Sequence[Any]) -> list[Any]:
        """Do what `fetch` does, past three coroutines of the driver's that pass each call on."""
        driver: Any = self
        driver._check_open()  # noqa: SLF001 - see the class
        protocol = driver._protocol  # noqa: SLF001 - see the class
        rows: list[Any]
        rows, _ = await driver._do_execute(  # noqa: SLF001 - see the class
            text,
            lambda kept, timeout: protocol.bind_execute(kept, args, "", 0, False, timeout),
            protocol._get_timeout(None),  # noqa: SLF001 - see the class
        )
        return rows

    async def _fetch_once(self, statement: Statement, args: Sequence[Any]) -> list[Any]:
        prepared, _ = await self.prepare_once(statement)
        return await prepared.fetch(*args)

    def keep(self, prepared: Any) -> None:
        """Raise UnfitColumnError where a new statement's columns aren't the schema's.

        It isn't kept then: the column may be put back, which PostgreSQL would tell nobody.
        """
        statement = self._statement
        if statement is None or statement.text is not prepared.query:
            return  # a question of the driver's own
        try:
            compare_columns(statement, prepared._get_attributes())  # noqa: SLF001 - see the class
        except UnfitColumnError:
            prepared.mark_closed()
            driver: Any = self
            driver._stmts_to_close.add(prepared)  # noqa: SLF001 - see the class
            raise


class _KeptStatements:
    """The driver's prepared statements of a connection, but for those whose columns aren't the schema's.

    The driver keeps a statement when it has prepared it, before it runs it. It prepares it anew where
    PostgreSQL says that its columns have changed.
    """

    def __init__(self, connection: Connection, kept: Any) -> None:
        self._connection = connection
        self._put = kept.put
        self.get, self.has = kept.get, kept.has
        self.iter_statements, self.clear = kept.iter_statements, kept.clear

    def put(self, query: Any, statement: Any) -> None:
        """Keep a statement; raises UnfitColumnError for one that can't be run."""
        self._connection.keep(statement)
        self._put(query, statement)


class Connector:
    """Makes connections to one database, each within `connect_timeout` a host. Raises DsnError.

    Args:
        settings: where it is, and how long all may take.
        left: told when the connections made so far lead to no primary any more, of several hosts; and whether
            to another host than the primary.

    """

    def __init__(self, settings: DatabaseSettings, left: Callable[[bool], None]) -> None:
        self._target = resolve(settings.dsn)
        self._hosts = Hosts(self._target)
        self._timeout = self._target.connect_timeout or settings.connect_timeout
        self._start_timeout = settings.start_timeout
        self.watch = (
            PrimaryWatch(self._target, self._timeout, f"{settings.application_name} watch", left, is_final)
            if self._target.wants_primary
            else None
        )
        """Knows which of several hosts is the primary; None of one host, or where no primary is asked for."""
        self.patience = 0.0
        """Seconds for which a primary is waited for while there is none."""
        self._max_read_bytes = settings.max_read_bytes
        server_settings = settings.server_settings()
        if "application_name" in self._target.parameters:
            del server_settings["application_name"]
        self._options: dict[str, Any] = {
            "statement_cache_size": settings.statement_cache_size,
            # Cached as long as the connection lives: how often one is used says nothing of its worth.
            "max_cached_statement_lifetime": 0,
            "connection_class": Connection,
            "server_settings": server_settings,
        }

    async def __call__(self, deadline: float | None = None) -> "Connection":
        """Connect and set the codecs.

        Raises TryAgain where that may go better another time, else what a client learns of it.

        Args:
            deadline: of the call that needs it, by the event loop's clock; None without one.

        """
        try:
            if self.watch is not None:
                until = asyncio.get_running_loop().time() + self.patience
                if deadline is not None:
                    until = min(until, deadline - _ANSWER_SECONDS)
                return await self._connect_to_primary(self.watch, until)
            return await self._hosts.connect(self._connect)
        except DRIVER_ERRORS as error:
            raise _judge(error) from error

    async def wait_for_primary(self, watch: PrimaryWatch, deadline: float | None) -> None:
        """Wait until one of several hosts is the primary, as long as there is time.

        Raises TryAgain without a deadline, else what a client learns of it.
        """
        without = asyncio.get_running_loop().time() + self.patience
        try:
            await watch.primary(without if deadline is None else deadline - _ANSWER_SECONDS)
        except DRIVER_ERRORS as error:
            judged = _judge(error)
            if deadline is not None and isinstance(judged, TryAgain):
                judged = judged.error
            raise judged from error

    async def close(self) -> None:
        """Look for no primary any more."""
        if self.watch is not None:
            await self.watch.stop()

    async def _connect_to_primary(self, watch: PrimaryWatch, until: float) -> "Connection":
        while True:
            host = await watch.primary(until)
            try:
                async with watch.attempt(self._timeout):
                    connection = await self._connect(host.arguments)
                    try:
                        standing = await standing_of(connection)
                    except BaseException:
                        connection.terminate()
                        raise
            except (
                *NEXT,
                asyncpg.ConnectionDoesNotExistError,
            ) as error:  # the latter of a pooler without a server
                watch.failed(host, error)
                continue
            if watch.check(host, standing):
                return connection
            connection.terminate()

    async def _connect(self, host: Mapping[str, Any]) -> "Connection":
        # The driver takes leave of a frozen server for ever.
        async with asyncio.timeout(self._timeout):
            connecting = asyncpg.connect(**host, **self._options)
            connection = cast("Connection", await connecting)
            connection.bound(self._max_read_bytes)
            connection.replication = self.watch
            try:
                with telling_loss(connection):
                    await set_codecs(connection)
            except BaseException:
                connection.terminate()
                raise
            return connection

    @property
    def where(self) -> str:
        """Where the database is, and who asks for it, without secrets."""
        return self._target.redacted()

    def refusal(self, error: BaseException) -> str:
        """Return why an attempt failed, for whoever starts the gateway."""
        advice = ADVICE if sqlstate_of(error) == REFUSED else ""
        return f"{refusal(error, self._target.sslmode)}{advice}"

    def no_server(self, why: str) -> Unavailable:
        """Return the error of a start that found no server, with why the last attempt failed."""
        return Unavailable(
            f"no database answers at {self.where} within {self._start_timeout:g} s: {why}",
            reason="DATABASE_UNREACHABLE",
        )

    def refused(self, error: RowgateError) -> RowgateError:
        """Return the error of a start that will be refused as long as nothing is changed."""
        why = self.refusal(error.__cause__ or error)
        return type(error)(f"{error.message}, at {self.where}: {why}", reason=error.reason)


def unreachable() -> Unavailable:
    """Return the error of a call for which no connection could be made."""
    return Unavailable("the database can't be reached", reason="DATABASE_UNREACHABLE", retry_delay=LATER)


def is_final(error: Exception) -> bool:
    """Return whether a failure to connect will be the same as long as nobody changes something."""
    return isinstance(error, DRIVER_ERRORS) and not isinstance(_judge(error), TryAgain)


def _judge(error: Exception) -> Exception:
    """Return a failed connect's error: nothing was sent, so it may be tried again, unless that is vain."""
    judged = translate(error)
    if isinstance(error, TimeoutError):
        judged = unreachable()
    if judged.reason in _PERMANENT or isinstance(judged, Internal):
        return judged
    judged.__cause__ = error
    return TryAgain(judged)
