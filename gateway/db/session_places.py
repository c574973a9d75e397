"""Places of sessions: each keeps a connection while its client thinks, so they have a part of the pool."""

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.errors import ResourceExhausted
from gateway.errors.retry_delay import RetryDelay
from gateway.request.calls.bulkheads import Bulkheads, Operation
from gateway.request.calls.call import Call


def places_in(pool_size: int, wanted: int) -> int:
    """Return how many sessions there may be beside other calls: a quarter of the connections at most."""
    return min(wanted, max(1, pool_size // 4))


class SessionPlaces:
    """Counts the sessions that are open.

    Args:
        limit: how many may be; one caller has a half of them at most, but one in any case.

    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        share = max(1, limit // 2)
        self._held = Bulkheads[Call](limit, lambda call: (Operation(), call.caller), share)
        self._retry_delay = RetryDelay()

    @property
    def in_use(self) -> int:
        """Sessions that are open."""
        return len(self._held)

    @contextmanager
    def place(self, call: Call) -> Iterator[None]:
        """Hold a place; raises ResourceExhausted where none is free. Nobody waits: it may take long."""
        if len(self._held) >= self._limit or self._held.full(Operation(), call.caller):
            raise ResourceExhausted(
                f"the gateway has its limit of {self._limit} sessions open, or the caller its share",
                reason="TOO_MANY_SESSIONS",
                metadata={"limit": str(self._limit)},
                retry_delay=self._retry_delay(),
            )
        self._held.take(call)
        try:
            yield
        finally:
            self._held.give_back(call)
