"""Errors of calls that come to no handler, or that are taken from one: the same on every transport."""

from gateway.errors import DeadlineExceeded, Unavailable, Unimplemented

_CLOSED_RETRY_SECONDS = 1.0


def shutting_down() -> Unavailable:
    """Return the error of a call that comes, or is under way, when the server stops."""
    return Unavailable(
        "the server is shutting down", reason="SHUTTING_DOWN", retry_delay=_CLOSED_RETRY_SECONDS
    )


def out_of_time() -> DeadlineExceeded:
    """Return the error of a call that isn't answered by its deadline."""
    return DeadlineExceeded("the call's time is up", reason="DEADLINE_EXCEEDED")


def unknown_method() -> Unimplemented:
    """Return the error of a path that nobody answers."""
    return Unimplemented("unknown method", reason="UNKNOWN_METHOD")


def not_one_request() -> Unimplemented:
    """Return the error of a call with no request, or several, where there is to be one."""
    return Unimplemented("exactly one request message is expected", reason="NOT_ONE_REQUEST")
