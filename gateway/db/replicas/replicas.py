"""All replicas: which of them a read goes to, and when it goes to the primary instead."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import TypeVar

from gateway.background_task import BackgroundTask
from gateway.db.database import Database
from gateway.db.replicas.primary_log import PrimaryLog
from gateway.db.replicas.replica import Replica
from gateway.errors import Aborted, RowgateError, Unavailable
from gateway.errors.sqlstate import MISMATCH
from gateway.request.calls.call import Call
from gateway.request.calls.log_position import LogPosition

T = TypeVar("T")
_INTERVAL = 0.25
"""Seconds between two looks at the primary's log, and at each replica: a shorter bound is never met."""
_LAST_PAUSE = 5.0
_LOOK_SECONDS = 1.0
# A standby ends what stands in the way of its replay as if another transaction had won.
_OF_REPLICA = (Unavailable, Aborted)


class Replicas:
    """The replicas of one primary.

    Args:
        primary: whose log they replay.
        replicas: in their order.
        log: the primary's.
        wait: the most seconds that a read waits for a replica to replay what it needs.

    """

    def __init__(self, primary: Database, replicas: Sequence[Replica], log: PrimaryLog, wait: float) -> None:
        self.all = replicas
        self.to_primary = 0
        """Reads that might have gone to a replica, and were sent to the primary."""
        self._primary = primary
        self._log = log
        self._wait = wait
        self._turn = 0
        self._tasks = [BackgroundTask(f"look at {one.name}") for one in replicas]
        self._log_task = BackgroundTask("look at the primary's log")

    async def start(self) -> None:
        """Look once at all, then again and again."""
        await self._look_at_log()
        await asyncio.gather(*(one.look() for one in self.all))
        self._log_task.start(self._keep_looking_at_log())
        for task, replica in zip(self._tasks, self.all, strict=True):
            task.start(_keep_looking(replica))

    async def stop(self, grace: float) -> None:
        """Look no more, and let go of the replicas. `stop` before `start`, and twice, is safe."""
        for task in (self._log_task, *self._tasks):
            await task.stop()
        await asyncio.gather(*(one.close(grace) for one in self.all))

    def at_hand(self, needed: LogPosition) -> Replica | None:
        """Return the next replica in turn that is known to have a position; None where none is."""
        replicas = self.all
        for _ in replicas:
            self._turn = (self._turn + 1) % len(replicas)
            replica = replicas[self._turn]
            if replica.has(needed):
                return replica
        return None

    async def read(
        self,
        call: Call,
        of_replica: Callable[[Replica], Awaitable[T]],
        of_primary: Callable[[], Awaitable[T]],
    ) -> T:
        """Return what a replica answers that is fresh enough for the call, or else what the primary does.

        What else the call reads goes to the primary then, too.
        """
        replica = None if call.reads_at is None else await self._choose(call.reads_at, call)
        if replica is not None:
            try:
                answer = await of_replica(replica)
            except RowgateError as error:
                self.note_failure(replica, error, call)
                return await of_primary()
            replica.answered()
            return answer
        self._to_primary(call)
        return await of_primary()

    def note_failure(self, replica: Replica, error: RowgateError, call: Call) -> None:
        """Note a read that goes to the primary now; raises the error of one that would fail there, too."""
        if not _is_of_replica(error):
            raise error
        replica.failed(error)
        self._to_primary(call)

    def _to_primary(self, call: Call) -> None:
        self.to_primary += 1
        call.reads_at = None

    async def _choose(self, needed: LogPosition, call: Call) -> Replica | None:
        """Return a replica that has a position; None where none will have it soon."""
        known = self.at_hand(needed)
        up = [one for one in self.all if one.is_up]
        if known is not None or not up:
            return known
        nearest = max(up, key=lambda one: one.position)
        seconds = self._seconds_for(call)
        if nearest.seconds_behind > self._wait + 2 * _INTERVAL or seconds <= 0:
            return None
        if not self._log.is_current or not await nearest.wait(needed, seconds):
            return None
        return nearest if self._log.is_current else None

    def _seconds_for(self, call: Call) -> float:
        """Return how long a call may wait for a replica: there has to be time left for the primary."""
        if call.deadline is None:
            return self._wait
        return min(self._wait, (call.deadline - asyncio.get_running_loop().time()) / 2)

    async def _keep_looking_at_log(self) -> None:
        while True:
            await asyncio.sleep(_INTERVAL)
            await self._look_at_log()

    async def _look_at_log(self) -> None:
        asked_at, deadline = monotonic(), asyncio.get_running_loop().time() + _LOOK_SECONDS
        position = await self._primary.log_position(Call("replicas", deadline=deadline))
        if position is None:
            self._log.lost()
        else:
            self._log.add(asked_at, position)


async def _keep_looking(replica: Replica) -> None:
    pause = _INTERVAL
    while True:
        await asyncio.sleep(pause)
        await replica.look()
        pause = _INTERVAL if replica.is_up else min(2 * pause, _LAST_PAUSE)


def _is_of_replica(error: RowgateError) -> bool:
    """Return whether the primary may do better; a replica may not have the schema's last change yet."""
    return isinstance(error, _OF_REPLICA) or error.reason == MISMATCH.reason
