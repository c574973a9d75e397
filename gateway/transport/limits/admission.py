"""Admission of calls: how many are in flight, in all and by table, caller and kind of method."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from gateway.config.settings import LimitSettings
from gateway.errors import ResourceExhausted, RowgateError
from gateway.errors.retry_delay import RetryDelay
from gateway.request.calls.bulkheads import UNKNOWN, Bulkheads, Operation, share_of_connection
from gateway.transport.limits.refusals import shutting_down


def streams_of_connection(limits: LimitSettings) -> int:
    """Return how many calls one connection may have under way: more would be refused, so they are to wait."""
    return min(limits.max_concurrent_streams, share_of_connection(limits.max_in_flight))


class Arrival(Protocol):
    """A call as its headers tell of it. Told apart by identity."""

    @property
    def path(self) -> str:
        """`/package.Service/Method`."""

    @property
    def caller(self) -> str:
        """Whose it is, a principal's or a connection's; empty where that tells no callers apart."""


class Admission:
    """Counts the calls in flight: refuses those past the limit or a share of it, and all of them once closed.

    grpcio's own maximum_concurrent_rpcs counts wrongly and its stop() forgets aborted calls
    (grpc/grpc issues 41531 and 37239), so the server counts for itself.

    Args:
        limit: calls in flight.
        operations: what each method does, by its path.

    """

    def __init__(self, limit: int, operations: Mapping[str, Operation] | None = None) -> None:
        self._limit = limit
        self._operations = operations or {}
        self._in_flight = Bulkheads[Arrival](limit, self._owner, share_of_connection(limit))
        self._holders = self._in_flight.holders
        self._unseen = self._in_flight.connection_share
        """Below so many in flight a call needs no look: none once closed."""
        self._closed = False
        self._idle = asyncio.Event()
        self._retry_delay = RetryDelay()

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return len(self._in_flight)

    @property
    def under_way(self) -> Sequence[Arrival]:
        """Those calls."""
        return tuple(self._in_flight)

    def close(self) -> None:
        """Refuse every further call."""
        self._closed = True
        self._unseen = 0

    async def idle(self) -> None:
        """Wait until no call is under way."""
        while self._in_flight:
            self._idle.clear()
            await self._idle.wait()

    @contextmanager
    def admitted(self, arrival: Arrival) -> Iterator[None]:
        """Hold a place; raises as `enter`."""
        self.enter(arrival)
        try:
            yield
        finally:
            self.leave(arrival)

    def enter(self, arrival: Arrival) -> None:
        """Take a place, until `leave`; raises ResourceExhausted or Unavailable. Who has one keeps it."""
        holders = self._holders
        if arrival in holders:
            return
        if len(holders) >= self._unseen:
            self._look(arrival)
        self._in_flight.take(arrival)

    def leave(self, arrival: Arrival) -> None:
        """Leave it. Who has none, or has left it, leaves nothing."""
        if arrival in self._holders:
            self._in_flight.give_back(arrival)
            if not self._holders:
                self._idle.set()

    def _look(self, arrival: Arrival) -> None:
        if self._closed:
            raise shutting_down()
        in_flight = self._in_flight
        if len(in_flight) >= self._limit:
            raise self._busy("server", self._limit)
        full = in_flight.full(*self._owner(arrival))
        if full:
            raise self._busy(full, in_flight.share_of(full))

    def _owner(self, arrival: Arrival) -> tuple[Operation, str]:
        return self._operations.get(arrival.path, UNKNOWN), arrival.caller

    def _busy(self, holder: str, limit: int) -> RowgateError:
        return ResourceExhausted(
            f"the {holder} has its limit of {limit} calls in flight",
            reason="TOO_MANY_CALLS",
            metadata={"limit": str(limit)},
            retry_delay=self._retry_delay(),
        )
