"""The tree of errors. Each class owns its google.rpc.Code; each raise names a stable reason (AIP-193)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from google.rpc import code_pb2


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """What is wrong with one field: its proto path from the request message, such as `flight.origin`."""

    field: str
    description: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ResourceRef:
    """A row that an error speaks of: its message's full name and its key as `name=value` pairs."""

    resource_type: str
    resource_name: str
    description: str = ""


class RowgateError(Exception):
    """The root. Carries what a client may know; what only the log may know is the `__cause__`.

    Args:
        message: one sentence for a developer; holds no stored value, SQL, host or driver text.
        reason: UPPER_SNAKE_CASE, stable over releases, listed in docs/errors.md.
        metadata: names and numbers a program can act on (constraint, limit, column).
        violations: the wrong fields, by proto path.
        resources: the rows that are missing or in the way.
        retry_delay: seconds after which a retry can help; None where it can't.
        resume_token: where to go on, for the metadata: there whole, or not at all.

    """

    code: ClassVar[int] = code_pb2.INTERNAL

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        resources: Sequence[ResourceRef] = (),
        retry_delay: float | None = None,
        resume_token: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.resources = tuple(resources)
        self.retry_delay = retry_delay
        self.resume_token = resume_token


class InvalidArgument(RowgateError):  # noqa: N818 - named after its gRPC code, as its siblings are
    """The request is wrong, whatever is stored."""

    code = code_pb2.INVALID_ARGUMENT

    @classmethod
    def field(cls, path: str, description: str, *, reason: str) -> "InvalidArgument":
        """Return the error of one wrong field."""
        violation = FieldViolation(path, description, reason)
        return cls(f"{path}: {description}", reason=reason, violations=[violation])


class NotFound(RowgateError):  # noqa: N818
    """A named row is not there."""

    code = code_pb2.NOT_FOUND


class AlreadyExists(RowgateError):  # noqa: N818
    """A key is taken."""

    code = code_pb2.ALREADY_EXISTS


class FailedPrecondition(RowgateError):  # noqa: N818
    """What is stored forbids the request."""

    code = code_pb2.FAILED_PRECONDITION


class Aborted(RowgateError):  # noqa: N818
    """A concurrent change won."""

    code = code_pb2.ABORTED


class OutOfRange(RowgateError):  # noqa: N818
    """A value or a size is past a fixed limit."""

    code = code_pb2.OUT_OF_RANGE

    @classmethod
    def past_limit(cls, limit_bytes: int, message: str, *, reason: str) -> "OutOfRange":
        """Return the error of what has more bytes than a limit."""
        return cls(message, reason=reason, metadata={"limit_bytes": str(limit_bytes)})


class ResourceExhausted(RowgateError):  # noqa: N818
    """The gateway or the database is busy."""

    code = code_pb2.RESOURCE_EXHAUSTED


class Unavailable(RowgateError):  # noqa: N818
    """The database can't be reached, or went away before anything was written."""

    code = code_pb2.UNAVAILABLE


class DeadlineExceeded(RowgateError):  # noqa: N818
    """The caller's time is up, or the database's for a statement."""

    code = code_pb2.DEADLINE_EXCEEDED


class PermissionDenied(RowgateError):  # noqa: N818
    """The caller, or the database role, may not do this."""

    code = code_pb2.PERMISSION_DENIED


class Unauthenticated(RowgateError):  # noqa: N818
    """The call's credential is not accepted; the `__cause__` says why, for the log alone."""

    code = code_pb2.UNAUTHENTICATED


class Unimplemented(RowgateError):  # noqa: N818
    """The database, or this version of the gateway, can't do this."""

    code = code_pb2.UNIMPLEMENTED


class OutcomeUnknown(RowgateError):  # noqa: N818
    """A write whose COMMIT may or may not have happened (reason COMMIT_OUTCOME_UNKNOWN)."""

    code = code_pb2.UNKNOWN


class DataLoss(RowgateError):  # noqa: N818
    """Stored data is corrupt, or can't be represented exactly in the message."""

    code = code_pb2.DATA_LOSS


class Internal(RowgateError):  # noqa: N818
    """An error of the gateway's own."""

    code = code_pb2.INTERNAL
