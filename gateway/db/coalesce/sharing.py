"""The work that coalesced reads and writes have in common: callers gather, set out together, are answered."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from functools import partial
from time import monotonic
from typing import Any, Protocol

from gateway.config.settings import CoalesceSettings
from gateway.db.coalesce.figures import Figures, Tally
from gateway.db.coalesce.kinds import Args, Kind
from gateway.db.coalesce.lane import Batch, Lane, Place
from gateway.db.coalesce.pace import Pace
from gateway.db.gate import closing
from gateway.db.transaction import Row
from gateway.errors import Internal, RowgateError
from gateway.errors.delay import RetryDelay
from gateway.request.bulkheads import share_of
from gateway.request.call import Call
from gateway.sql.statement import Statement

_logger = logging.getLogger(__name__)

OF_CALLER = (RowgateError, asyncio.CancelledError, GeneratorExit)
"""What callers meet, or do, of their own: the lane is as good as before."""

_IN_VAIN = "no statement that it could share answers it in time"
_WAITED_IN_VAIN = "no statement that it could share answered it in time"


class Door(Protocol):
    """The part of gateway.db.database.Database that shared statements pass through."""

    async def fetch(self, statement: Statement, args: Sequence[Any], call: Call) -> Sequence[Row]:
        """Run one statement; return its rows."""


class Sharing(ABC):
    """Lets callers share statements, on the event loop that it is made on. `close` twice is safe.

    Args:
        door: where statements go.
        settings: the bounds.

    """

    alone_counts: bool
    """Whether the statement of a caller alone is one of the `lanes`."""

    hands_back: bool
    """Whether a caller of a batch that failed tries again on its own."""

    def __init__(self, door: Door, settings: CoalesceSettings) -> None:
        self._door = door
        self._settings = settings
        # Kept, as to ask for it costs a system call.
        self._loop = asyncio.get_running_loop()
        self._lanes: dict[tuple[Kind, str], Lane] = {}
        self._paces: dict[str, tuple[Pace, Tally]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._share = share_of(settings.max_waiting)
        self._retry_delay = RetryDelay()
        self._closed = False

    @property
    def in_use(self) -> bool:
        """Whether anything is under way or waits."""
        return bool(self._lanes or self._tasks or self._waiting)

    @property
    def figures(self) -> Sequence[Figures]:
        """What was shared since the start, by kind of statement."""
        return [tally.figures for _, tally in self._paces.values()]

    async def close(self, grace: float = 0.0) -> None:
        """Refuse who waits and who comes; what is under way has `grace` seconds to end."""
        if not self._closed:
            for figures in self.figures:
                _logger.debug("shared statements", extra={"figures": figures})
        self._closed = True
        for lane in self._lanes.values():
            _fail(lane.clear(), closing())
        self._waiting = 0
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _new_lane(self, kind: Kind, principal: str) -> Lane:
        return Lane(kind, principal, *self._pace_of(kind.name))

    def _pace_of(self, name: str) -> tuple[Pace, Tally]:
        found = self._paces.get(name)
        if found is None:
            found = (Pace(self._settings.lanes, self._settings.max_batch), Tally(name))
            self._paces[name] = found
        return found

    def _place(self, args: Args, row: Hashable, call: Call) -> Place:
        return Place(args, call, row, self._loop.create_future())

    async def _alone(self, lane: Lane, place: Place) -> Sequence[Row]:
        """Carry out in the caller's own task, in a new lane: nothing is under way that it could share."""
        try:
            statement, values = lane.kind.alone(place.args)
            self._lanes[lane.kind, lane.principal] = lane
            lane.take(place.row)
            place.holds = True
            place.sent = lane.alone = True
            lane.last_begun = self._loop.time()
            lane.tally.alone += 1
            try:
                return await self._fetched_alone(statement, values, place.call)
            finally:
                lane.alone = False
                if lane.queue or lane.refuses:
                    lane.took_alone(place, self._loop.time())
                self._move_on(lane)
        except OF_CALLER:
            raise
        except BaseException as error:
            self._give_up(lane, error)
            raise

    async def _fetched_alone(self, statement: Statement, values: Sequence[Any], call: Call) -> Sequence[Row]:
        try:
            return await self._door.fetch(statement, values, call)
        except RowgateError:
            raise
        except Exception as error:
            raise self._unexpected(sent=True) from error

    async def _shared(self, lane: Lane, place: Place) -> Any:
        """Return a caller's share of the answer to a statement that it shares."""
        self._look(lane, place.call)
        try:
            try:
                self._join(lane, place)
                return await place.answer
            except asyncio.CancelledError:
                self._leave(lane, place)
                raise
        except OF_CALLER:
            raise
        except BaseException as error:
            place.answer.cancel()
            self._give_up(lane, error)
            raise

    def _join(self, lane: Lane, place: Place) -> None:
        if not lane.queue:
            lane.waits_since = self._loop.time()
        lane.join(place)
        self._waiting += 1
        if lane.alarm is None or len(lane.queue) >= lane.pace.size:
            self._set_out(lane)

    def _look(self, lane: Lane, call: Call) -> None:
        """Raise ResourceExhausted for a call that would wait in vain."""
        most = self._settings.max_waiting
        if self._waiting >= most:
            raise self._busy(f"{most} calls wait already")
        if lane.waiting >= self._share:
            raise self._busy(f"{self._share} calls of the kind wait already")
        if call.deadline is not None and lane.is_late(call.connection, call.deadline, self._loop.time()):
            lane.refuses = True
            raise self._busy(_IN_VAIN)

    def _leave(self, lane: Lane, place: Place) -> None:
        """Drop a caller's place, or its share of a batch under way."""
        if place.queue is not None:
            lane.leave(place)
            self._waiting -= 1
        elif place.batch is not None:
            place.batch.present -= 1
            if not place.batch.present:
                self._all_left(place.batch)

    def _give_up(self, lane: Lane, error: BaseException) -> None:
        """Refuse all who wait in a lane after an error that nobody foresaw; the next call opens another.

        Nobody knows any more what the lane's records are worth. Statements under way end as they would.
        """
        _logger.error("unexpected error in shared statements: %s", lane.kind.name, exc_info=error)
        if self._lanes.get((lane.kind, lane.principal)) is lane:
            del self._lanes[lane.kind, lane.principal]
        if lane.alarm is not None:
            lane.alarm.cancel()
        _fail(lane.clear(), self._unexpected(sent=False))
        self._waiting = sum(other.waiting for other in self._lanes.values())

    def _set_out(self, lane: Lane) -> None:
        """Send a statement for those who wait, if it is time for another."""
        under_way = len(lane.under_way) + (lane.alone and self.alone_counts)
        if not lane.queue or under_way + 1 > lane.pace.limit:
            return
        now = self._loop.time()
        if lane.is_busy and len(lane.queue) < lane.pace.size:
            due = lane.last_begun + self._settings.patience
            if now < due:
                if lane.alarm is None:
                    lane.alarm = self._loop.call_at(due, self._lose_patience, lane)
                return
        batch = Batch(now)
        lane.under_way.add(batch)
        lane.last_begun = now
        batch.task = self._loop.create_task(self._carry(lane, batch))
        batch.task.add_done_callback(partial(self._ended, lane, batch))
        batch.task.add_done_callback(self._tasks.discard)
        self._tasks.add(batch.task)

    def _lose_patience(self, lane: Lane) -> None:
        try:
            lane.alarm = None
            self._set_out(lane)
        except BaseException as error:
            self._give_up(lane, error)
            raise

    def _move_on(self, lane: Lane) -> None:
        """Send the next statement after one has ended; forget the lane where there is nothing left."""
        self._set_out(lane)
        if lane.is_empty and self._lanes.get((lane.kind, lane.principal)) is lane:
            if lane.alarm is not None:
                lane.alarm.cancel()
            del self._lanes[lane.kind, lane.principal]

    async def _carry(self, lane: Lane, batch: Batch) -> None:
        """Answer those who wait now. They are taken here, when the task runs, so that others could join."""
        try:
            self._board(lane, batch)
            if batch.places:
                await self._answer(lane, batch, batch.places)
        except asyncio.CancelledError:
            self._fail(lane, batch.places, self._broken_off())
            raise
        finally:
            lane.under_way.discard(batch)
            self._move_on(lane)

    def _ended(self, lane: Lane, batch: Batch, task: "asyncio.Task[None]") -> None:
        """See to it that a batch leaves nobody behind, however its task ended."""
        # Places and batch know each other: they would wait for the garbage collector.
        places, batch.places = batch.places, ()
        lane.under_way.discard(batch)
        if task.cancelled():
            _fail(places, self._broken_off())
            self._move_on(lane)
        elif (error := task.exception()) is not None:
            _fail(places, self._unexpected(sent=batch.sent))
            self._give_up(lane, error)

    def _board(self, lane: Lane, batch: Batch) -> None:
        size, late = lane.in_time(self._loop.time())
        if late:
            lane.refuses = True
            _fail(late, self._busy(_WAITED_IN_VAIN))
            for place in late:
                self._leave(lane, place)
        self._waiting -= lane.board(batch, size)
        if not batch.places:
            return
        lane.tally.sent(len(batch.places), batch.begun - lane.waits_since)
        lane.waits_since = batch.begun
        self._set_out(lane)

    async def _answer(self, lane: Lane, batch: Batch, places: Sequence[Place]) -> None:
        """Carry out the callers' wishes and answer them, whatever happens."""
        call = places[0].call
        if len(places) > 1:
            call = Call(call.method, call.principal, batch.deadline, call.operation)
        callers = [place.args for place in places]
        batch.sent = False
        try:
            statement, args = lane.kind.together(callers)
            batch.sent = True
            weight = batch.weight if places is batch.places else len(places)
            rows = await self._timed(lane, statement, args, call, weight)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again, at the callers
            if batch.sent and not self._is_of_one(error):
                self._fail(lane, places, error)
            else:
                batch.sent = False
                await self._divide(lane, batch, places, error)
        else:
            if places is batch.places:
                lane.pace.went_well(batch.weight)
            self._settle(lane, places, lane.kind.deal(rows, callers))

    async def _divide(self, lane: Lane, batch: Batch, places: Sequence[Place], error: Exception) -> None:
        """Answer callers of whom one is to blame for the error: the others are served without it."""
        if len(places) == 1:
            self._refuse(lane, places[0], error)
            return
        lane.tally.divided += 1
        lane.pace.divided(len(places))
        middle = len(places) // 2
        for part in (places[:middle], places[middle:]):
            if len(part) == 1 and self.hands_back:
                self._refuse(lane, part[0], error)
            else:
                await self._answer(lane, batch, part)

    async def _timed(
        self, lane: Lane, statement: Statement, args: Sequence[Any], call: Call, weight: int
    ) -> Sequence[Row]:
        begun = monotonic()  # the clock of uvloop has milliseconds only
        try:
            return await self._door.fetch(statement, args, call)
        finally:
            lane.pace.took(monotonic() - begun, weight)

    def _settle(self, lane: Lane, places: Sequence[Place], answers: Sequence[Any]) -> None:  # noqa: ARG002 - writes use the lane
        """Give each caller its answer."""
        for place, answer in zip(places, answers, strict=True):
            if not place.answer.done():
                place.answer.set_result(answer)

    def _fail(self, lane: Lane, places: Iterable[Place], error: Exception) -> None:  # noqa: ARG002 - writes use the lane
        """Give the callers that have no answer yet the error."""
        _fail(places, self._foreseen(error))

    def _foreseen(self, error: Exception) -> RowgateError:
        """Return the error of a statement that was sent as its callers may hear it."""
        if isinstance(error, RowgateError):
            return error
        _logger.error("unexpected error in shared statements", exc_info=error)
        told = self._unexpected(sent=True)
        told.__cause__ = error
        return told

    @abstractmethod
    def _refuse(self, lane: Lane, place: Place, error: Exception) -> None:
        """Answer the caller that is to blame for an error."""

    @abstractmethod
    def _all_left(self, batch: Batch) -> None:
        """Decide what becomes of a statement under way that nobody waits for any more."""

    @abstractmethod
    def _is_of_one(self, error: Exception) -> bool:
        """Whether one caller is to blame for a batch, of which nothing is done: others may go without it."""

    @abstractmethod
    def _broken_off(self) -> RowgateError:
        """Return the error of callers whose statement was broken off."""

    @abstractmethod
    def _unexpected(self, *, sent: bool) -> RowgateError:
        """Return the error of callers whose statement met an error that nobody foresaw."""

    @abstractmethod
    def _busy(self, why: str) -> RowgateError:
        """Return the error of a call that would wait in vain."""


def internal() -> Internal:
    """Return the error of calls that met a fault of the gateway, and changed nothing."""
    return Internal("internal error", reason="INTERNAL")


def _fail(places: Iterable[Place], error: Exception) -> None:
    for place in places:
        if not place.answer.done():
            place.answer.set_exception(error)
