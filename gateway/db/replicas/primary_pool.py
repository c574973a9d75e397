"""A pool of connections to the primary, lent to reads whose token is of a write that it has."""

from typing import Any

from gateway.db.connections.connect import unreachable
from gateway.db.database_settings import DatabaseSettings
from gateway.db.driver_errors import DRIVER_ERRORS
from gateway.db.pool.idle_connections import Member
from gateway.db.pool.pool import Pool
from gateway.db.replicas.consistency import lost_timeline
from gateway.db.replicas.primary_log import PrimaryLog
from gateway.request.calls.call import Call
from gateway.request.calls.log_position import LogPosition

# What is inserted is past all that a token may be of, flushed or not.
_END = """
SELECT system_identifier, ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::int, (lsn - '0/0')::int8
FROM pg_control_system(), pg_current_wal_insert_lsn() AS lsn
"""


class PrimaryPool(Pool):
    """Raises FailedPrecondition (CONSISTENCY_TOKEN_OF_LOST_TIMELINE) for the token of a write that it lacks.

    A call may have waited for a primary, and another one came.

    Args:
        settings: the database's.
        log: told as soon as a connection ends: the primary may be lost.

    """

    def __init__(self, settings: DatabaseSettings, log: PrimaryLog) -> None:
        super().__init__(settings)
        self._log = log
        self._ends: dict[Member, LogPosition] = {}

    async def take(self, call: Call) -> Member:
        """Take a connection, to a server that has the write that the call's token is of."""
        member = await super().take(call)
        needed = call.must_hold
        if needed is None or self._has(member, needed):
            return member
        connection: Any = member.connection
        try:
            self._ends[member] = LogPosition(*await connection.fetchrow(_END))
        except DRIVER_ERRORS as error:
            self.give_back(member)
            await self.learn(error, member)
            raise unreachable() from error
        except BaseException:
            self.rescue(member)
            raise
        if not self._has(member, needed):
            self.give_back(member)
            raise lost_timeline()
        return member

    async def _add(self, call: Call) -> Member:
        member = await super()._add(call)
        member.connection.add_termination_listener(lambda _: self._log.lost())
        return member

    def _has(self, member: Member, needed: LogPosition) -> bool:
        end = self._ends.get(member)
        return end is not None and end.holds(needed)

    def _drop(self, member: Member) -> None:
        super()._drop(member)
        self._ends.pop(member, None)
