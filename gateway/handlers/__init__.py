"""Handlers of your own in Python: methods that a servicer answers, and hooks before and after others.

What a file that `rowgate serve --handlers` loads needs is here; docs/handlers.md tells of it.
"""

from gateway.auth.principal import Principal
from gateway.db.statements.transaction_mode import Isolation
from gateway.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    NotFound,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    ResourceRef,
    RowgateError,
    Unavailable,
    Unimplemented,
)
from gateway.handlers.context import Context
from gateway.handlers.database.queries import RefusedQueryError
from gateway.handlers.hooks import after, before
from gateway.handlers.rowgate import Rowgate

__all__ = [
    "Aborted",
    "AlreadyExists",
    "Context",
    "FailedPrecondition",
    "FieldViolation",
    "InvalidArgument",
    "Isolation",
    "NotFound",
    "OutOfRange",
    "PermissionDenied",
    "Principal",
    "RefusedQueryError",
    "ResourceExhausted",
    "ResourceRef",
    "Rowgate",
    "RowgateError",
    "Unavailable",
    "Unimplemented",
    "after",
    "before",
]
