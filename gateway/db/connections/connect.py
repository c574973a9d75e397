"""The making of connections, and the errors that tell why none can be made."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, cast

import asyncpg

from gateway.db.connections.column_types import unfit_column
from gateway.db.connections.dsn import resolve
from gateway.db.connections.external_pooler import ADVICE, REFUSED
from gateway.db.connections.received_bytes import ReceivedBytes
from gateway.db.connections.refusals import refusal
from gateway.db.connections.type_codecs import set_codecs
from gateway.db.database_settings import DatabaseSettings
from gateway.db.driver_errors import DRIVER_ERRORS, sqlstate_of, translate
from gateway.db.retry import TryAgain
from gateway.errors import Internal, RowgateError, Unavailable
from gateway.errors.sqlstate import LATER
from gateway.sql.statement import Statement

if TYPE_CHECKING:
    from asyncpg.prepared_stmt import PreparedStatement

    _DriversConnection = asyncpg.Connection[Any]
else:
    _DriversConnection = asyncpg.Connection

# A login, a database or a certificate that is refused now will be refused in a moment too.
_PERMANENT = frozenset(
    {"DATABASE_LOGIN_REFUSED", "DATABASE_MISSING", "DATABASE_MISCONFIGURED", "DATABASE_TLS_FAILED"}
)


class Connection(_DriversConnection):
    """A connection of the driver.

    It has what counts and bounds the bytes that come over it, and compares the columns of the rows that
    statements return with the schema's. Both need what the driver doesn't show.
    """

    __slots__ = ("_statement", "received")

    received: ReceivedBytes

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._statement: Statement | None = None

    def fetch_rows(self, statement: Statement, args: Sequence[Any]) -> Awaitable[list[Any]]:
        """Run a statement; return its rows. Raises UnfitColumnError too, before anything has run."""
        self._statement = statement
        return self.fetch(statement.text, *args)

    def prepare_once(self, statement: Statement) -> "Awaitable[PreparedStatement[Any]]":
        """Prepare a statement without a name, so that nobody keeps it; raises UnfitColumnError too."""
        self._statement = statement
        return self.prepare(statement.text, name="")

    def bound(self, limit: int) -> None:
        """Let a statement that is read in `received` return so many bytes at most."""
        # The driver gathers all rows before anybody sees the first.
        driver: Any = self
        self.received = ReceivedBytes(driver._protocol, limit)  # noqa: SLF001 - see above
        driver._transport.set_protocol(self.received)  # noqa: SLF001 - see above

    def _get_statement(self, query: str, timeout: float | None, **options: Any) -> Awaitable[Any]:
        """Return a statement that is kept, or prepare it, as the driver does it for all its ways to run one.

        It does so again where PostgreSQL says that the columns have changed since.
        """
        driver: Any = super()
        getting: Awaitable[Any] = driver._get_statement(query, timeout, **options)  # noqa: SLF001 - see the class
        statement = self._statement
        if statement is None or statement.text is not query or not statement.fields:
            return getting  # of no fields, or a question of the driver's own
        kept = driver._stmt_cache if options.get("use_cache", True) else None  # noqa: SLF001 - as above
        if kept is not None and kept.has((query, asyncpg.Record, False)):
            return getting
        return self._compared(getting, statement)

    async def _compared(self, getting: Awaitable[Any], statement: Statement) -> Any:
        prepared = await getting
        unfit = unfit_column(statement, prepared._get_attributes())  # noqa: SLF001 - see the class
        if unfit is None:
            return prepared
        # Not to be kept: the column may be put back, which PostgreSQL would tell nobody.
        prepared.mark_closed()
        if prepared.name:
            driver: Any = self
            driver._stmts_to_close.add(prepared)  # noqa: SLF001 - see the class
        raise unfit


class Connector:
    """Makes connections to one database, each within `connect_timeout`. Raises DsnError."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._target = resolve(settings.dsn)
        self._timeout = self._target.connect_timeout or settings.connect_timeout
        self._start_timeout = settings.start_timeout
        self._max_read_bytes = settings.max_read_bytes
        server_settings = settings.server_settings()
        if "application_name" in self._target.parameters:
            del server_settings["application_name"]
        self._arguments = {
            **self._target.arguments(),
            "statement_cache_size": settings.statement_cache_size,
            # Cached as long as the connection lives: how often one is used says nothing of its worth.
            "max_cached_statement_lifetime": 0,
            "connection_class": Connection,
            "server_settings": server_settings,
        }

    async def __call__(self) -> "Connection":
        """Connect and set the codecs.

        Raises TryAgain where that may go better another time, else what a client learns of it.
        """
        try:
            # The driver takes leave of a frozen server for ever.
            async with asyncio.timeout(self._timeout):
                connection = cast("Connection", await asyncpg.connect(**self._arguments))
                connection.bound(self._max_read_bytes)
                try:
                    await set_codecs(connection)
                except BaseException:
                    connection.terminate()
                    raise
                return connection
        except DRIVER_ERRORS as error:
            raise _judge(error) from error

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


def _judge(error: Exception) -> Exception:
    """Return a failed connect's error: nothing was sent, so it may be tried again, unless that is vain."""
    judged = translate(error)
    if isinstance(error, TimeoutError):
        judged = unreachable()
    if judged.reason in _PERMANENT or isinstance(judged, Internal):
        return judged
    judged.__cause__ = error
    return TryAgain(judged)
