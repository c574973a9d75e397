"""Every error that a caller can meet, and how each becomes a google.rpc.Status.

RowgateError
├── InvalidArgument      INVALID_ARGUMENT      the request is wrong; field_violations say where
├── NotFound             NOT_FOUND             a named row is not there
├── AlreadyExists        ALREADY_EXISTS        a key is taken
├── FailedPrecondition   FAILED_PRECONDITION   the data's state forbids it
├── Aborted              ABORTED               a concurrent change won; read again, then retry
├── OutOfRange           OUT_OF_RANGE          a value or size is past a fixed limit
├── ResourceExhausted    RESOURCE_EXHAUSTED    busy: retry after retry_delay
├── Unavailable          UNAVAILABLE           the database can't be reached: retry after retry_delay
├── DeadlineExceeded     DEADLINE_EXCEEDED     the caller's time is up
├── PermissionDenied     PERMISSION_DENIED     the caller, or the database role, may not
├── Unauthenticated      UNAUTHENTICATED       the credential is not accepted
├── Unimplemented        UNIMPLEMENTED         the database or gateway can't do it
├── OutcomeUnknown       UNKNOWN               a write whose COMMIT may or may not have happened
├── DataLoss             DATA_LOSS             stored data can't be represented or is corrupt
└── Internal             INTERNAL              an error of the gateway's own
"""

from gateway.errors.tree import (
    Aborted,
    AlreadyExists,
    DataLoss,
    DeadlineExceeded,
    FailedPrecondition,
    FieldViolation,
    Internal,
    InvalidArgument,
    NotFound,
    OutcomeUnknown,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    ResourceRef,
    RowgateError,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)

__all__ = [
    "Aborted",
    "AlreadyExists",
    "DataLoss",
    "DeadlineExceeded",
    "FailedPrecondition",
    "FieldViolation",
    "Internal",
    "InvalidArgument",
    "NotFound",
    "OutOfRange",
    "OutcomeUnknown",
    "PermissionDenied",
    "ResourceExhausted",
    "ResourceRef",
    "RowgateError",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
]
