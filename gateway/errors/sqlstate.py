"""SQLSTATE → error, by table: a state of its own line, else its class (PostgreSQL's manual, appendix A).

'Too large' is permanent: InvalidArgument or OutOfRange. 'Busy' passes: ResourceExhausted, Unavailable or
Aborted, with a delay after which a retry can help. A sentence here and the names of constraint, table and
column are all that a client reads of a database's error.
"""

from dataclasses import dataclass

from gateway.errors.tree import (
    Aborted,
    AlreadyExists,
    DataLoss,
    DeadlineExceeded,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    OutcomeUnknown,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    RowgateError,
    Unavailable,
    Unimplemented,
)

SOON = 0.1
LATER = 1.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of a SQLSTATE.

    Args:
        error: the class that is raised.
        reason: its stable reason.
        message: one sentence for a developer.
        retry_delay: seconds after which a retry can help; None where it can't.

    """

    error: type[RowgateError]
    reason: str
    message: str
    retry_delay: float | None = None


READ_ONLY = "25006"
"""Of a statement that writes in a transaction that may only read, or on a standby."""
NOT_ALLOWED = "2201G"
"""Of width_bucket without buckets: how a statement says that a row isn't what the table's policy asks for."""

STATES: dict[str, Rule] = {
    "08007": Rule(OutcomeUnknown, "COMMIT_OUTCOME_UNKNOWN", "the write may or may not have been committed"),
    "22001": Rule(InvalidArgument, "STRING_TOO_LONG", "a text is longer than its column allows"),
    "22003": Rule(OutOfRange, "NUMBER_OUT_OF_RANGE", "a number is past what its column holds"),
    "22007": Rule(InvalidArgument, "INVALID_DATETIME", "a date or time can't be read"),
    "22008": Rule(OutOfRange, "DATETIME_OUT_OF_RANGE", "a date or time is past what its column holds"),
    "22012": Rule(InvalidArgument, "DIVISION_BY_ZERO", "the request divides by zero"),
    "22015": Rule(OutOfRange, "INTERVAL_OUT_OF_RANGE", "a duration is past what its column holds"),
    "22021": Rule(InvalidArgument, "INVALID_TEXT", "a text holds characters that the database can't store"),
    "2200H": Rule(FailedPrecondition, "SEQUENCE_EXHAUSTED", "a sequence has no numbers left"),
    "2201B": Rule(InvalidArgument, "INVALID_REGULAR_EXPRESSION", "a regular expression is malformed"),
    NOT_ALLOWED: Rule(PermissionDenied, "ROW_NOT_ALLOWED", "the caller may not write a row like this"),
    "22P05": Rule(InvalidArgument, "INVALID_TEXT", "a text holds characters that the database can't store"),
    "23001": Rule(FailedPrecondition, "FOREIGN_KEY_VIOLATION", "other rows refer to this one"),
    "23502": Rule(InvalidArgument, "NOT_NULL_VIOLATION", "a column that needs a value got none"),
    "23503": Rule(FailedPrecondition, "FOREIGN_KEY_VIOLATION", "a reference between rows would break"),
    "23505": Rule(AlreadyExists, "UNIQUE_VIOLATION", "a unique key is taken"),
    "23514": Rule(InvalidArgument, "CHECK_VIOLATION", "a check on the row fails"),
    "23P01": Rule(FailedPrecondition, "EXCLUSION_VIOLATION", "the row collides with another one"),
    READ_ONLY: Rule(Unavailable, "DATABASE_READ_ONLY", "the database takes no writes at the moment", LATER),
    "25P03": Rule(Aborted, "TRANSACTION_IDLE_TOO_LONG", "the transaction was idle for too long", SOON),
    "25P04": Rule(DeadlineExceeded, "TRANSACTION_TIMEOUT", "the transaction took too long"),
    "26000": Rule(
        Internal,
        "PREPARED_STATEMENT_LOST",
        "a pooler lost a prepared statement: set the statement cache to 0",
    ),
    "40001": Rule(Aborted, "SERIALIZATION_FAILURE", "a concurrent change won", SOON),
    "40003": Rule(OutcomeUnknown, "COMMIT_OUTCOME_UNKNOWN", "the write may or may not have been committed"),
    "40P01": Rule(Aborted, "DEADLOCK", "two transactions waited for each other", SOON),
    "42501": Rule(PermissionDenied, "INSUFFICIENT_PRIVILEGE", "the call's database role may not do this"),
    "428C9": Rule(InvalidArgument, "GENERATED_COLUMN", "the database alone fills this column: leave it out"),
    "42P05": Rule(
        Internal,
        "PREPARED_STATEMENT_LOST",
        "a pooler mixed up prepared statements: set the statement cache to 0",
    ),
    "53100": Rule(ResourceExhausted, "DISK_FULL", "the database's disk is full", LATER),
    "53200": Rule(ResourceExhausted, "DATABASE_OUT_OF_MEMORY", "the database is out of memory", LATER),
    "53300": Rule(ResourceExhausted, "TOO_MANY_CONNECTIONS", "the database has no connection to give", LATER),
    "55006": Rule(Aborted, "OBJECT_IN_USE", "another session uses the object", LATER),
    "55P03": Rule(Aborted, "LOCK_TIMEOUT", "another transaction holds a lock for too long", SOON),
    # Not of the gateway's own cancelling, but of statement_timeout or an operator's pg_cancel_backend.
    "57014": Rule(
        DeadlineExceeded, "QUERY_CANCELED", "the database ended the statement, for it took too long"
    ),
    "57P01": Rule(Unavailable, "DATABASE_SHUTTING_DOWN", "the database is shutting down", LATER),
    "57P02": Rule(Unavailable, "DATABASE_CRASHED", "the database is recovering from a crash", LATER),
    "57P03": Rule(Unavailable, "DATABASE_STARTING", "the database is starting or stopping", LATER),
    "57P04": Rule(Unavailable, "DATABASE_MISSING", "the database was dropped"),
    "P0004": Rule(Internal, "ASSERTION_FAILED", "an assertion in the database failed"),
    "XX001": Rule(DataLoss, "DATA_CORRUPTED", "stored data is corrupt"),
    "XX002": Rule(DataLoss, "INDEX_CORRUPTED", "an index is corrupt"),
}

OF_A_POLICY = Rule(PermissionDenied, "ROW_NOT_ALLOWED", "the caller may not write a row like this")
"""Of a policy of PostgreSQL's own that refuses a row: 42501, as a lack of privileges."""
NEEDS_UTF8 = Rule(Unimplemented, "FEATURE_NOT_SUPPORTED", "fold() needs a database whose encoding is UTF8")
"""Of normalize() where the encoding is another: 42601, as a statement that can't be read."""
_OURS = Rule(Internal, "INVALID_STATEMENT", "the gateway sent a statement that the database refuses")
_ROUTINE = Rule(Internal, "DATABASE_ROUTINE_FAILED", "a routine in the database failed")
MISMATCH = Rule(Internal, "SCHEMA_MISMATCH", "the database's schema isn't the one the gateway knows")
_TRANSACTION = Rule(Internal, "INVALID_TRANSACTION_STATE", "the transaction is in the wrong state")

CLASSES: dict[str, Rule] = {
    "01": Rule(Internal, "DATABASE_WARNING", "the database warned instead of answering"),
    "02": Rule(Internal, "DATABASE_WARNING", "the database warned instead of answering"),
    "03": _OURS,
    "08": Rule(Unavailable, "DATABASE_CONNECTION_LOST", "the connection to the database was lost", SOON),
    "09": _ROUTINE,
    "0A": Rule(Unimplemented, "FEATURE_NOT_SUPPORTED", "this database can't do that"),
    "0B": _TRANSACTION,
    "0F": _OURS,
    "0L": _OURS,
    "0P": Rule(PermissionDenied, "INSUFFICIENT_PRIVILEGE", "the call's database role may not do this"),
    "0Z": _ROUTINE,
    "10": Rule(InvalidArgument, "INVALID_VALUE", "a value has the wrong form"),
    "20": _ROUTINE,
    "21": Rule(InvalidArgument, "DUPLICATE_ROWS", "one statement would change the same row twice"),
    "22": Rule(InvalidArgument, "INVALID_VALUE", "a value has the wrong form for its column"),
    "23": Rule(FailedPrecondition, "INTEGRITY_VIOLATION", "a rule on the stored data would break"),
    "24": _OURS,
    "25": _TRANSACTION,
    "26": _OURS,
    "27": Rule(FailedPrecondition, "TRIGGER_CONFLICT", "a trigger changed the row that is being changed"),
    "28": Rule(Unavailable, "DATABASE_LOGIN_REFUSED", "the database refuses the gateway's login"),
    "2B": Rule(FailedPrecondition, "DEPENDENT_OBJECTS", "other objects depend on this one"),
    "2D": _TRANSACTION,
    "2F": _ROUTINE,
    "34": _OURS,
    "38": _ROUTINE,
    "39": _ROUTINE,
    "3B": _TRANSACTION,
    "3D": Rule(Unavailable, "DATABASE_MISSING", "the database isn't there"),
    "3F": MISMATCH,
    "40": Rule(Aborted, "TRANSACTION_ROLLED_BACK", "the database rolled the transaction back", SOON),
    "42": MISMATCH,
    "44": Rule(InvalidArgument, "CHECK_VIOLATION", "the row would fall outside its view"),
    "53": Rule(ResourceExhausted, "DATABASE_BUSY", "the database is short of resources", LATER),
    "54": Rule(OutOfRange, "DATABASE_LIMIT_EXCEEDED", "the request is past a fixed limit of the database"),
    "55": Rule(FailedPrecondition, "OBJECT_NOT_READY", "an object of the database isn't in the needed state"),
    "57": Rule(Unavailable, "DATABASE_INTERVENTION", "an operator ended the session", SOON),
    "58": Rule(Internal, "DATABASE_SYSTEM_ERROR", "the database's machine failed"),
    "72": Rule(Aborted, "SNAPSHOT_TOO_OLD", "the read took too long for what it wanted to see", SOON),
    "F0": Rule(Unavailable, "DATABASE_MISCONFIGURED", "the database's configuration is broken"),
    "HV": Rule(Internal, "FOREIGN_DATA_FAILED", "a foreign table's server failed"),
    "P0": Rule(
        FailedPrecondition, "RAISED_BY_DATABASE", "a rule written in the database refused the request"
    ),
    "XX": Rule(Internal, "DATABASE_ERROR", "the database met an internal error"),
}

# What a text raises that is cast to regclass, regtype or regproc.
_OF_NAMES = frozenset({"3F000", "42601", "42602", "42704", "42725", "42883", "42P01"})
NAMES_NOTHING = Rule(InvalidArgument, "INVALID_VALUE", "a value names nothing that the database has")

UNKNOWN = Rule(Internal, "UNKNOWN_SQLSTATE", "the database answered with an error that isn't known here")

# Losing the race is the caller's chance to win the next one: nothing was written.
ROLLED_BACK = frozenset({"40001", "40P01"})
# The session is gone or going; the statement may have been running.
SESSION_ENDED = frozenset({"57P01", "57P02", "57P05", "25P03"})


def rule_for(sqlstate: str) -> Rule:
    """Return the rule of a SQLSTATE: its own, its class's, or that of the unknown."""
    return STATES.get(sqlstate) or CLASSES.get(sqlstate[:2]) or UNKNOWN


def may_be_of_a_name(sqlstate: str) -> bool:
    """Return whether a value that is a name can raise a SQLSTATE, which statements raise otherwise."""
    return sqlstate in _OF_NAMES


_OF_TEXT = frozenset({"22007", "22023", "22030", "22032", "22P02", "22P05"})

# What a row's own values raise, or a trigger's code on their account; other rows may fare better.
_ROW_CLASSES = frozenset({"09", "20", "21", "22", "23", "27", "2F", "38", "39", "44", "P0"})
# An index's or a value's fixed size, and a value's depth. The others of class 54 are the statement's.
_ROW_STATES = frozenset({"54000", "54001"})
_OF_ALL_ROWS = frozenset({"2200H"})


def is_of_text(sqlstate: str) -> bool:
    """Return whether a text of another form than is asked for raises a SQLSTATE."""
    return sqlstate in _OF_TEXT


def is_of_a_row(sqlstate: str) -> bool:
    """Return whether single rows, rather than circumstances, raise a SQLSTATE.

    So do classes that PostgreSQL doesn't have: a trigger made them up. No state at all is none of a row.
    """
    if sqlstate in _OF_ALL_ROWS or not sqlstate:
        return False
    known = sqlstate[:2] in CLASSES
    return not known or sqlstate in _ROW_STATES or sqlstate[:2] in _ROW_CLASSES
