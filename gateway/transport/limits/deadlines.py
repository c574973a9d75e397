"""Deadlines of calls: context managers, which cost less than coroutines around coroutines."""

from contextlib import AbstractContextManager, nullcontext
from math import inf
from time import monotonic, time

from gateway.config.settings import ServerSettings
from gateway.request.calls.deadline_timer import Deadline, DeadlineTimer
from gateway.transport.exchange import Exchange


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

    @classmethod
    def of(cls, server: ServerSettings) -> "Deadlines":
        """Return those that the settings ask for."""
        return cls(server.default_deadline, server.max_deadline, server.stream_deadline)

    def around(self, exchange: Exchange) -> Deadline:
        """Return what to answer the call in."""
        deadline = exchange.deadline or self.set(exchange)
        return Deadline(self._timer, deadline, exchange.task)

    def set(self, exchange: Exchange) -> float:
        """Set a call's deadline, and return it."""
        usual, most = self._unary if exchange.channel is None else self._stream
        asked = usual if exchange.time_remaining is None else exchange.time_remaining
        deadline = exchange.arrived + min(asked, most)
        if exchange.channel is not None and exchange.principal is not None:
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
    ends = exchange.identified().expires_at
    if ends is None or (when := monotonic() + ends - time()) >= deadline:
        return deadline
    exchange.ends_with_credential = True
    return when
