"""The limiter of connections: it bounds how many are in use, and admits calls that can finish in time."""

import asyncio
from math import inf
from time import monotonic

from gateway.db.pool.connection_queue import Flow, Permit, Waiter, Waiting, owner
from gateway.errors import ResourceExhausted, Unavailable
from gateway.observe.metrics.figures import SECONDS, Distribution
from gateway.request.calls.bulkheads import Bulkheads, Operation, share_of_connection
from gateway.request.calls.call import Call

_TICK = 0.01
_IN_TIME = "by the call's deadline"
OWN = Call("")
"""The gateway's own work: no share of the permits bounds it."""


class ConnectionLimiter:
    """Hands out permits, one per connection.

    So a busy pool can be told from a server that is away: behind this limiter, waiting means connecting.

    Who comes when all are out waits, unless that is in vain: what stands before it, by the time that its kind
    has taken lately, and its own time, have to fit into what is left of its deadline. Where somebody has been
    waiting for `max_queue_delay` without a break, more comes than is answered, and nobody waits longer than
    that. Until then a burst waits for as long as `timeout`, whatever is expected: that is learnt from others'
    calls. So the queue is short, and is first come, first served: newest first would answer no more (decision
    24).

    Args:
        permits: how many may be out at once; a share for one table, caller or kind of method.
        queue_size: how many may wait.
        timeout: seconds that one waits.
        max_queue_delay: seconds that one waits while more comes than is answered.

    """

    def __init__(self, permits: int, queue_size: int, timeout: float, max_queue_delay: float = 5.0) -> None:
        self._permits = permits
        self._free = permits
        self._queue_size = queue_size
        self._timeout = timeout
        self._queue_delay = max_queue_delay
        self._loop = asyncio.get_running_loop()
        self._bulkheads = Bulkheads[Permit](permits, owner)
        self._queue_shares = Bulkheads[Waiter](queue_size, owner, share_of_connection(queue_size))
        self._waiting = Waiting(self._bulkheads)
        self._flows: dict[Operation, Flow] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = inf
        self._closed = False
        self._drained = asyncio.Event()
        self.waits = Distribution(SECONDS)
        """How long those waited who got a permit."""
        self.refused = 0
        """How many got none, or none in time."""

    @property
    def free(self) -> int:
        """Permits that are not out."""
        return self._free

    @property
    def out(self) -> int:
        """Permits that are."""
        return self._permits - self._free

    @property
    def waiting(self) -> int:
        """Calls in the queue."""
        return len(self._waiting)

    def is_overloaded(self, operation: Operation) -> bool:
        """Return whether more comes of an operation than is answered."""
        flow = self._flows.get(operation)
        return flow is not None and flow.stands_for(monotonic()) > self._queue_delay

    async def enter(self, call: Call = OWN) -> Permit:
        """Take a permit; raises ResourceExhausted where none comes free in time, Unavailable once closed."""
        if self._closed:
            raise closing()
        flow = self._flows.get(call.operation) or self._add(call.operation)
        # While one is free, nobody waits who may have it.
        if self._free and self._waiting.may_start(flow, call.caller):
            self.waits.counts[0] += 1
            return self._grant(flow, call.caller, call.size)
        begun = monotonic()
        permit = await self._wait(flow, call)
        self.waits.add(monotonic() - begun)
        return permit

    def leave(self, permit: Permit) -> None:
        """Give a permit back: to those whose turn it is."""
        flow = permit.flow
        flow.held -= 1
        self._bulkheads.give_back(permit)
        self._free += 1
        if permit.broken_off:
            # What comes after is PostgreSQL's time to cancel, and the rows' that nobody wants any more.
            flow.took_at_least(permit.broken_off - permit.since, permit.size)
        elif permit.since:
            flow.took(monotonic() - permit.since, permit.size)
        if self._waiting:
            self._hand_on()
        if self._closed:
            self._note_drained()

    def close(self) -> None:
        """Refuse whoever waits, and whoever comes."""
        self._closed = True
        self._note_drained()
        for waiter in list(self._waiting):
            self._send_away(waiter, closing())

    async def drained(self) -> None:
        """Wait, once closed, until all permits are back."""
        await self._drained.wait()

    def _note_drained(self) -> None:
        if self._free == self._permits:
            self._drained.set()

    def _add(self, operation: Operation) -> Flow:
        most = self._bulkheads.share if operation.kind else self._permits
        self._flows[operation] = flow = Flow(operation, most)
        return flow

    def _grant(self, flow: Flow, caller: str, size: int) -> Permit:
        self._free -= 1
        flow.held += 1
        permit = Permit(flow, caller, size)
        self._bulkheads.take(permit)
        return permit

    def _hand_on(self) -> None:
        """Give what is free to those whose turn it is, and who have the time to use it."""
        now = monotonic()
        while self._free and (waiter := self._waiting.next()) is not None:
            self._queue_shares.give_back(waiter)
            if waiter.future.done():
                continue
            if waiter.is_late(now):
                waiter.future.set_exception(self._came_too_late(waiter, now))
            else:
                waiter.future.set_result(self._grant(waiter.flow, waiter.caller, waiter.size))

    async def _wait(self, flow: Flow, call: Call) -> Permit:
        latest, bound = self._look(flow, call)
        waiter = Waiter(flow, call, latest, self._loop.create_future(), bound)
        self._waiting.add(waiter)
        self._queue_shares.take(waiter)
        self._wake_at(latest)
        try:
            return await waiter.future
        except BaseException:
            self._stop_waiting(waiter)
            raise

    def _look(self, flow: Flow, call: Call) -> tuple[float, str]:
        """Return until when a call can wait, and what says so; raises ResourceExhausted for one in vain."""
        now = monotonic()
        if len(self._waiting) >= self._queue_size:
            raise self._exhausted(flow, f"{self._queue_size} calls wait for a connection already")
        full = self._queue_shares.full(flow.operation, call.caller)
        if full:
            share = self._queue_shares.share_of(full)
            raise self._exhausted(flow, f"{share} calls of the {full} wait for a connection already")
        latest, bound = self._bound(flow, call, now)
        # In a burst nobody is refused for what is only expected, unless the deadline is near.
        counts = bound == _IN_TIME or flow.stands_for(now) > self._queue_delay
        if counts and now + self._waiting.seconds_before(flow, call.caller, self._permits) > latest:
            raise self._exhausted(flow, f"no connection comes free {bound}")
        return latest, bound

    def _bound(self, flow: Flow, call: Call, now: float) -> tuple[float, str]:
        """Return until when a call can wait, and what says so."""
        latest, bound = now + self._timeout, f"within acquire_timeout ({self._timeout:g} s)"
        if flow.stands_for(now) > self._queue_delay:
            longest = max(self._queue_delay, flow.seconds)
            if longest < self._timeout:
                latest, bound = now + longest, f"within max_queue_delay ({self._queue_delay:g} s)"
        if call.deadline is not None:
            by_deadline = call.deadline - flow.expected(call.size)
            if by_deadline < latest:
                return by_deadline, _IN_TIME
        return latest, bound

    def _wake_at(self, when: float) -> None:
        if when < self._wakes_at:
            if self._timer is not None:
                self._timer.cancel()
            self._wakes_at = when
            self._timer = self._loop.call_at(when, self._send_late_away)

    def _send_late_away(self) -> None:
        """Refuse those whom a permit would reach too late."""
        now = monotonic()
        self._timer, self._wakes_at = None, inf
        for waiter in [waiter for waiter in self._waiting if waiter.latest <= now]:
            self._send_away(waiter, self._came_too_late(waiter, now))
        if self._waiting:
            # However many there are, and however close to each other: looked through once a tick.
            self._wake_at(max(now + _TICK, min(waiter.latest for waiter in self._waiting)))

    def _send_away(self, waiter: Waiter, error: Exception) -> None:
        self._waiting.remove(waiter)
        self._queue_shares.give_back(waiter)
        if not waiter.future.done():
            waiter.future.set_exception(error)

    def _stop_waiting(self, waiter: Waiter) -> None:
        """Leave the queue; a permit that was handed over in the same moment goes to the next."""
        if self._waiting.remove(waiter):
            self._queue_shares.give_back(waiter)
            return
        future = waiter.future
        if not future.cancelled() and future.exception() is None:
            self.leave(future.result())

    def _came_too_late(self, waiter: Waiter, now: float) -> ResourceExhausted:
        """Return the error of a call that has waited, which operators can tell from one that hasn't."""
        bound = waiter.bound if waiter.latest <= now else _IN_TIME
        return self._exhausted(waiter.flow, f"no connection came free {bound}")

    def _exhausted(self, flow: Flow, what: str) -> ResourceExhausted:
        self.refused += 1
        return ResourceExhausted(
            f"the gateway is busy: {what}",
            reason="POOL_EXHAUSTED",
            metadata={"pool_size": str(self._permits)},
            retry_delay=flow.retry_delay(),
        )


def closing() -> Unavailable:
    """Return the error of a call that came, or waited, when the gateway shut down."""
    return Unavailable("the gateway is shutting down", reason="SHUTTING_DOWN", retry_delay=1.0)
