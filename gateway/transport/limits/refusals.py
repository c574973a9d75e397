"""Errors of calls that reach no handler, or that a stopping server ends: the same on every transport."""

import asyncio
from collections.abc import Mapping

from gateway.errors import (
    DeadlineExceeded,
    OutcomeUnknown,
    OutOfRange,
    RowgateError,
    Unavailable,
    Unimplemented,
)

_CLOSED_RETRY_SECONDS = 1.0


class WriteCancelled(asyncio.CancelledError):
    """The cancellation of a call that may have written something."""


def broken_off(cancelled: asyncio.CancelledError) -> RowgateError:
    """Return the error of a call under way that a server cancels as it stops.

    UNAVAILABLE has clients repeat the call: so it is told where that does nothing twice.
    """
    if not isinstance(cancelled, WriteCancelled):
        return shutting_down()
    return OutcomeUnknown(
        "the server stopped during the write, which may or may not be committed: "
        "read before writing again, or repeat it with the same request_id",
        reason="COMMIT_OUTCOME_UNKNOWN",
    )


def shutting_down() -> Unavailable:
    """Return the error of a call that comes when the server stops, or that has written nothing by then."""
    return Unavailable(
        "the server is shutting down", reason="SHUTTING_DOWN", retry_delay=_CLOSED_RETRY_SECONDS
    )


def out_of_time() -> DeadlineExceeded:
    """Return the error of a call that isn't answered by its deadline."""
    return DeadlineExceeded("the call's time is up", reason="DEADLINE_EXCEEDED")


def write_out_of_time() -> DeadlineExceeded:
    """Return the error of a call that isn't answered by its deadline, and may have written something."""
    return DeadlineExceeded(
        "the call's time is up; a write that was sent by then may or may not be committed",
        reason="DEADLINE_EXCEEDED",
    )


def sizes(size: int, limit: int) -> Mapping[str, str]:
    """Return the metadata of an error about a size."""
    return {"size_bytes": str(size), "limit_bytes": str(limit)}


def response_too_large(size: int, limit: int) -> OutOfRange:
    """Return the error of a response that has more bytes than it may."""
    return OutOfRange(
        f"the response has {size} bytes, more than the limit of {limit}: ask for fewer rows or fields",
        reason="RESPONSE_TOO_LARGE",
        metadata=sizes(size, limit),
    )


def unknown_method() -> Unimplemented:
    """Return the error of a path that nobody answers."""
    return Unimplemented("unknown method", reason="UNKNOWN_METHOD")


def one_way_at_once() -> Unimplemented:
    """Return the error of a call by HTTP/1.1 whose requests and responses go both ways at once."""
    return Unimplemented(
        "the method streams its requests and responses both ways at once, which takes HTTP/2: "
        "this call came over HTTP/1.1",
        reason="HTTP2_REQUIRED",
    )


def not_one_request() -> Unimplemented:
    """Return the error of a call with no request, or several, where there is to be one."""
    return Unimplemented("exactly one request message is expected", reason="NOT_ONE_REQUEST")
