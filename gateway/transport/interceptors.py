"""What happens around every call: context managers, which cost less than coroutines around coroutines."""

import asyncio
from dataclasses import dataclass

from gateway.config.settings import LimitSettings, ServerSettings
from gateway.errors import ResourceExhausted, Unavailable
from gateway.request.alarms import Alarms, Deadline
from gateway.transport.exchange import Exchange

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

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return self._in_flight

    def close(self) -> None:
        """Refuse every further call."""
        self._closed = True

    async def idle(self) -> None:
        """Wait until no call is under way."""
        while self._in_flight:
            self._idle.clear()
            await self._idle.wait()

    def __enter__(self) -> None:
        """Take a place; raises ResourceExhausted or Unavailable."""
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

    def __exit__(self, *_raised: object) -> None:
        """Leave it."""
        self._in_flight -= 1
        if not self._in_flight:
            self._idle.set()


class Deadlines:
    """Gives every call a deadline, and ends it there with DeadlineExceeded.

    Args:
        default: seconds, for a call whose caller set no deadline.
        maximum: seconds; a later deadline is cut to it.
        stream: seconds; both for a call that streams.

    """

    def __init__(self, default: float, maximum: float, stream: float) -> None:
        self._unary = (default, maximum)
        self._stream = (stream, stream)
        self._alarms = Alarms()

    def around(self, exchange: Exchange) -> Deadline:
        """Return what to answer the call in."""
        usual, most = self._unary if exchange.channel is None else self._stream
        asked = usual if exchange.time_remaining is None else exchange.time_remaining
        exchange.deadline = deadline = exchange.arrived + min(asked, most)
        return Deadline(self._alarms, deadline, exchange.task)


@dataclass(frozen=True, slots=True)
class Interceptors:
    """All of them. A refused call costs nothing, and waits for nothing: so it is admitted first.

        with interceptors.admission, interceptors.deadlines.around(exchange):
            ...

    Args:
        admission: counts the calls in flight.
        deadlines: bound each.

    """

    admission: Admission
    deadlines: Deadlines

    @classmethod
    def of(cls, server: ServerSettings, limits: LimitSettings) -> "Interceptors":
        """Return those that the settings ask for."""
        deadlines = Deadlines(server.default_deadline, server.max_deadline, server.stream_deadline)
        return cls(Admission(limits.max_in_flight), deadlines)
