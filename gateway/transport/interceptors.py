"""Interceptors around every call: context managers, which cost less than coroutines around coroutines."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import inf
from time import monotonic, time

from gateway.config.settings import LimitSettings, ServerSettings
from gateway.request.bulkheads import Operation
from gateway.request.deadline_timer import Deadline, DeadlineTimer
from gateway.transport.admission import Admission
from gateway.transport.authorization import Authorization
from gateway.transport.caller_limits import CallerLimits
from gateway.transport.exchange import Exchange
from gateway.transport.processor import Processor


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
        self._timer = DeadlineTimer()

    def around(self, exchange: Exchange) -> Deadline:
        """Return what to answer the call in."""
        deadline = exchange.deadline or self.set(exchange)
        return Deadline(self._timer, deadline, exchange.task)

    def set(self, exchange: Exchange) -> float:
        """Set a call's deadline, and return it."""
        usual, most = self._unary if exchange.channel is None else self._stream
        asked = usual if exchange.time_remaining is None else exchange.time_remaining
        deadline = exchange.arrived + min(asked, most)
        if exchange.channel is not None:
            deadline = _until_credential_ends(exchange, deadline)
        exchange.deadline = deadline
        return deadline

    def cut(self, exchange: Exchange, deadline: Deadline) -> None:
        """End a call that streams with its caller's credential, which wasn't known when it began."""
        if exchange.channel is not None:
            exchange.deadline = _until_credential_ends(exchange, deadline.when)
            deadline.end_by(exchange.deadline)

    def of_caller(self, exchange: Exchange) -> AbstractContextManager[object]:
        """Return what to answer a call in whose caller alone may set a deadline."""
        if exchange.time_remaining is None:
            return nullcontext()
        return Deadline(self._timer, exchange.arrived + exchange.time_remaining, exchange.task)

    def of_credential(self, exchange: Exchange) -> AbstractContextManager[object]:
        """Return what to answer a call in that lasts as long as its caller likes, and its credential."""
        ends = _until_credential_ends(exchange, inf)
        if ends == inf:
            return nullcontext()
        exchange.deadline = ends
        return Deadline(self._timer, ends, exchange.task)

    def of_request(self, exchange: Exchange) -> Deadline:
        """Return what to wait for the only request in, whether or not the answer is a stream."""
        usual, most = self._unary
        asked = usual if exchange.time_remaining is None else exchange.time_remaining
        return Deadline(self._timer, exchange.arrived + min(asked, most), exchange.task)


def _until_credential_ends(exchange: Exchange, deadline: float) -> float:
    """Return when a call has to end that may last longer than its caller's credential."""
    ends = exchange.principal.expires_at
    if ends is None or (when := monotonic() + ends - time()) >= deadline:
        return deadline
    exchange.ends_with_credential = True
    return when


@dataclass(frozen=True, slots=True)
class Interceptors:
    """All of them. A refused call costs nothing, and waits for nothing: so it is admitted first.

        with interceptors.admission.admitted(exchange), interceptors.deadlines.around(exchange):
            ...

    Args:
        admission: counts the calls in flight.
        deadlines: bound each.
        processor: its time is shared among them.
        authorization: says who calls, and whether they may; None where everybody may.
        callers: counts the calls of each caller; None where they aren't limited.

    """

    admission: Admission
    deadlines: Deadlines
    processor: Processor
    authorization: Authorization | None = None
    callers: CallerLimits | None = None

    @classmethod
    def of(
        cls,
        server: ServerSettings,
        limits: LimitSettings,
        operations: Mapping[str, Operation] | None = None,
        authorization: Authorization | None = None,
    ) -> "Interceptors":
        """Return those that the settings ask for; `operations` is what each method does, by its path.

        Raises ConfigError.
        """
        deadlines = Deadlines(server.default_deadline, server.max_deadline, server.stream_deadline)
        admission = Admission(limits.max_in_flight, operations)
        callers = CallerLimits.of(limits, operations or {})
        return cls(admission, deadlines, Processor(), authorization, callers)
