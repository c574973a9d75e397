"""The queue for connections: a line for each operation and caller, served in turn."""

from collections import OrderedDict
from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING

from gateway.db.pool.adaptive_limit import Gradient
from gateway.db.pool.duration_forecast import Forecast
from gateway.errors.retry_delay import RetryDelay
from gateway.request.calls.bulkheads import UNKNOWN, Bulkheads, Operation
from gateway.request.calls.call import Call

if TYPE_CHECKING:
    import asyncio

_SMOOTHING = 1 / 8
_MEMORY = 1 / 256
_MEMORY_OF_SECOND = 1 / 10
_LARGEST_STEP = 4.0
"""One time counts for no more than so many times the recent ones: a statement that hung says little."""
_OF_ANY_SIZE = frozenset(
    {
        *("BATCH_GET", "BATCH_CREATE", "BATCH_UPDATE", "BATCH_DELETE"),
        *("BULK_UPSERT", "INGEST", "STREAM", "UPDATE_BY_FILTER", "DELETE_BY_FILTER"),
        *("SQL", "TRANSACT", "SESSION", "HANDLER"),
    }
)
"""Kinds of methods whose calls are as large as their callers make them: one that takes longer than those
before it says nothing of the database."""
_SIZED = frozenset({"BATCH_GET", "BATCH_CREATE", "BATCH_UPDATE", "BATCH_DELETE", "BULK_UPSERT"})
"""Those whose requests tell how large a call is."""


class Permit:
    """The right to one connection.

    Args:
        flow: its operation's.
        caller: whose it is.
        size: of the call.

    """

    __slots__ = ("broken_off", "caller", "flow", "since", "size")

    def __init__(self, flow: "Flow", caller: str, size: int = 0) -> None:
        self.flow = flow
        self.caller = caller
        self.size = size
        self.since = 0.0
        """When its connection was acquired; 0 where it never was."""
        self.broken_off = 0.0
        """When its call was cancelled in the middle of a statement; 0 where none was."""


def owner(one: "Permit | Waiter") -> tuple[Operation, str]:
    """Return whose permit, or whose place in the queue, it is."""
    return one.flow.operation, one.caller


class Waiter:
    """A call in the queue.

    Args:
        flow: its operation's.
        caller: whose it is.
        deadline: its caller's; None without.
        latest: when a permit comes too late for it.
        bound: what says so, in words.

    """

    __slots__ = ("bound", "caller", "deadline", "flow", "future", "latest", "since", "size")

    def __init__(
        self,
        flow: "Flow",
        call: Call,
        latest: float,
        future: "asyncio.Future[Permit]",
        bound: str = "",
    ) -> None:
        self.flow = flow
        self.caller = call.caller
        self.deadline = call.deadline
        self.size = call.size
        self.latest = latest
        self.bound = bound
        self.future = future
        self.since = monotonic()

    def is_late(self, now: float) -> bool:
        """Return whether a permit comes too late, by what is known of the operation's time by now."""
        deadline = self.deadline
        return self.latest < now or (deadline is not None and deadline - self.flow.expected(self.size) < now)


Line = OrderedDict[Waiter, None]
_ANY = ""
"""A caller of whom nothing is known: it has no share that could be full."""


class Flow:
    """The calls of one operation: how long they take, how many hold a permit, and who waits for one.

    Args:
        operation: what they do.
        most: how many of them may hold a permit.

    """

    __slots__ = (
        "_forecast",
        "_gradient",
        "_learns_limit",
        "_most",
        "deviation",
        "held",
        "lines",
        "operation",
        "retry_delay",
        "standing_since",
        "waiting",
    )

    def __init__(self, operation: Operation, most: int) -> None:
        self.operation = operation
        self._most = most
        self._learns_limit = operation is not UNKNOWN and operation.kind not in _OF_ANY_SIZE
        self._gradient = Gradient(
            most, smoothing=_SMOOTHING, memory=_MEMORY, memory_of_second=_MEMORY_OF_SECOND
        )
        self._forecast = Forecast() if operation.kind in _SIZED else None
        self.deviation = 0.0
        """From what is expected; a part of that for calls of any size."""
        self.held = 0
        self.waiting = 0
        self.lines: OrderedDict[str, Line] = OrderedDict()
        self.standing_since = 0.0
        """When somebody last came to wait where nobody did."""
        self.retry_delay = RetryDelay()

    @property
    def limit(self) -> int:
        """How many may hold a permit now."""
        return int(self._gradient.limit) if self._learns_limit else self._most

    @property
    def seconds(self) -> float:
        """The time that a permit has been held for lately."""
        return self._gradient.recent

    def expected(self, size: int) -> float:
        """Return the time that a call has to allow for its own statement."""
        if self._forecast is None:
            return self._gradient.recent + 2 * self.deviation
        return self._forecast.seconds(size) * (1 + 2 * self.deviation)

    def took(self, seconds: float, size: int) -> None:
        """Note how long a permit was held for."""
        if self.operation.at_clients_pace:  # which says nothing of the next one
            return
        if self._forecast is not None:
            self._learn(self._forecast, seconds, size)
            self._gradient.took(seconds)
            return
        recent = self._gradient.recent or seconds
        seconds = min(seconds, _LARGEST_STEP * recent)
        self.deviation += _SMOOTHING * (abs(seconds - recent) - self.deviation)
        self._gradient.took(seconds)

    def took_at_least(self, seconds: float, size: int) -> None:
        """Note for how long a permit was held by a call that was cancelled: its statement would have gone on.

        A time that is less than what is expected says nothing; a call that is out of time says more.
        """
        usual = self._gradient.recent if self._forecast is None else self._forecast.seconds(size)
        if seconds > usual:
            self.took(seconds, size)

    def _learn(self, forecast: Forecast, seconds: float, size: int) -> None:
        """Fit the line through the times of calls by their sizes."""
        expected = forecast.seconds(size)
        if expected:
            seconds = min(seconds, _LARGEST_STEP * expected)
            self.deviation += _SMOOTHING * (abs(seconds / expected - 1) - self.deviation)
        forecast.took(size, seconds)

    def ahead_of(self, caller: str) -> int:
        """Return how many of those who wait come before one more call of a caller, by turns."""
        line = self.lines.get(caller)
        turns = len(line) if line else 0
        others = len(self.lines) - (line is not None)
        return min(self.waiting, turns + others * (turns + 1))

    def stands_for(self, now: float) -> float:
        """Return for how long somebody has been waiting without a break."""
        return now - self.standing_since if self.waiting else 0.0


class Waiting:
    """All who wait. Flows take turns, and within a flow the callers; a line is first come, first served.

    Args:
        bulkheads: who holds the permits.

    """

    def __init__(self, bulkheads: Bulkheads[Permit]) -> None:
        self._bulkheads = bulkheads
        self._flows: OrderedDict[Flow, None] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Waiter]:
        for flow in self._flows:
            for line in flow.lines.values():
                yield from line

    def add(self, waiter: Waiter) -> None:
        """Let one wait."""
        flow = waiter.flow
        if not flow.waiting:
            flow.standing_since = waiter.since
            self._flows[flow] = None
        flow.waiting += 1
        self._count += 1
        flow.lines.setdefault(waiter.caller, OrderedDict())[waiter] = None

    def remove(self, waiter: Waiter) -> bool:
        """Let one wait no more; return whether it did."""
        flow = waiter.flow
        line = flow.lines.get(waiter.caller)
        if line is None or waiter not in line:
            return False
        del line[waiter]
        flow.waiting -= 1
        self._count -= 1
        if not line:
            del flow.lines[waiter.caller]
        if not flow.waiting:
            del self._flows[flow]
        return True

    def may_start(self, flow: Flow, caller: str) -> bool:
        """Return whether the bulkheads, and the flow's own limit, leave a call a permit."""
        return flow.held < flow.limit and not self._bulkheads.full(flow.operation, caller)

    def next(self) -> Waiter | None:
        """Take out whose turn it is; None where no one may start.

        No more than one caller can be full, as a share is more than half: so few are passed over, and
        where the table, the kind or the flow is, none of its callers is looked at.
        """
        for flow in self._flows:
            if not self.may_start(flow, _ANY):
                continue
            for caller, line in flow.lines.items():
                if self.may_start(flow, caller):
                    waiter = next(iter(line))
                    flow.lines.move_to_end(caller)
                    self._flows.move_to_end(flow)
                    self.remove(waiter)
                    return waiter
        return None

    def seconds_before(self, flow: Flow, caller: str, permits: int) -> float:
        """Return how long one more is expected to wait: what comes before it, by the time that it takes."""
        ahead = flow.ahead_of(caller)
        own = (ahead + 1) * flow.seconds
        others = sum(
            min(other.waiting, ahead + 1) * other.seconds for other in self._flows if other is not flow
        )
        usable = min(flow.limit, self._bulkheads.share) if flow.operation is not UNKNOWN else permits
        return max(own / usable, (own + others) / permits)
