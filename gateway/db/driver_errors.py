"""Driver exceptions → our errors, by table: SQLSTATE where the server spoke, the exception's class where not.

Only structured fields are read, never a message: messages are translated, hold values, and change.
"""

import ssl
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncpg
from asyncpg import exceptions as driver

from gateway.auth.authenticator import WrongCredential
from gateway.db.shard_errors import names_in
from gateway.errors import (
    Aborted,
    DeadlineExceeded,
    Internal,
    RowgateError,
    Unavailable,
    Unimplemented,
)
from gateway.errors.sqlstate import (
    LATER,
    MISMATCH,
    NAMES_NOTHING,
    NEEDS_UTF8,
    NOT_ALLOWED,
    OF_A_POLICY,
    SOON,
    Rule,
    may_be_of_a_name,
    rule_for,
)

E = TypeVar("E", bound=RowgateError)


class UnfitColumnError(Exception):
    """A column of a statement's rows is of another type than the schema says. The text is for the log.

    Args:
        told: which column of what is of which type.
        column_name: the column.

    """

    def __init__(self, told: str, column_name: str) -> None:
        super().__init__(told)
        self.column_name = column_name


_UNREACHABLE = Rule(Unavailable, "DATABASE_UNREACHABLE", "the database can't be reached", LATER)
_SCHEMA_CHANGED = Rule(Aborted, "SCHEMA_CHANGED", "the database's schema changed meanwhile", SOON)

# The most special class first: the first line that an exception is an instance of counts.
BY_CLASS: Mapping[type[Exception], Rule] = {
    UnfitColumnError: MISMATCH,
    driver.InvalidCachedStatementError: _SCHEMA_CHANGED,
    driver.OutdatedSchemaCacheError: _SCHEMA_CHANGED,
    driver.TargetServerAttributeNotMatched: Rule(
        Unavailable, "NO_WRITABLE_DATABASE", "none of the database's hosts takes writes", LATER
    ),
    driver.ClientConfigurationError: Rule(
        Unavailable, "DATABASE_MISCONFIGURED", "the gateway's database settings are wrong"
    ),
    driver.UnsupportedClientFeatureError: Rule(
        Unimplemented, "FEATURE_NOT_SUPPORTED", "the gateway's driver can't do that"
    ),
    driver.UnsupportedServerFeatureError: Rule(
        Unimplemented, "FEATURE_NOT_SUPPORTED", "this database can't do that"
    ),
    driver.ProtocolError: Rule(Internal, "DATABASE_PROTOCOL_ERROR", "the database answered out of turn"),
    driver.InternalClientError: Rule(Internal, "DRIVER_ERROR", "the database driver met an internal error"),
    driver.InterfaceError: Rule(Internal, "DRIVER_MISUSE", "the gateway used the database driver wrongly"),
    driver.InterfaceWarning: Rule(Internal, "DRIVER_MISUSE", "the gateway used the database driver wrongly"),
    ssl.SSLError: Rule(Unavailable, "DATABASE_TLS_FAILED", "the database's TLS certificate isn't accepted"),
    TimeoutError: Rule(DeadlineExceeded, "DATABASE_TIMEOUT", "the database took too long"),
    EOFError: _UNREACHABLE,
    OSError: _UNREACHABLE,
}
# What a call of the driver may raise.
DRIVER_ERRORS = (
    asyncpg.PostgresError,
    driver.InterfaceError,
    driver.InternalClientError,
    UnfitColumnError,
    OSError,
    EOFError,
)
_FROM_SERVER = (asyncpg.PostgresError, asyncpg.PostgresLogMessage)
_LOST = driver.ConnectionDoesNotExistError.sqlstate
# The classes of SQLSTATE whose messages speak of connections, roles, names and resources, never of values.
_WITHOUT_VALUES = frozenset(
    ("08", "0A", "25", "26", "28", "3D", "3F", "42", "53", "55", "57", "58", "F0", "XX")
)
_MAX_CAUSE = 300
_CHECKS_POLICIES = "ExecWithCheckOptions"
_NORMALIZES = "unicode_norm_form_from_string"
_NAMES = {
    "constraint": "constraint_name",
    "schema": "schema_name",
    "table": "table_name",
    "column": "column_name",
    "type": "data_type_name",
}


def translate(error: Exception) -> RowgateError:
    """Return what a client learns of a driver's exception; the caller raises it `from` that exception."""
    if isinstance(error, RowgateError):
        return error
    rule = rule_of(error)
    if rule is None:
        return Internal("internal error", reason="INTERNAL")
    names = _names(error)
    return rule.error(
        f"{rule.message}{_place(names)}", reason=rule.reason, metadata=names, retry_delay=rule.retry_delay
    )


@contextmanager
def translated(connection: Any) -> Iterator[None]:
    """Raise what the connection's calls raise as our errors, with the driver's as the cause."""
    try:
        yield
    except DRIVER_ERRORS as error:
        cause = as_lost(error, connection)
        raise translate(cause) from cause
    except RuntimeError as error:
        cause = as_lost(error, connection)
        if cause is error:
            raise
        raise translate(cause) from cause


@contextmanager
def telling_loss(connection: Any) -> Iterator[None]:
    """Raise the driver's complaints of a connection that has ended as a lost connection (as_lost)."""
    try:
        yield
    except DRIVER_ERRORS as error:
        lost = as_lost(error, connection)
        if lost is error:
            raise
        raise lost from error


def as_lost(error: Exception, connection: Any) -> Exception:
    """Return a lost connection where the driver complains of being used after its end.

    Either it knew of the end (InterfaceError), or it had read the server's last word but not yet the end of
    the stream (InternalClientError), or it would tell of a failed COPY where uvloop's transport is closed
    (RuntimeError). In the second case it takes the connection for open where a COPY met it; but it has lost
    the thread, and no later answer would be its own.
    """
    if type(error) is driver.InternalClientError:
        connection.terminate()
    complains = isinstance(error, driver.InterfaceError) or type(error) is driver.InternalClientError
    if _is_of_closed_transport(error) or (complains and connection.is_closed()):
        lost = driver.ConnectionDoesNotExistError("the connection was lost before the call")
        lost.__cause__ = error
        return lost
    return error


def _is_of_closed_transport(error: Exception) -> bool:
    return type(error) is RuntimeError and "the handler is closed" in str(error)


def was_never_sent(error: Exception) -> bool:
    """Return whether a lost connection (as_lost) was known to be lost before the call."""
    return is_connection_lost(error) and isinstance(error.__cause__, driver.InterfaceError)


def rule_of(error: Exception) -> Rule | None:
    """Return the rule that speaks of an exception; None for one that no driver raises."""
    for cls, rule in BY_CLASS.items():
        if isinstance(error, cls):
            return rule
    if getattr(error, "server_source_function", None) == _NORMALIZES:
        return NEEDS_UTF8
    if is_of_a_name(error):
        return NAMES_NOTHING
    if is_of_a_policy(error):
        return OF_A_POLICY
    return rule_for(sqlstate_of(error)) if isinstance(error, _FROM_SERVER) else None


def is_of_a_name(error: BaseException | None) -> bool:
    """Return whether a value is wrong that should be a name in the database, of a regclass or regtype.

    The same states tell of statements that don't fit the database; then PostgreSQL tells the place in the
    statement, or the routine or the COPY that it was in.
    """
    found = next((cause for cause in causes(error) if isinstance(cause, _FROM_SERVER)), None)
    if found is None or not may_be_of_a_name(str(found.sqlstate)):
        return False
    return not any(getattr(found, name, None) for name in ("position", "internal_position", "context"))


def is_of_a_policy(error: BaseException | None) -> bool:
    """Return whether a policy of the table's refuses a row, not a lack of privileges, which has its state.

    PostgreSQL's routine tells the two apart: its text is translated.
    """
    return any(
        isinstance(cause, asyncpg.InsufficientPrivilegeError)
        and getattr(cause, "server_source_function", None) == _CHECKS_POLICIES
        for cause in causes(error)
    )


def sqlstate_of(error: BaseException | None) -> str:
    """Return the SQLSTATE behind an error, also a translated one; empty where there is none.

    The driver reports a session that the server ended as a lost connection, and keeps what the server said as
    the cause: that says more.
    """
    states = [str(cause.sqlstate or "") for cause in causes(error) if isinstance(cause, _FROM_SERVER)]
    return next((state for state in states if state != _LOST), states[0] if states else "")


def cause_of(error: RowgateError) -> str:
    """Return what the database or the network said, for the log, without words that may hold values.

    The first that the server said, as in sqlstate_of, else the first error of the network. Of the server's
    there is always the SQLSTATE, and the constraint, table and column that it named. What else became an
    internal error is told by its class.
    """
    network = ""
    for cause in causes(error.__cause__):
        state = str(cause.sqlstate or "") if isinstance(cause, _FROM_SERVER) else ""
        if state and state != _LOST:
            return _with_names(_said(cause, state), cause)
        if isinstance(cause, UnfitColumnError | WrongCredential):
            return str(cause)[:_MAX_CAUSE]
        if isinstance(cause, OSError | EOFError) or state == _LOST:
            network = network or f"{type(cause).__name__}: {cause}"[:_MAX_CAUSE]
    is_ours = isinstance(error, Internal) and error.__cause__ is not None
    return network or (type(error.__cause__).__name__ if is_ours else "")


def _said(cause: BaseException, state: str) -> str:
    # Without the detail, which str() has and which may hold rows.
    speaks = state[:2] in _WITHOUT_VALUES and not is_of_a_name(cause)
    return f"{state}: {cause.args[0]}"[:_MAX_CAUSE] if speaks else state


def _with_names(said: str, cause: BaseException) -> str:
    names = ", ".join(f"{name} {value}" for name, value in _named_by(cause).items())
    return f"{said} ({names})" if names else said


def is_connection_lost(error: BaseException) -> bool:
    """Return whether the connection ended before its answer came, also where the server said why."""
    return any(
        isinstance(cause, driver.ConnectionDoesNotExistError | OSError | EOFError) for cause in causes(error)
    )


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, its cause, the cause of that, and so on."""
    while error is not None:
        yield error
        error = error.__cause__


def _names(error: Exception) -> dict[str, str]:
    names = _named_by(error)
    state = sqlstate_of(error)
    return {"sqlstate": state, **names} if state not in ("", NOT_ALLOWED) else names


def _named_by(error: BaseException) -> dict[str, str]:
    found = {name: getattr(error, attribute, None) for name, attribute in _NAMES.items()}
    return {**names_in(error), **{name: str(value) for name, value in found.items() if value}}


def without_names(error: E, left_out: Collection[str]) -> E:
    """Return the error without some names of its metadata, as `column`, in its sentence neither."""
    kept = {name: value for name, value in error.metadata.items() if name not in left_out}
    message, place = error.message, _place(error.metadata)
    if place and message.endswith(place):
        message = message.removesuffix(place) + _place(kept)
    copy = type(error)(
        message,
        reason=error.reason,
        metadata=kept,
        violations=error.violations,
        resources=error.resources,
        retry_delay=error.retry_delay,
    )
    copy.__cause__ = error.__cause__ or error
    return copy


def _place(names: Mapping[str, str]) -> str:
    """Return the names that say where, behind a rule's sentence: ` (constraint …)`."""
    where = ", ".join(f"{name} {names[name]}" for name in ("constraint", "table", "column") if name in names)
    return f" ({where})" if where else ""
