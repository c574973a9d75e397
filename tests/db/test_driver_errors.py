"""Every exception that the driver can raise becomes an error of ours, by table."""

import inspect
import ssl
from collections.abc import Iterator
from unittest.mock import Mock

import asyncpg
import pytest
from asyncpg import exceptions as driver
from asyncpg.exceptions import _base

from gateway.db.driver_errors import (
    BY_CLASS,
    cause_of,
    is_connection_lost,
    rule_of,
    sqlstate_of,
    translate,
    translated,
)
from gateway.errors import (
    Aborted,
    Internal,
    InvalidArgument,
    OutOfRange,
    ResourceExhausted,
    RowgateError,
    Unavailable,
)
from gateway.errors.sqlstate import CLASSES, STATES, UNKNOWN, rule_for


def exception_classes() -> Iterator[type[Exception]]:
    """Yield every exception class of the driver's, exported or not."""
    for module in (driver, _base):
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if issubclass(cls, Exception):
                yield cls


EVERY = sorted(set(exception_classes()), key=lambda cls: f"{cls.__module__}.{cls.__name__}")
WITH_STATE = [cls for cls in EVERY if getattr(cls, "sqlstate", None)]
NETWORK = [OSError, ConnectionResetError, ConnectionRefusedError, BrokenPipeError, TimeoutError, EOFError]
TLS = [ssl.SSLError, ssl.SSLCertVerificationError, ssl.SSLEOFError]


def test_the_walk_finds_the_drivers_classes() -> None:
    assert len(EVERY) > 250
    assert {driver.UniqueViolationError, driver.InterfaceError, driver.OutdatedSchemaCacheError} <= set(EVERY)


@pytest.mark.parametrize("cls", [*EVERY, *NETWORK, *TLS], ids=lambda cls: cls.__name__)
def test_every_class_is_mapped(cls: type[Exception]) -> None:
    rule = rule_of(cls("the text, with a secret"))

    assert rule is not None, f"{cls} has no rule"
    # Only what no SQLSTATE says anything about may fall through to the unknown.
    if rule is UNKNOWN:
        assert cls in {_base.PostgresError, _base.FatalPostgresError, _base.UnknownPostgresError}
    error = translate(cls("the text, with a secret"))
    assert isinstance(error, rule.error)
    assert "secret" not in error.message
    assert "secret" not in str(error.metadata)


@pytest.mark.parametrize("cls", WITH_STATE, ids=lambda cls: cls.__name__)
def test_every_state_of_the_driver_is_in_the_table(cls: type[asyncpg.PostgresError]) -> None:
    state = str(cls.sqlstate)

    assert state in STATES or state[:2] in CLASSES


def test_every_state_of_its_own_has_a_class_beneath_it() -> None:
    assert {state[:2] for state in STATES} <= set(CLASSES)


def test_a_more_special_class_stands_before_its_parent() -> None:
    classes = list(BY_CLASS)
    for place, cls in enumerate(classes):
        assert not any(issubclass(later, cls) for later in classes[place + 1 :]), cls


def test_busy_can_be_retried_and_too_large_cant() -> None:
    for rule in (*STATES.values(), *CLASSES.values()):
        if rule.error in {ResourceExhausted, Aborted}:
            assert rule.retry_delay is not None, rule
        if rule.error in {InvalidArgument, OutOfRange, Internal}:
            assert rule.retry_delay is None, rule
    assert rule_for("54000").error is OutOfRange
    assert rule_for("53200").error is ResourceExhausted


def test_a_states_own_line_wins_over_its_class() -> None:
    assert rule_for("23505").reason == "UNIQUE_VIOLATION"
    assert rule_for("23999") is CLASSES["23"]
    assert rule_for("ZZ000") is UNKNOWN


def test_names_come_from_fields_and_never_from_the_text() -> None:
    fields = {
        "C": "23505",
        "M": "secret",
        "D": "Key (email)=(secret)",
        "n": "a_key",
        "s": "public",
        "t": "a",
        "c": "b",
    }
    error = translate(asyncpg.PostgresError.new(fields))

    assert error.metadata == {
        "sqlstate": "23505",
        "constraint": "a_key",
        "schema": "public",
        "table": "a",
        "column": "b",
    }
    assert error.message == "a unique key is taken (constraint a_key, table a, column b)"


def test_what_the_server_said_before_it_hung_up_counts() -> None:
    said = asyncpg.PostgresError.new({"C": "57P01", "M": "bye"})
    lost = driver.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    lost.__cause__ = said
    ours = translate(lost)
    ours.__cause__ = lost

    assert sqlstate_of(ours) == "57P01"
    assert is_connection_lost(ours)
    assert isinstance(ours, Unavailable)
    assert sqlstate_of(driver.ConnectionDoesNotExistError("x")) == "08003"
    assert not is_connection_lost(asyncpg.UniqueViolationError("x"))


def test_an_error_of_ours_stays_itself_and_a_bug_is_internal() -> None:
    mine: RowgateError = Aborted("x", reason="MINE")

    assert translate(mine) is mine
    assert translate(LookupError("secret")).message == "internal error"


def test_a_driver_that_lost_the_thread_is_a_lost_connection() -> None:
    """As it complains where a COPY meets the server's last word; it takes the connection for open then."""
    connection = Mock()
    connection.is_closed = lambda: connection.terminate.called
    with pytest.raises(Unavailable) as failed, translated(connection):
        raise driver.InternalClientError("cannot switch to state 15; another operation (2) is in progress")
    assert failed.value.reason == "DATABASE_CONNECTION_LOST"
    with pytest.raises(Internal), translated(Mock(is_closed=lambda: False)):
        raise driver.InterfaceError("cannot perform operation: another operation is in progress")


def test_a_copy_that_fails_on_a_closed_transport_is_a_lost_connection() -> None:
    """As uvloop says it, where asyncpg would send CopyFail."""
    closed = RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")
    with pytest.raises(Unavailable) as failed, translated(None):
        raise closed
    assert failed.value.reason == "DATABASE_CONNECTION_LOST"
    assert is_connection_lost(failed.value)
    with pytest.raises(RuntimeError, match="of our own"), translated(None):
        raise RuntimeError("of our own")


def refused(cause: Exception) -> RowgateError:
    """Return the error of ours that a driver's exception becomes, raised from it."""
    error = translate(cause)
    error.__cause__ = cause
    return error


def test_the_log_learns_what_the_server_or_the_network_said() -> None:
    lost = driver.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    missing = driver.UndefinedTableError("no relation")
    missing.position = "15"
    assert cause_of(refused(missing)) == "42P01: no relation"
    assert cause_of(refused(lost)) == f"ConnectionDoesNotExistError: {lost}"
    lost.__cause__ = driver.AdminShutdownError("terminating")
    assert cause_of(refused(lost)) == "57P01: terminating"
    assert cause_of(refused(ConnectionRefusedError("port 5432"))) == "ConnectionRefusedError: port 5432"
    assert cause_of(Internal("internal error", reason="INTERNAL")) == ""


@pytest.mark.parametrize("cls", [driver.DataError, driver.UniqueViolationError, driver.RaiseError])
def test_the_log_learns_names_and_no_words_that_may_hold_a_value(cls: type[asyncpg.PostgresError]) -> None:
    error = cls("a secret")
    assert cause_of(refused(error)) == cls.sqlstate
    error.table_name, error.column_name = "item", "price"
    assert cause_of(refused(error)) == f"{cls.sqlstate} (table item, column price)"


def test_the_log_learns_no_value_that_should_have_been_a_name() -> None:
    """PostgreSQL quotes it in the words that it has for statements, but tells no place in the statement."""
    assert cause_of(refused(driver.UndefinedTableError('relation "secret" does not exist'))) == "42P01"


def test_the_log_learns_the_class_of_what_nobody_foresaw() -> None:
    error = Internal("internal error", reason="INTERNAL")
    error.__cause__ = ValueError("a secret")
    assert cause_of(error) == "ValueError"


def test_the_log_learns_no_detail() -> None:
    full = driver.DiskFullError("no space")
    full.detail = "a secret"
    assert cause_of(refused(full)) == "53100: no space"


def test_what_a_rule_refuses_is_told_in_one_way() -> None:
    """Whether PostgreSQL was asked for it, by a function that fails, or the gateway knew it before."""
    refused = translate(driver.InvalidArgumentForWidthBucketFunctionError("no buckets"))
    assert (refused.reason, refused.metadata) == ("ROW_NOT_ALLOWED", {})
