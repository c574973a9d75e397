"""Reads of rows by key that arrive together."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, overload

from gateway.config.settings import CoalesceSettings
from gateway.db.coalesce.batch_queue import Batch, BatchQueue, Place
from gateway.db.coalesce.batch_statements import Args, KeyRead, KeysRead
from gateway.db.coalesce.batching import Batcher, QueryExecutor, internal
from gateway.db.coalesce.handover import Handover
from gateway.db.pool.connection_limiter import closing
from gateway.db.statements.transaction import Row
from gateway.errors import (
    Aborted,
    DeadlineExceeded,
    PermissionDenied,
    ResourceExhausted,
    RowgateError,
    Unavailable,
)
from gateway.errors.sqlstate import MISMATCH
from gateway.request.calls.call import Call

# What no key is to blame for: reading again without some of the keys would not help the others.
_OF_ALL = (Aborted, DeadlineExceeded, PermissionDenied, ResourceExhausted, Unavailable)


class Elsewhere(Protocol):
    """Answers reads that may be answered elsewhere, where they fail."""

    def answered(self) -> None:
        """Take note of a read that didn't."""

    async def failed(self, error: RowgateError, read: KeyRead | KeysRead, args: Args, call: Call) -> Any:
        """Return the answer of a read that did; raises the error of one that would fail elsewhere, too."""


class PointReads(Batcher):
    """Reads of rows by key, shared by all methods (the contract stands in gateway.db.coalesce)."""

    alone_counts = True
    hands_back = False

    def __init__(
        self,
        executor: QueryExecutor,
        settings: CoalesceSettings,
        *,
        apart: bool = False,
        gate: Callable[[Call], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(executor, settings, apart=apart, gate=gate)
        self._handover = Handover(self._loop)

    @overload
    async def fetch(
        self, read: KeyRead, args: Args, call: Call, elsewhere: Elsewhere | None = None
    ) -> Row | None: ...

    @overload
    async def fetch(
        self, read: KeysRead, args: Args, call: Call, elsewhere: Elsewhere | None = None
    ) -> Mapping[int, Row]: ...

    async def fetch(
        self, read: KeyRead | KeysRead, args: Args, call: Call, elsewhere: Elsewhere | None = None
    ) -> Any:
        """Return what the caller asks for, and is there.

        KeyRead: the row of the key in `args`, in the single statement's bind order; None without one.
        KeysRead: the rows of the keys in `args`, by their places, from 1.
        A call that is to be explained shares its statement with none.

        Raises what the executor raises, ResourceExhausted where too many wait, and Unavailable once closed;
        with `elsewhere` what that raises.
        """
        # All in one, as each Get passes here: of its coroutines each takes a hundredth of its time.
        shared: tuple[BatchQueue, Place] | None = None
        try:
            if self._closed:
                raise closing()  # noqa: TRY301 - it may be answered elsewhere
            if self._gate is not None:
                await self._gate(call)
            if not self._settings.reads or call.explanation is not None:
                answer = read.deal(await self._executor.fetch(*read.alone(args), call), [args])[0]
            else:
                queue, goes_alone = self._queue_of(read, call)
                place = self._place(args, None, call)
                if goes_alone:
                    answer = read.deal(await self._alone(queue, place), [args])[0]
                else:
                    self._look(queue, call)
                    shared = queue, place
                    self._join(queue, place)
                    answer = await place.answer
        except RowgateError as error:
            if elsewhere is None:
                raise
            return await elsewhere.failed(error, read, args, call)
        except BaseException as error:
            if shared is not None:
                self._stop(*shared, error)
            raise
        if elsewhere is not None:
            elsewhere.answered()
        return answer

    def _settle(self, queue: BatchQueue, places: Sequence[Place], answers: Sequence[Any]) -> None:  # noqa: ARG002 - writes use the queue
        self._handover.give([place.answer for place in places], answers)

    def _refuse(self, queue: BatchQueue, place: Place, error: Exception) -> None:
        self._fail(queue, [place], error)

    def _all_left(self, batch: Batch) -> None:
        if batch.task is not None:
            batch.task.cancel()

    def _is_of_one(self, error: Exception) -> bool:
        mismatched = isinstance(error, RowgateError) and error.reason == MISMATCH.reason
        return not mismatched and not isinstance(error, _OF_ALL)

    def _broken_off(self) -> RowgateError:
        return closing()

    def _unexpected(self, *, sent: bool) -> RowgateError:  # noqa: ARG002 - nothing is changed either way
        return internal()

    def _busy(self, why: str) -> RowgateError:
        return ResourceExhausted(
            f"the gateway is busy with reads: {why}",
            reason="TOO_MANY_READS",
            metadata={"limit": str(self._settings.max_waiting)},
            retry_delay=self._retry_delay(),
        )
