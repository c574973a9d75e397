"""Point reads that arrive together are answered together: one statement for many keys.

A decorator over the execute door. No read is held back: one that finds nothing under way goes at once, and
alone; those that arrive meanwhile share the next statement. So an idle gateway adds no delay, and a busy
one spends a round trip, a lease and PostgreSQL's work per statement on many reads instead of one.

The contract:

- A caller gets its own key's row, or None. Equal keys are each answered.
- Reads of different principals, or of different statements, never share a batch.
- A batch that fails because of a key or its row is read again in halves, so that the fault of one key is one
  caller's. Any other failure (no connection, no time, no permission) is every caller's of the batch. None is
  left hanging.
- A caller that is cancelled, as the transport does when its deadline comes, drops its own place and nobody
  else's. A batch may run until the latest deadline among its callers, and is broken off when all have left.
- At most `max_batch` keys share a statement; at most `max_waiting` callers wait for a statement to share: one
  more is refused with ResourceExhausted.
- One statement of a kind and principal is under way at a time, which makes the largest batches. Another sets
  out beside it when a batch is full, or when the statement has taken longer than `patience`, so that a stuck
  connection holds up nobody but its own callers. More than `lanes` are never under way.
- `close` refuses who waits, and bounds the time of what is under way.

What it does not do: cache. A batch is closed before its statement is sent, so a read that arrives after a
write was acknowledged is sent after it, and sees it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Protocol

from gateway.config.settings import CoalesceSettings
from gateway.db.transaction import Row
from gateway.errors import (
    Aborted,
    DeadlineExceeded,
    PermissionDenied,
    ResourceExhausted,
    Unavailable,
)
from gateway.request.call import Call
from gateway.sql.statement import Statement

_RETRY_SECONDS = 0.05
_CLOSED_RETRY_SECONDS = 1.0
# What no key is to blame for: reading again without some of the keys would not help the others.
_OF_ALL = (Aborted, DeadlineExceeded, PermissionDenied, ResourceExhausted, Unavailable)


class Door(Protocol):
    """The part of gateway.db.database.Database that reads pass through."""

    async def fetch(self, statement: Statement, args: Sequence[Any], call: Call) -> Sequence[Row]:
        """Run one statement; return its rows."""


class KeyRead:
    """What can be read together: one statement for the row of one key, and its like for many.

    Args:
        single: reads the row of one key.
        many: reads the rows of many, each key column bound as an array; its rows begin with the key's place
            in the arrays, from 1 (gateway.sql.read.select_by_keys).

    """

    __slots__ = ("_places", "many", "single")

    def __init__(self, single: Statement, many: Statement) -> None:
        self.single = single
        self.many = many
        self._places = [single.binds.index(name) for name in many.binds]

    def arrays(self, keys: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """Return the arguments of `many`, of keys given as arguments of `single`."""
        return [[key[place] for key in keys] for place in self._places]


@dataclass(slots=True, eq=False)
class _Waiting:
    args: Sequence[Any]
    call: Call
    answer: "asyncio.Future[Row | None]"
    batch: "_Batch | None" = None


@dataclass(slots=True, eq=False)
class _Batch:
    """Callers that share a statement, and how many of them have not left."""

    callers: list[_Waiting] = field(default_factory=list)
    present: int = 0
    task: "asyncio.Task[None] | None" = None

    def leave(self) -> None:
        """Note that a caller has left; break the statement off after the last."""
        self.present -= 1
        if not self.present and self.task is not None:
            self.task.cancel()


@dataclass(slots=True, eq=False)
class _Lane:
    """What waits, and when each statement under way set out, for one kind of read and one principal."""

    read: KeyRead
    principal: str
    waiting: OrderedDict[_Waiting, None] = field(default_factory=OrderedDict)
    under_way: list[float] = field(default_factory=list)
    alarm: asyncio.TimerHandle | None = None


class PointReads:
    """Reads of rows by key, shared by all methods. `close` before any read, and twice, is safe.

    Args:
        door: where statements go.
        settings: the bounds, and whether reads share statements at all.

    """

    def __init__(self, door: Door, settings: CoalesceSettings) -> None:
        self._door = door
        self._settings = settings
        self._lanes: dict[tuple[KeyRead, str], _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._closed = False

    async def fetch(self, read: KeyRead, args: Sequence[Any], call: Call) -> Row | None:
        """Return the row of the key in `args`, in the single statement's bind order; None without one.

        Raises what the door raises, ResourceExhausted where too many wait, and Unavailable once closed.
        """
        if self._closed:
            raise _closing()
        if not self._settings.reads:
            return await self._read_one(read, args, call)
        key = (read, call.principal)
        lane = self._lanes.get(key)
        if lane is None:
            self._lanes[key] = lane = _Lane(read, call.principal)
            return await self._alone(lane, args, call)
        return await self._together(lane, args, call)

    async def close(self, grace: float = 0.0) -> None:
        """Refuse who waits and who comes; what is under way has `grace` seconds to end."""
        self._closed = True
        for lane in self._lanes.values():
            _fail(lane.waiting, _closing())
            lane.waiting.clear()
        self._waiting = 0
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def in_use(self) -> bool:
        """Whether a read is under way or waits."""
        return bool(self._lanes or self._tasks or self._waiting)

    async def _read_one(self, read: KeyRead, args: Sequence[Any], call: Call) -> Row | None:
        rows = await self._door.fetch(read.single, args, call)
        return rows[0] if rows else None

    async def _alone(self, lane: _Lane, args: Sequence[Any], call: Call) -> Row | None:
        """Read in the caller's own task: nothing is under way that it could share."""
        begun = asyncio.get_running_loop().time()
        lane.under_way.append(begun)
        try:
            return await self._read_one(lane.read, args, call)
        finally:
            self._arrive(lane, begun)

    async def _together(self, lane: _Lane, args: Sequence[Any], call: Call) -> Row | None:
        """Wait for a statement to share."""
        if self._waiting >= self._settings.max_waiting:
            raise _busy(self._settings.max_waiting)
        waiting = _Waiting(args, call, asyncio.get_running_loop().create_future())
        lane.waiting[waiting] = None
        self._waiting += 1
        self._set_out(lane)
        try:
            return await waiting.answer
        except asyncio.CancelledError:
            self._leave(lane, waiting)
            raise

    def _leave(self, lane: _Lane, waiting: _Waiting) -> None:
        """Drop a caller's place; a statement that nobody waits for any more is broken off."""
        if waiting in lane.waiting:
            del lane.waiting[waiting]
            self._waiting -= 1
        elif waiting.batch is not None:
            waiting.batch.leave()

    def _set_out(self, lane: _Lane) -> None:
        """Send a statement for those who wait, if it is time for another."""
        if not lane.waiting or len(lane.under_way) >= self._settings.lanes:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        due = max(lane.under_way, default=-inf) + self._settings.patience
        if now < due and len(lane.waiting) < self._settings.max_batch:
            if lane.alarm is None:
                lane.alarm = loop.call_at(due, self._lose_patience, lane)
            return
        lane.under_way.append(now)
        batch = _Batch()
        batch.task = loop.create_task(self._carry(lane, batch, now))
        self._tasks.add(batch.task)
        batch.task.add_done_callback(self._tasks.discard)

    def _lose_patience(self, lane: _Lane) -> None:
        lane.alarm = None
        self._set_out(lane)

    def _arrive(self, lane: _Lane, begun: float) -> None:
        """Note the end of a statement, and send the next."""
        lane.under_way.remove(begun)
        self._set_out(lane)
        if not lane.under_way:
            if lane.alarm is not None:
                lane.alarm.cancel()
            del self._lanes[lane.read, lane.principal]

    async def _carry(self, lane: _Lane, batch: _Batch, begun: float) -> None:
        """Answer those who wait now. They are taken here, when the task runs, so that others could join."""
        try:
            self._board(lane, batch)
            if batch.callers:
                await self._answer(lane.read, batch.callers)
        except BaseException:
            _fail(batch.callers, _closing())
            raise
        finally:
            self._arrive(lane, begun)

    def _board(self, lane: _Lane, batch: _Batch) -> None:
        batch.present = min(len(lane.waiting), self._settings.max_batch)
        self._waiting -= batch.present
        for _ in range(batch.present):
            waiting, _nothing = lane.waiting.popitem(last=False)
            waiting.batch = batch
            batch.callers.append(waiting)

    async def _answer(self, read: KeyRead, callers: Sequence[_Waiting]) -> None:
        """Read the keys of the callers and answer them, whatever happens."""
        try:
            rows = await self._read(read, callers)
        except _OF_ALL as error:
            _fail(callers, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again, at the callers
            if len(callers) == 1:
                _fail(callers, error)
                return
            # Somebody's key or row is at fault: the others get theirs without it.
            middle = len(callers) // 2
            await self._answer(read, callers[:middle])
            await self._answer(read, callers[middle:])
        else:
            _settle(callers, rows)

    async def _read(self, read: KeyRead, callers: Sequence[_Waiting]) -> dict[int, Row]:
        """Return the rows by the caller's place, from 1."""
        call = callers[0].call
        if len(callers) == 1:
            row = await self._read_one(read, callers[0].args, call)
            return {} if row is None else {1: row}
        joint = Call(call.method, call.principal, _latest(callers))
        found = await self._door.fetch(read.many, read.arrays([waiting.args for waiting in callers]), joint)
        return {row[0]: row[1:] for row in found}


def _latest(callers: Iterable[_Waiting]) -> float | None:
    """Return the latest deadline; None where a caller has none."""
    latest = 0.0
    for waiting in callers:
        if waiting.call.deadline is None:
            return None
        latest = max(latest, waiting.call.deadline)
    return latest


def _settle(callers: Sequence[_Waiting], rows: dict[int, Row]) -> None:
    for place, waiting in enumerate(callers, start=1):
        if not waiting.answer.done():
            waiting.answer.set_result(rows.get(place))


def _fail(callers: Iterable[_Waiting], error: Exception) -> None:
    for waiting in callers:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)


def _busy(limit: int) -> ResourceExhausted:
    return ResourceExhausted(
        f"the gateway is busy: {limit} reads wait already",
        reason="TOO_MANY_READS",
        metadata={"limit": str(limit)},
        retry_delay=_RETRY_SECONDS,
    )


def _closing() -> Unavailable:
    return Unavailable(
        "the gateway is shutting down", reason="SHUTTING_DOWN", retry_delay=_CLOSED_RETRY_SECONDS
    )
