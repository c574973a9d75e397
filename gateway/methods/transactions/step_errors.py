"""Errors of steps, in terms of the whole request: which step it was, and its fields' paths from there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from gateway.db.driver_errors import cause_of
from gateway.errors import FieldViolation, RowgateError
from gateway.observe.call_record import CallRecord


@contextmanager
def in_field(name: str) -> Iterator[None]:
    """Raise the errors of a message that stands in a field with their fields' paths below that.

    Without a name they are raised as they are.
    """
    try:
        yield
    except RowgateError as error:
        if not name:
            raise
        raise _copy(error, error.message, name, {}) from error.__cause__


@contextmanager
def in_step(index: int, method: str) -> Iterator[None]:
    """Raise the errors of a step as the whole's."""
    place = f"steps[{index}]"
    try:
        yield
    except RowgateError as error:
        named = {"step": str(index), "step_method": method}
        raise _copy(error, f"{place}: {error.message}", place, named) from error.__cause__


def note(record: CallRecord, error: RowgateError) -> None:
    """Note what a step was refused with."""
    record.code, record.reason = error.code, error.reason
    if error.__cause__ is not None:
        record.cause = cause_of(error)


def _copy(error: RowgateError, message: str, place: str, named: Mapping[str, str]) -> RowgateError:
    return type(error)(
        message,
        reason=error.reason,
        metadata={**error.metadata, **named},
        violations=[_below(place, one) for one in error.violations],
        resources=error.resources,
        retry_delay=error.retry_delay,
    )


def _below(place: str, violation: FieldViolation) -> FieldViolation:
    return replace(violation, field=f"{place}.{violation.field}" if violation.field else place)
