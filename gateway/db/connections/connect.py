"""The making of connections, and the errors that tell why none can be made."""

import asyncio
from typing import TYPE_CHECKING, Any, cast

import asyncpg

from gateway.db.connections.dsn import resolve
from gateway.db.connections.external_pooler import ADVICE, REFUSED
from gateway.db.connections.received_bytes import ReceivedBytes
from gateway.db.connections.type_codecs import set_codecs
from gateway.db.database_settings import DatabaseSettings
from gateway.db.driver_errors import DRIVER_ERRORS, sqlstate_of, translate
from gateway.db.retry import TryAgain
from gateway.errors import Internal, RowgateError, Unavailable
from gateway.errors.sqlstate import LATER

if TYPE_CHECKING:
    _DriversConnection = asyncpg.Connection[Any]
else:
    _DriversConnection = asyncpg.Connection

# A login, a database or a certificate that is refused now will be refused in a moment too.
_PERMANENT = frozenset(
    {"DATABASE_LOGIN_REFUSED", "DATABASE_MISSING", "DATABASE_MISCONFIGURED", "DATABASE_TLS_FAILED"}
)


class Connection(_DriversConnection):
    """A connection of the driver, with what counts and bounds the bytes that come over it."""

    __slots__ = ("received",)

    received: ReceivedBytes

    def bound(self, limit: int) -> None:
        """Let a statement that is read in `received` return so many bytes at most."""
        # The driver shows neither, and gathers all rows before anybody sees the first.
        driver: Any = self
        self.received = ReceivedBytes(driver._protocol, limit)  # noqa: SLF001 - see above
        driver._transport.set_protocol(self.received)  # noqa: SLF001 - see above


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

    def no_server(self, error: RowgateError) -> Unavailable:
        """Return the error of a start that found no server, and of what the last attempt met."""
        return Unavailable(
            f"no database answers at {self._target.redacted()} within {self._start_timeout:g} s: "
            f"{error.message}{ADVICE if sqlstate_of(error.__cause__) == REFUSED else ''}",
            reason="DATABASE_UNREACHABLE",
        )


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
