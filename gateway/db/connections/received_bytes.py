"""Bytes that PostgreSQL sends over a connection: counted while a statement's rows are read, and bounded."""

import asyncio
from contextlib import nullcontext
from math import inf
from types import TracebackType
from typing import Any, Self

from gateway.errors import OutOfRange, RowgateError
from gateway.request.calls.call import Call
from gateway.request.calls.memory import SMALL

TOO_LARGE = "RESPONSE_TOO_LARGE"
UNCOUNTED = nullcontext()
"""The context of a statement whose bytes nobody counts."""


class ReceivedBytes(asyncio.Protocol):
    """Stands between a connection's transport and the driver, which gathers all rows of a statement.

    It costs something for each read of the socket, nothing for each row. Used as a context, by one statement
    at a time: what arrives inside is counted as held by the call. Leaving it raises OutOfRange where a
    statement's rows are past the limit, and ResourceExhausted where there is no memory for them; the
    statement is cancelled then, as the driver cancels what nobody waits for.

    Args:
        driver: the driver's protocol.
        limit: bytes of a statement.

    """

    __slots__ = (
        "_call",
        "_cancelling",
        "_deliver",
        "_driver",
        "_error",
        "_held",
        "_loop",
        "_next",
        "_task",
        "limit",
        "read",
    )

    def __init__(self, driver: asyncio.Protocol, limit: int) -> None:
        self._driver = driver
        self._deliver = driver.data_received
        # Kept, as to ask for it costs a system call.
        self._loop = asyncio.get_running_loop()
        self.limit = limit
        self.read = 0
        """Bytes of this statement, or the last one."""
        self._next: float = inf
        self._call: Call | None = None
        self._held = 0
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = 0
        self._error: RowgateError | None = None

    @property
    def is_cancelling(self) -> bool:
        """Whether a statement was cancelled, and PostgreSQL hasn't answered yet."""
        driver: Any = self._driver
        return bool(driver._is_cancelling())  # noqa: SLF001 - the driver's own pool asks it too

    def of(self, call: Call) -> Self:
        """Return the context of a call's statement."""
        self._call = call
        self._held = call.held
        self.read = 0
        self._next = SMALL
        self._task = asyncio.current_task(self._loop)
        return self

    def __enter__(self) -> Self:
        """Begin to count."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End; a cancellation from elsewhere is not ours."""
        self._next = inf
        if error is not None:
            self._end_badly()

    def _end_badly(self) -> None:
        if self._call is not None:
            self._call.hold(self._held)
        mine, self._error = self._error, None
        if mine is not None and self._task is not None and self._task.uncancel() <= self._cancelling:
            raise mine from None

    def data_received(self, data: bytes) -> None:
        """Hand on what arrives."""
        self.read += len(data)
        if self.read > self._next:
            self._count()
        self._deliver(data)

    def _count(self) -> None:
        """Count what has arrived; cancel who reads it where that is too much."""
        try:
            if self.read > self.limit:
                raise _too_large(self.limit)
            if self._call is not None:
                self._call.hold(self._held + self.read)
        except RowgateError as error:
            self._next = inf
            self._error = error
            if self._task is not None:
                self._cancelling = self._task.cancelling()
                self._task.cancel()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand it on."""
        self._driver.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand it on."""
        self._driver.connection_lost(exc)

    def pause_writing(self) -> None:
        """Hand it on."""
        self._driver.pause_writing()

    def resume_writing(self) -> None:
        """Hand it on."""
        self._driver.resume_writing()

    def eof_received(self) -> bool | None:
        """Hand it on."""
        return self._driver.eof_received()


def is_too_large(error: RowgateError) -> bool:
    """Return whether a statement's rows were past the limit."""
    return isinstance(error, OutOfRange) and error.reason == TOO_LARGE


def _too_large(limit: int) -> OutOfRange:
    text = f"the rows have more than the limit of {limit} bytes: ask for fewer rows or fields"
    return OutOfRange.past_limit(limit, text, reason=TOO_LARGE)
