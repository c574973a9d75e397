"""The refusals of single rows, in words: what was found where another state was asked for."""

from dataclasses import dataclass
from typing import TypeVar

from gateway.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    NotFound,
    OutOfRange,
    PermissionDenied,
    ResourceRef,
    RowgateError,
)
from gateway.request.keys import Key, below, key_text
from gateway.schema.model import Resource

E = TypeVar("E", bound=RowgateError)


@dataclass(frozen=True, slots=True)
class RowErrors:
    """The errors of one row.

    Args:
        resource: what the row is.
        key: which row.
        place: the item's proto path in a batch; empty outside of one.

    """

    resource: Resource
    key: Key
    place: str = ""

    def not_found(self) -> NotFound:
        """Return the error of a key that no row has."""
        return self._error(NotFound, "is not there", "ROW_NOT_FOUND")

    def soft_deleted(self) -> FailedPrecondition:
        """Return the error of a soft-deleted row: it can be read and undeleted, nothing else."""
        return self._error(FailedPrecondition, "is deleted: undelete it first", "ROW_DELETED")

    def not_deleted(self) -> AlreadyExists:
        """Return the error of a live row that is to be undeleted (AIP-164)."""
        return self._error(AlreadyExists, "is not deleted", "ROW_NOT_DELETED")

    def stale(self) -> Aborted:
        """Return the error of a row at another version than the caller expects (AIP-154)."""
        return self._error(Aborted, "was changed since: read it again, then decide", "ETAG_MISMATCH")

    def not_allowed(self) -> PermissionDenied:
        """Return the error of a row that the caller may read, but not change so."""
        return self._error(PermissionDenied, "may not be changed so by the caller", "ROW_NOT_ALLOWED")

    def twice(self) -> InvalidArgument:
        """Return the error of a batch that names one row twice: which change is meant is not told."""
        return self._error(InvalidArgument, "is named twice in one batch", "DUPLICATE_IN_BATCH")

    def unfit(self, transform: int) -> OutOfRange:
        """Return the error of a transform, by its place, whose outcome its column can't hold."""
        return unfit(below(self.place, f"transforms[{transform}]"))

    def kept(self) -> FailedPrecondition:
        """Return the error of a row that a trigger doesn't let change."""
        return self._error(
            FailedPrecondition, "is kept as it is by a trigger in the database", "ROW_KEPT_OUT"
        )

    def _error(self, kind: type[E], text: str, reason: str) -> E:
        name, row = self.resource.message.full_name, key_text(self.resource, self.key)
        return kind(
            f"{self.place}: {name} {row} {text}" if self.place else f"{name} {row} {text}",
            reason=reason,
            violations=[FieldViolation(self.place, text, reason)] if self.place else (),
            resources=[ResourceRef(name, row)],
        )


def unfit(path: str) -> OutOfRange:
    """Return the error of a transform, by its path, whose outcome its column can't hold."""
    text = "makes more of the stored value than its column holds"
    return OutOfRange(
        f"{path}: {text}",
        reason="NUMBER_OUT_OF_RANGE",
        violations=[FieldViolation(path, text, "NUMBER_OUT_OF_RANGE")],
    )
