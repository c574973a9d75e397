"""Batches of coalesced reads and writes: callers gather, share a statement, are answered."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from functools import partial
from time import monotonic
from typing import Any, Protocol

from gateway.config.settings import CoalesceSettings
from gateway.db.coalesce.batch_queue import Batch, BatchQueue, Place, QueueKey
from gateway.db.coalesce.batch_statements import Args, Kind
from gateway.db.coalesce.concurrency import BatchConcurrency
from gateway.db.coalesce.statistics import BatchStatistics, Outcomes
from gateway.db.pool.connection_limiter import closing
from gateway.db.statements.transaction import Row
from gateway.errors import Internal, RowgateError
from gateway.errors.retry_delay import RetryDelay
from gateway.request.calls.bulkheads import share_of
from gateway.request.calls.call import Call
from gateway.request.calls.log_position import LogPosition
from gateway.sql.statement import Statement

_logger = logging.getLogger(__name__)

OF_CALLER = (RowgateError, asyncio.CancelledError, GeneratorExit)
"""What callers meet, or do, of their own: the queue is as good as before."""

_IN_VAIN = "no statement that it could share answers it in time"
_WAITED_IN_VAIN = "no statement that it could share answered it in time"


class QueryExecutor(Protocol):
    """The part of gateway.db.database.Database that shared statements pass through."""

    async def fetch(self, statement: Statement, args: Sequence[Any], call: Call) -> Sequence[Row]:
        """Run one statement; return its rows."""


class Batcher(ABC):
    """Lets callers share statements, on the event loop that it is made on. `close` twice is safe.

    Args:
        executor: where statements go.
        settings: the bounds.
        apart: whether each principal's calls share among themselves alone, as their statements run by a role
            of theirs.
        gate: is passed by each caller first, while there is a primary; None where nobody has to wait for one.

    """

    alone_counts: bool
    """Whether the statement of a caller alone is one of the `max_concurrent_batches`."""

    hands_back: bool
    """Whether a caller of a batch that failed tries again on its own."""

    def __init__(
        self,
        executor: QueryExecutor,
        settings: CoalesceSettings,
        *,
        apart: bool = False,
        gate: Callable[[Call], Awaitable[None]] | None = None,
    ) -> None:
        self._executor = executor
        self._gate = gate
        self._apart = apart
        self._settings = settings
        # Kept, as to ask for it costs a system call.
        self._loop = asyncio.get_running_loop()
        self._queues: dict[QueueKey, BatchQueue] = {}
        self._concurrencies: dict[str, tuple[BatchConcurrency, Outcomes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._share = share_of(settings.max_waiting)
        self._retry_delay = RetryDelay()
        self._closed = False

    @property
    def in_use(self) -> bool:
        """Whether anything is under way or waits."""
        return bool(self._queues or self._tasks or self._waiting)

    @property
    def figures(self) -> Sequence[BatchStatistics]:
        """What was shared since the start, by kind of statement."""
        return [tally.figures for _, tally in self._concurrencies.values()]

    async def close(self, grace: float = 0.0) -> None:
        """Refuse who waits and who comes; what is under way has `grace` seconds to end."""
        if not self._closed:
            for figures in self.figures:
                _logger.debug("shared statements", extra={"figures": figures})
        self._closed = True
        for queue in self._queues.values():
            _fail(queue.clear(), closing())
        self._waiting = 0
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _queue_of(self, kind: Kind, call: Call) -> tuple[BatchQueue, bool]:
        """Return the queue of a kind of statement, and whether a call goes alone: nobody is there.

        Nor are others about to come with it, as far as those before it tell.
        """
        queue = self._queues.get((kind, call.principal) if self._apart else kind)
        if queue is not None:
            return queue, False
        queue = BatchQueue(kind, *self._pace_of(kind.name), call.principal if self._apart else None)
        return queue, not queue.concurrency.come_together

    def _pace_of(self, name: str) -> tuple[BatchConcurrency, Outcomes]:
        found = self._concurrencies.get(name)
        if found is None:
            found = (
                BatchConcurrency(self._settings.max_concurrent_batches, self._settings.max_batch_size),
                Outcomes(name),
            )
            self._concurrencies[name] = found
        return found

    def _place(self, args: Args, row: Hashable, call: Call) -> Place:
        return Place(args, call, row, self._loop.create_future())

    async def _alone(self, queue: BatchQueue, place: Place) -> Sequence[Row]:
        """Carry out in the caller's own task, in a new queue: nothing is under way that it could share."""
        try:
            statement, values = queue.kind.alone(place.args)
            self._queues[queue.key] = queue
            queue.take(place.row)
            place.holds = True
            place.sent = queue.alone = True
            queue.last_begun = self._loop.time()
            queue.tally.alone += 1
            try:
                return await self._fetched_alone(statement, values, place.call)
            finally:
                queue.alone = False
                queue.concurrency.come_together = bool(queue.queue)
                if queue.queue or queue.refuses:
                    queue.took_alone(place, self._loop.time())
                self._move_on(queue)
        except OF_CALLER:
            raise
        except BaseException as error:
            self._give_up(queue, error)
            raise

    async def _fetched_alone(self, statement: Statement, values: Sequence[Any], call: Call) -> Sequence[Row]:
        try:
            return await self._executor.fetch(statement, values, call)
        except RowgateError:
            raise
        except Exception as error:
            raise self._unexpected(sent=True) from error

    def _stop(self, queue: BatchQueue, place: Place, error: BaseException) -> None:
        """Drop a caller that waits, after it was cancelled; give up the queue after what nobody foresaw."""
        unforeseen = None if isinstance(error, OF_CALLER) else error
        try:
            if isinstance(error, asyncio.CancelledError):
                self._leave(queue, place)
        except BaseException as another:
            unforeseen = another
            raise
        finally:
            if unforeseen is not None:
                place.answer.cancel()
                self._give_up(queue, unforeseen)

    def _join(self, queue: BatchQueue, place: Place) -> None:
        if not queue.queue:
            queue.waits_since = self._loop.time()
            if not queue.is_busy:
                self._queues[queue.key] = queue
                queue.opens = True
        queue.join(place)
        self._waiting += 1
        if not queue.boards and (queue.timer is None or len(queue.queue) >= queue.concurrency.size):
            self._set_out(queue)

    def _look(self, queue: BatchQueue, call: Call) -> None:
        """Raise ResourceExhausted for a call that would wait in vain."""
        most = self._settings.max_waiting
        if self._waiting >= most:
            raise self._busy(f"{most} calls wait already")
        if queue.waiting >= self._share:
            raise self._busy(f"{self._share} calls of the kind wait already")
        if call.deadline is not None and queue.is_late(call.caller, call.deadline, self._loop.time()):
            queue.refuses = True
            raise self._busy(_IN_VAIN)

    def _leave(self, queue: BatchQueue, place: Place) -> None:
        """Drop a caller's place, or its share of a batch under way."""
        if place.queue is not None:
            queue.leave(place)
            self._waiting -= 1
        elif place.batch is not None:
            place.batch.present -= 1
            if not place.batch.present:
                self._all_left(place.batch)

    def _give_up(self, queue: BatchQueue, error: BaseException) -> None:
        """Refuse all who wait in a queue after an error that nobody foresaw; the next call opens another.

        Nobody knows any more what the queue's records are worth. Statements under way end as they would.
        """
        _logger.error("unexpected error in shared statements: %s", queue.kind.name, exc_info=error)
        if self._queues.get(queue.key) is queue:
            del self._queues[queue.key]
        if queue.timer is not None:
            queue.timer.cancel()
        _fail(queue.clear(), self._unexpected(sent=False))
        self._waiting = sum(other.waiting for other in self._queues.values())

    def _set_out(self, queue: BatchQueue) -> None:
        """Send a statement for those who wait, if it is time for another."""
        under_way = len(queue.under_way) + (queue.alone and self.alone_counts)
        if not queue.queue or queue.boards or under_way + 1 > queue.concurrency.limit:
            return
        now = self._loop.time()
        if queue.is_busy and len(queue.queue) < queue.concurrency.size:
            due = queue.last_begun + self._settings.max_delay
            if now < due:
                if queue.timer is None:
                    queue.timer = self._loop.call_at(due, self._stop_waiting, queue)
                return
        batch = Batch(now)
        queue.boards = True
        queue.under_way.add(batch)
        queue.last_begun = now
        batch.task = self._loop.create_task(self._carry(queue, batch))
        batch.task.add_done_callback(partial(self._ended, queue, batch))
        batch.task.add_done_callback(self._tasks.discard)
        self._tasks.add(batch.task)

    def _stop_waiting(self, queue: BatchQueue) -> None:
        try:
            queue.timer = None
            self._set_out(queue)
        except BaseException as error:
            self._give_up(queue, error)
            raise

    def _move_on(self, queue: BatchQueue) -> None:
        """Send the next statement after one has ended; forget the queue where there is nothing left."""
        self._set_out(queue)
        if queue.is_empty and self._queues.get(queue.key) is queue:
            if queue.timer is not None:
                queue.timer.cancel()
            del self._queues[queue.key]

    async def _carry(self, queue: BatchQueue, batch: Batch) -> None:
        """Answer those who wait now. They are taken here, when the task runs, so that others could join."""
        try:
            self._board(queue, batch)
            if batch.places:
                await self._answer(queue, batch, batch.places)
        except asyncio.CancelledError:
            self._fail(queue, batch.places, self._broken_off())
            raise
        finally:
            queue.under_way.discard(batch)
            self._move_on(queue)

    def _ended(self, queue: BatchQueue, batch: Batch, task: "asyncio.Task[None]") -> None:
        """See to it that a batch leaves nobody behind, however its task ended."""
        # Places and batch know each other: they would wait for the garbage collector.
        places, batch.places = batch.places, ()
        queue.under_way.discard(batch)
        if task.cancelled():
            queue.boards = False  # it may never have begun
            _fail(places, self._broken_off())
            self._move_on(queue)
        elif (error := task.exception()) is not None:
            _fail(places, self._unexpected(sent=batch.sent))
            self._give_up(queue, error)

    def _board(self, queue: BatchQueue, batch: Batch) -> None:
        queue.boards = False
        size, late = queue.in_time(self._loop.time())
        if late:
            queue.refuses = True
            _fail(late, self._busy(_WAITED_IN_VAIN))
            for place in late:
                self._leave(queue, place)
        self._waiting -= queue.board(batch, size)
        if queue.opens:
            queue.opens = False
            queue.concurrency.come_together = len(batch.places) > 1
        if not batch.places:
            return
        queue.tally.sent(len(batch.places), batch.begun - queue.waits_since)
        queue.waits_since = batch.begun
        self._set_out(queue)

    async def _answer(self, queue: BatchQueue, batch: Batch, places: Sequence[Place]) -> None:
        """Run the callers' statement and answer them, whatever happens."""
        call = places[0].call if len(places) == 1 else batch.call_of(places, queue.principal)
        callers = [place.args for place in places]
        batch.sent = False
        try:
            statement, args = queue.kind.together(callers)
            if statement.audited is not None and len(places) > 1:
                call.sharing = tuple([place.call for place in places])
            batch.sent = True
            weight = batch.weight if places is batch.places else len(places)
            rows = await self._timed(queue, statement, args, call, weight)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again, at the callers
            if batch.sent and not self._is_of_one(error):
                self._fail(queue, places, error)
            else:
                batch.sent = False
                await self._divide(queue, batch, places, error)
        else:
            if places is batch.places:
                queue.concurrency.went_well(batch.weight)
            if call.written is not None:
                _tell_position(places, call.written)
            self._settle(queue, places, queue.kind.deal(rows, callers))

    async def _divide(
        self, queue: BatchQueue, batch: Batch, places: Sequence[Place], error: Exception
    ) -> None:
        """Answer callers of whom one is to blame for the error: the others are served without it."""
        if len(places) == 1:
            self._refuse(queue, places[0], error)
            return
        queue.tally.divided += 1
        queue.concurrency.divided(len(places))
        middle = len(places) // 2
        for part in (places[:middle], places[middle:]):
            if len(part) == 1 and self.hands_back:
                self._refuse(queue, part[0], error)
            else:
                await self._answer(queue, batch, part)

    async def _timed(
        self, queue: BatchQueue, statement: Statement, args: Sequence[Any], call: Call, weight: int
    ) -> Sequence[Row]:
        begun = monotonic()  # the clock of uvloop has milliseconds only
        try:
            return await self._executor.fetch(statement, args, call)
        finally:
            queue.concurrency.took(monotonic() - begun, weight)

    def _settle(self, queue: BatchQueue, places: Sequence[Place], answers: Sequence[Any]) -> None:  # noqa: ARG002 - writes use the queue
        """Give each caller its answer."""
        for place, answer in zip(places, answers, strict=True):
            if not place.answer.done():
                place.answer.set_result(answer)

    def _fail(self, queue: BatchQueue, places: Iterable[Place], error: Exception) -> None:  # noqa: ARG002 - writes use the queue
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
    def _refuse(self, queue: BatchQueue, place: Place, error: Exception) -> None:
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
    """Return the error of calls that met an internal error of the gateway, and changed nothing."""
    return Internal("internal error", reason="INTERNAL")


def _tell_position(places: Iterable[Place], written: LogPosition) -> None:
    for place in places:
        place.call.written = written


def _fail(places: Iterable[Place], error: Exception) -> None:
    for place in places:
        if not place.answer.done():
            place.answer.set_exception(error)
