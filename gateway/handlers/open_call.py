"""A call that a handler answers: nothing is done for its caller after its end."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.request.calls.call import Call


class ClientGone(asyncio.CancelledError):
    """Whoever sends a handler's requests has gone."""


def is_being_cancelled() -> bool:
    """Return whether somebody cancels the task that runs, as the transport, a deadline or a timeout does."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


class OpenCall:
    """Hands out a call until it has ended.

    Args:
        call: it.

    """

    __slots__ = ("_call", "_ended")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._ended = False

    @property
    def call(self) -> Call:
        """The call; raises RuntimeError behind its end."""
        if self._ended:
            raise RuntimeError("the call has ended")
        return self._call

    @contextmanager
    def lent(self) -> Iterator["OpenCall"]:
        """Give it; behind the context it is nobody's.

        Raises RuntimeError for a CancelledError of which nobody has cancelled the call: it is of something
        that the handler awaited. The transport would take it for its own, and tell that the server stops.
        """
        try:
            yield self
        except ClientGone:
            raise
        except asyncio.CancelledError as error:
            if is_being_cancelled():
                raise
            raise RuntimeError("the handler was cancelled, and its call wasn't") from error
        finally:
            self._ended = True
