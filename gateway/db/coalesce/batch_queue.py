"""The queue of callers who wait for one kind of statement."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from itertools import chain
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from gateway.auth.principal import ANONYMOUS, Principal
from gateway.db.coalesce.batch_statements import Args, Kind
from gateway.db.coalesce.concurrency import BatchConcurrency
from gateway.db.coalesce.statistics import Outcomes
from gateway.request.calls.call import Call
from gateway.request.calls.log_position import ANYWHERE, LogPosition

if TYPE_CHECKING:
    import asyncio

Queue = OrderedDict["Place", None]
QueueKey: TypeAlias = Kind | tuple[Kind, Principal]
"""A kind of statement, and whose calls those are that may share it."""
_AMPLE = 4
"""So many times the last statement's time is enough, whatever comes."""
_turn_of = attrgetter("turn")


class Place:
    """A caller's place: what it brings, and the answer that it waits for.

    Args:
        args: what the kind's statements take.
        call: its call.
        row: names the row that it changes; None where it changes none that has a name yet.

    """

    __slots__ = ("answer", "args", "batch", "call", "holds", "queue", "row", "sent", "turn")

    def __init__(self, args: Args, call: Call, row: Hashable, answer: "asyncio.Future[Any]") -> None:
        self.args = args
        self.call = call
        self.row = row
        self.answer = answer
        self.queue: Queue | None = None
        self.batch: Batch | None = None
        self.holds = False
        """Whether the row is the caller's own, until it lets it go."""
        self.sent = False
        """Whether a statement with what it brings is sent, or about to be."""
        self.turn = 0
        """Its turn in the queue."""


class Batch:
    """Callers that share a statement.

    Args:
        begun: when it set out.

    """

    __slots__ = ("begun", "places", "present", "sent", "task", "weight")

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.places: Sequence[Place] = ()
        self.present = 0
        self.weight = 0
        """How many rows the callers ask for."""
        self.sent = False
        """Whether a statement was sent that PostgreSQL isn't known to have undone."""
        self.task: asyncio.Task[None] | None = None

    def call_of(self, places: Sequence[Place], principal: Principal | None) -> Call:
        """Return the call that the statement of some of its callers is run for.

        What is fresh enough for who asks most is so for all.
        """
        calls = [place.call for place in places]
        first, deadlines = calls[0], [place.call.deadline for place in self.places]
        of_replica = first.reads_at is not None
        return Call(
            first.method,
            principal or ANONYMOUS,
            None if None in deadlines else max(filter(None, deadlines), default=0.0),
            first.operation,
            spans=tuple(chain.from_iterable([call.spans for call in calls])),
            reads_at=_most([call.reads_at for call in calls]) if of_replica else None,
            must_hold=None if of_replica else _most([call.must_hold for call in calls]),
        )


def _most(positions: Sequence[LogPosition | None]) -> LogPosition | None:
    """Return the highest position; of several timelines that of the lowest, which the others don't hold."""
    if not any(positions):
        return None  # nearly always, of the primary
    known = [*filter(None, positions)]
    lowest, highest = min(known), max(known)
    if lowest[:2] == highest[:2]:
        return highest
    known = [one for one in known if one != ANYWHERE]
    lowest = min(known)
    return max(one for one in known if one[:2] == lowest[:2])


class BatchQueue:
    """The queue of one kind of statement, in which the connections take turns.

    A row that somebody waits to change, or changes, is taken. Who comes for it later stands behind, outside
    of the queue, until it is let go: so two changes of a row are never in one batch, and keep their order.
    """

    __slots__ = (
        "_behind",
        "_turn",
        "_turns",
        "alone",
        "boards",
        "concurrency",
        "earliest",
        "key",
        "kind",
        "last_begun",
        "opens",
        "principal",
        "queue",
        "refuses",
        "tally",
        "timer",
        "under_way",
        "waiting",
        "waits_since",
    )

    def __init__(
        self, kind: Kind, concurrency: BatchConcurrency, tally: Outcomes, principal: Principal | None = None
    ) -> None:
        self.kind = kind
        self.principal = principal
        """Whose calls these are; None where all principals share."""
        self.key: QueueKey = kind if principal is None else (kind, principal)
        """What it is found by."""
        self.concurrency = concurrency
        self.tally = tally
        self.queue: Queue = OrderedDict()
        self.under_way: set[Batch] = set()
        self.alone = False
        """Whether the statement of a caller that shares with nobody is under way."""
        self.boards = False
        """Whether a statement is about to be sent, for those who have come by then."""
        self.opens = False
        """Whether those in the queue are its first, and nothing is under way before them."""
        self.last_begun = 0.0
        """When a statement last set out."""
        self.waits_since = 0.0
        """When the queue last got its first."""
        self.timer: asyncio.TimerHandle | None = None
        self.earliest = inf
        """No deadline of those in the queue is before it."""
        self.refuses = False
        """Whether somebody was refused by the forecast: what is under way shows whether it is right."""
        self.waiting = 0
        """How many wait, in the queue and behind others."""
        self._behind: dict[Hashable, Queue] = {}
        self._turn = 0
        """Whose turn it is: no turn of who comes is before it."""
        self._turns: dict[str, int] = {}
        """The last turn that each connection has taken, where it is not over."""

    @property
    def is_busy(self) -> bool:
        """Whether a statement is under way."""
        return self.alone or bool(self.under_way)

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits, nothing is under way and no row is taken."""
        return not (self.queue or self.is_busy or self._behind)

    def take(self, row: Hashable) -> None:
        """Take a row that nobody has taken."""
        if row is not None:
            self._behind[row] = OrderedDict()

    def join(self, place: Place) -> None:
        """Let a caller wait: in the queue, or behind another that has taken its row."""
        self.waiting += 1
        behind = None if place.row is None else self._behind.get(place.row)
        if behind is None:
            self.take(place.row)
            self._queue_up(place)
        else:
            behind[place] = None
            place.queue = behind

    def _queue_up(self, place: Place) -> None:
        deadline = place.call.deadline
        if deadline is not None and deadline < self.earliest:
            self.earliest = deadline
        caller = place.call.caller
        place.turn = self._turns[caller] = self._next_turn(caller)
        self.queue[place] = None
        place.queue = self.queue

    def _next_turn(self, caller: str) -> int:
        return max(self._turns.get(caller, 0) + 1, self._turn)

    def _in_turn(self) -> list[Place]:
        """Return the queue by turns. It holds one change of a row at most: so they keep their order."""
        return sorted(self.queue, key=_turn_of)

    def _ahead_of(self, caller: str) -> int:
        """Return how many of the queue, at most, come before one more call of a caller."""
        turns = self._next_turn(caller) - self._turn + 1
        return min(len(self.queue), turns * len(self._turns))

    def took_alone(self, place: Place, now: float) -> None:
        """Note that the statement of a caller that shares with nobody has ended."""
        self.concurrency.forecast.took(self.kind.weight(place.args), now - self.last_begun)

    def is_late(self, caller: str, deadline: float, now: float) -> bool:
        """Return whether one more can't be answered by its deadline, by what waits and is under way."""
        concurrency, left = self.concurrency, deadline - now
        waiting = len(self.queue)
        forecast, at_once = concurrency.forecast, int(concurrency.limit)
        # Nearly always there is time enough, as the last statement alone can tell.
        if _AMPLE * forecast.last * (1 + waiting / forecast.last_rows) < left:
            return False
        size = int(max(1.0, min(concurrency.size, forecast.rows_in(left / 2))))
        ahead = self._ahead_of(caller)
        rounds, rest = ahead // size // at_once, ahead % size
        return self._until_free(now) + rounds * forecast.seconds(size) + forecast.seconds(rest + 1) > left

    def _until_free(self, now: float) -> float:
        """Return how long it will take until another statement may set out."""
        forecast = self.concurrency.forecast
        ends = [batch.begun + forecast.seconds(batch.weight) for batch in self.under_way]
        if self.alone:
            ends.append(self.last_begun + forecast.seconds(1))
        return max(0.0, min(ends) - now) if len(ends) >= int(self.concurrency.limit) else 0.0

    def in_time(self, now: float) -> tuple[int, list[Place]]:
        """Return for how many rows the next statement answers all its callers in time, and who is too late.

        It is to take half of the time that is left to them: to more rows it would take longer, and what was
        forecast is not what comes.
        """
        concurrency = self.concurrency
        forecast, size = concurrency.forecast, concurrency.size
        if self.earliest - now > _AMPLE * forecast.seconds(min(len(self.queue), size)):
            return size, []
        late: list[Place] = []
        weight, shortest = 0, inf
        for place in self._in_turn():
            deadline = place.call.deadline
            left = inf if deadline is None else deadline - now
            if left < forecast.seconds(1):
                late.append(place)
                continue
            more = weight + self.kind.weight(place.args)
            shortest = min(shortest, left)
            if weight and (more > size or 2 * forecast.seconds(more) > shortest):
                break
            weight = more
        return max(1, weight), late

    def leave(self, place: Place) -> None:
        """Drop the place of a caller that still waits."""
        queue = place.queue
        if queue is not None:
            del queue[place]
            place.queue = None
            self.waiting -= 1
            if queue is self.queue:
                self.let_go(place.row)

    def let_go(self, row: Hashable) -> None:
        """Let the next change of a row into the queue."""
        if row is None:
            return
        behind = self._behind[row]
        if not behind:
            del self._behind[row]
            return
        place = next(iter(behind))
        self._queue_up(place)
        del behind[place]

    def board(self, batch: Batch, size: int) -> int:
        """Let those into a batch who come first: as many as ask for `size` rows, but at least one.

        Return how many left the queue. Those who have given up in this moment let their rows go.
        """
        taken, batch.weight = self._first(size)
        # Before they leave the queue: whoever has no answer yet is found in one of the two.
        batch.places = taken
        if len(taken) == len(self.queue):
            self.queue.clear()
        else:
            for place in taken:
                del self.queue[place]
        for place in taken:
            place.queue = None
            place.batch = batch
            place.sent = True
        self.waiting -= len(taken)
        self._pass_turns(taken)
        if not self.queue:
            self.earliest = inf
        batch.places = [place for place in taken if not place.answer.done()]
        batch.present = len(batch.places)
        if batch.present < len(taken):
            self._forget(place for place in taken if place.answer.done())
        return len(taken)

    def _first(self, size: int) -> tuple[list[Place], int]:
        weigh, weight = self.kind.weight, 0
        places: list[Place] = []
        for place in self._in_turn():
            more = weight + weigh(place.args)
            if more > size and places:
                break
            weight = more
            places.append(place)
        return places, weight

    def _pass_turns(self, taken: Sequence[Place]) -> None:
        """Note whose turns are over: who comes after them need not make up for those."""
        if taken:
            self._turn = taken[-1].turn
        self._turns = {one: turn for one, turn in self._turns.items() if turn >= self._turn}

    def _forget(self, places: Iterable[Place]) -> None:
        for place in places:
            place.batch = None
            self.let_go(place.row)

    def clear(self) -> list[Place]:
        """Take everyone who waits."""
        places = [*self.queue, *(place for behind in self._behind.values() for place in behind)]
        for behind in self._behind.values():
            behind.clear()
        for place in self.queue:
            self._behind.pop(place.row, None)
        self.queue.clear()
        self._turns.clear()
        self.waiting = 0
        for place in places:
            place.queue = None
        return places
