"""One replica: its connections, what it has replayed, and whether reads are sent there."""

import asyncio
import logging
from dataclasses import dataclass
from time import monotonic

from gateway.db.coalesce import PointReads
from gateway.db.database import Database
from gateway.db.replicas.primary_log import PrimaryLog
from gateway.db.replicas.replay_waiters import ReplayWaiters
from gateway.db.replicas.replica_pool import BEHIND, ReplicaPool
from gateway.db.retry import TryAgain
from gateway.errors import RowgateError
from gateway.request.calls.log_position import ANYWHERE, LogPosition

_logger = logging.getLogger(__name__)
_FAILURES = 3
"""So many reads in a row that fail there end what is sent there, until it answers the gateway again."""
LOOK_SECONDS = 1.0
"""The longest wait for a replica's answer to the gateway's own question, and for a connection."""


@dataclass(slots=True)
class ReplicaCounts:
    """Reads since the start.

    Args:
        answered: by the replica.
        behind: that it was too far behind for, after all.
        failed: that failed there.

    """

    answered: int = 0
    behind: int = 0
    failed: int = 0


class Replica:
    """A replica. One that doesn't answer gets no reads until it does.

    Args:
        name: host and port.
        pool: its connections.
        database: runs statements there.
        reads: by key, which share statements there.
        log: the primary's.

    """

    def __init__(
        self, name: str, pool: ReplicaPool, database: Database, reads: PointReads, log: PrimaryLog
    ) -> None:
        self.name = name
        self.database = database
        self.reads = reads
        self.counts = ReplicaCounts()
        self.is_up = False
        self._pool = pool
        self._log = log
        self._failures = 0
        self._why = ""
        self._waiters = ReplayWaiters(self._position)

    def has(self, needed: LogPosition) -> bool:
        """Return whether it answers, and is known to have a position.

        While the primary isn't heard of it may be lost, and replicas may follow another one, which a role
        without rights can't see: none is known to have anything then.
        """
        if not self.is_up:
            return False
        # Spelled out, as each read passes here: `holds`, and `is_current`.
        system, timeline, lsn = self._pool.position
        if lsn >= needed[2] and timeline == needed[1] and system == needed[0]:
            return monotonic() <= self._log.current_until
        return needed == ANYWHERE

    @property
    def position(self) -> LogPosition:
        """How far it had replayed the log when it was asked last."""
        return self._pool.position

    @property
    def seconds_behind(self) -> float:
        """For how long the primary has been past what it had replayed when it was asked last."""
        return self._log.seconds_behind(self.position)

    async def look(self) -> None:
        """Ask how far it is; where it doesn't answer it gets no reads, and those under way go elsewhere."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                position = await self._position()
        except TimeoutError:
            self._down("it doesn't answer")
        except RowgateError as error:
            self._down(error.message)
        else:
            latest = self._log.latest
            if latest is not None and latest.system != position.system:
                self._down("it is of another cluster than the primary")
            else:
                self._up()

    async def wait(self, needed: LogPosition, seconds: float) -> bool:
        """Wait until it has replayed the log up to a position; return whether it has, in time."""
        return await self._waiters.wait(needed, seconds)

    def answered(self) -> None:
        """Note a read."""
        self._failures = 0
        self.counts.answered += 1

    def failed(self, error: RowgateError) -> None:
        """Note a read that goes to the primary now."""
        if error.reason == BEHIND:
            self.counts.behind += 1
            return
        self.counts.failed += 1
        self._failures += 1
        if self._failures >= _FAILURES:
            self._down(error.message)

    async def close(self, grace: float) -> None:
        """Let go of it."""
        await self._waiters.stop()
        await self.reads.close(grace)
        await self.database.close()

    async def _position(self) -> LogPosition:
        try:
            return await self._pool.look()
        except TryAgain as again:
            raise again.error from again

    def _up(self) -> None:
        if not self.is_up:
            _logger.info("a replica is read from", extra={"replica": self.name})
            self._pool.back()
        self.is_up, self._failures, self._why = True, 0, ""

    def _down(self, why: str) -> None:
        if self.is_up or why != self._why:
            _logger.warning("a replica isn't read from", extra={"replica": self.name, "why": why})
        if self.is_up:
            self._pool.away()
        self.is_up, self._why = False, why
