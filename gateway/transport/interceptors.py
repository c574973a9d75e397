"""What happens around every call, in the order in which a call meets it."""

import asyncio
from collections.abc import Sequence

from gateway.config.settings import ServerSettings
from gateway.errors import DeadlineExceeded, ResourceExhausted, Unavailable
from gateway.transport.alarms import Alarms, Deadline
from gateway.transport.exchange import Answer, Exchange, Interceptor

_BUSY_RETRY_SECONDS = 0.1
_CLOSED_RETRY_SECONDS = 1.0


class Admission:
    """Counts the calls in flight: refuses those past the limit, and all of them once closed.

    grpcio's own maximum_concurrent_rpcs counts wrongly and its stop() forgets aborted calls
    (grpc/grpc issues 41531 and 37239), so the server counts for itself.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._in_flight = 0
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return self._in_flight

    def close(self) -> None:
        """Refuse every further call."""
        self._closed = True

    async def idle(self) -> None:
        """Wait until no call is under way."""
        await self._idle.wait()

    def __call__(self, answer: Answer) -> Answer:
        """Wrap `answer`; the result raises ResourceExhausted or Unavailable before it calls it."""

        async def admitted(exchange: Exchange) -> bytes:
            self._enter()
            try:
                return await answer(exchange)
            finally:
                self._leave()

        return admitted

    def _enter(self) -> None:
        if self._closed:
            raise Unavailable(
                "the server is shutting down", reason="SHUTTING_DOWN", retry_delay=_CLOSED_RETRY_SECONDS
            )
        if self._in_flight >= self._limit:
            raise ResourceExhausted(
                f"the server has its limit of {self._limit} calls in flight",
                reason="TOO_MANY_CALLS",
                metadata={"limit": str(self._limit)},
                retry_delay=_BUSY_RETRY_SECONDS,
            )
        self._in_flight += 1
        self._idle.clear()

    def _leave(self) -> None:
        self._in_flight -= 1
        if not self._in_flight:
            self._idle.set()


def bounded_by(default: float, maximum: float, stream: float) -> Interceptor:
    """Return the interceptor that gives every call a deadline and ends it there.

    Args:
        default: seconds, for a call whose caller set no deadline.
        maximum: seconds; a later deadline is cut to it.
        stream: seconds; both for a call that streams.

    """
    alarms = Alarms()

    def bounded(answer: Answer) -> Answer:
        async def timed(exchange: Exchange) -> bytes:
            usual, most = (default, maximum) if exchange.channel is None else (stream, stream)
            asked = usual if exchange.time_remaining is None else exchange.time_remaining
            exchange.deadline = exchange.arrived + min(asked, most)
            scope = Deadline(alarms, exchange.deadline)
            try:
                with scope:
                    return await answer(exchange)
            except asyncio.CancelledError as error:
                if not scope.expired:
                    raise
                raise DeadlineExceeded(
                    "the call's time is up; what it wrote is rolled back unless it had been committed",
                    reason="DEADLINE_EXCEEDED",
                ) from error

        return timed

    return bounded


def standard_interceptors(admission: Admission, server: ServerSettings) -> Sequence[Interceptor]:
    """Return the interceptors in order: a refused call costs nothing, and waits for nothing."""
    return (admission, bounded_by(server.default_deadline, server.max_deadline, server.stream_deadline))
