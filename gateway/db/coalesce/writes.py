"""Writes of single rows that arrive together."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from asyncpg import DataError

from gateway.db.coalesce.batch_queue import Batch, BatchQueue, Place
from gateway.db.coalesce.batch_statements import Args, RowWrite
from gateway.db.coalesce.batching import OF_CALLER, Batcher, internal
from gateway.db.driver_errors import is_connection_lost, is_of_a_policy, sqlstate_of
from gateway.db.pool.connection_limiter import closing
from gateway.db.statements.commit_outcome import outcome_unknown
from gateway.db.statements.transaction import Row
from gateway.errors import (
    DeadlineExceeded,
    OutcomeUnknown,
    PermissionDenied,
    ResourceExhausted,
    RowgateError,
    Unavailable,
)
from gateway.request.calls.call import Call

T = TypeVar("T")

# No row is to blame for these, or nobody knows whether something was written.
_OF_ALL = (DeadlineExceeded, OutcomeUnknown, PermissionDenied, ResourceExhausted, Unavailable)

# Each part of the batch would wait as long again.
_LOCK_TIMEOUT = "55P03"


class RequestedWrite(NamedTuple):
    """One caller's change of one row.

    Args:
        write: the kind of write.
        args: the arguments of its single statement.
        row: the identity of its key (gateway.schema.identity); None where that isn't known yet.

    """

    write: RowWrite
    args: Args
    row: Hashable


class RowWrites(Batcher):
    """Writes of single rows, shared by all methods (the contract stands in gateway.db.coalesce)."""

    # It may wait for another transaction's row, which must not keep the others from theirs.
    alone_counts = False
    hands_back = True

    async def write(
        self,
        requested_write: RequestedWrite,
        call: Call,
        answer: Callable[[Row], T],
        otherwise: Callable[[], Awaitable[T]],
    ) -> T:
        """Return the answer made of the changed row, or what `otherwise` returns where nothing was changed.

        Until `otherwise` has ended, nobody else changes the row by the same kind of write.

        Args:
            requested_write: the change.
            call: the caller's.
            answer: makes the answer.
            otherwise: finds out what stands in the way, and waits for it where it passes.

        Raises what the executor raises, ResourceExhausted where too many wait, and Unavailable once closed.

        """
        if self._closed:
            raise closing()
        if self._gate is not None:
            await self._gate(call)
        if not (self._settings.writes and requested_write.write.is_shared):
            rows = await self._executor.fetch(*requested_write.write.alone(requested_write.args), call)
            return answer(rows[0]) if rows else await self._undone(call, otherwise)
        queue, goes_alone = self._queue_of(requested_write.write, call)
        place = self._place(requested_write.args, requested_write.row, call)
        try:
            try:
                if goes_alone:
                    row = next(iter(await self._alone(queue, place)), None)
                else:
                    row = await self._shared(queue, place)
                if row is not None:
                    return answer(row)
            except OF_CALLER:
                raise
            except Exception as error:
                raise self._unexpected(sent=place.sent) from error
            return await self._undone(call, otherwise)
        finally:
            try:
                if place.holds:
                    self._release(queue, place)
            except Exception as error:  # noqa: BLE001 - what the caller was told stands all the same
                self._give_up(queue, error)

    async def _shared(self, queue: BatchQueue, place: Place) -> Any:
        """Return a caller's share of the answer to a statement that it shares."""
        self._look(queue, place.call)
        try:
            self._join(queue, place)
            return await place.answer
        except BaseException as error:
            self._stop(queue, place, error)
            raise

    async def _undone(self, call: Call, otherwise: Callable[[], Awaitable[T]]) -> T:
        """Return what `otherwise` returns: the statement changed nothing, or what it changed is undone."""
        call.unsettled = False
        return await otherwise()

    def _release(self, queue: BatchQueue, place: Place) -> None:
        place.holds = False
        queue.let_go(place.row)
        self._move_on(queue)

    def _settle(self, queue: BatchQueue, places: Sequence[Place], answers: Sequence[Any]) -> None:
        for place, row in zip(places, answers, strict=True):
            place.batch = None
            if place.answer.done():
                queue.let_go(place.row)
                continue
            place.holds = row is None
            place.answer.set_result(row)
            if row is not None:
                queue.let_go(place.row)

    def _refuse(self, queue: BatchQueue, place: Place, error: Exception) -> None:  # noqa: ARG002 - the caller meets its own
        """Hand the write back: the caller's own statement says best what is wrong with it."""
        self._settle(queue, [place], [None])

    def _fail(self, queue: BatchQueue, places: Iterable[Place], error: Exception) -> None:
        left = [place for place in places if place.batch is not None]
        super()._fail(queue, left, error)
        for place in left:
            place.batch = None
            queue.let_go(place.row)

    def _leave(self, queue: BatchQueue, place: Place) -> None:
        # What was sent runs on.
        place.call.unsettled = place.call.unsettled or place.sent
        if place.sent and place.batch is not None:
            place.call.left = place.batch.task
        super()._leave(queue, place)

    def _all_left(self, batch: Batch) -> None:
        """Let it run on: breaking it off would save little, and leave in doubt what was written."""

    def _is_of_one(self, error: Exception) -> bool:
        if is_of_a_policy(error):
            return True
        if isinstance(error, _OF_ALL):
            return False
        if isinstance(error.__cause__, DataError):
            return True  # the driver can't encode a value: nothing was sent
        state = sqlstate_of(error)
        # Where the server answers, it has undone the whole statement.
        return bool(state) and state != _LOCK_TIMEOUT and not is_connection_lost(error)

    def _broken_off(self) -> RowgateError:
        return outcome_unknown()

    def _unexpected(self, *, sent: bool) -> RowgateError:
        return outcome_unknown() if sent else internal()

    def _busy(self, why: str) -> RowgateError:
        return ResourceExhausted(
            f"the gateway is busy with writes: {why}",
            reason="TOO_MANY_WRITES",
            metadata={"limit": str(self._settings.max_waiting)},
            retry_delay=self._retry_delay(),
        )
