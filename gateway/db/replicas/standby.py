"""What a standby tells of itself."""

from typing import Any, NamedTuple

from gateway.errors import Unavailable
from gateway.request.calls.log_position import ANYWHERE, LogPosition

# Each source of the timeline but the last tells it late, and some roles don't see that. None tells it early.
_FACTS = """
SELECT pg_is_in_recovery(), (pg_last_wal_replay_lsn() - '0/0')::int8, system_identifier,
    greatest(point.timeline_id, recovery.min_recovery_end_timeline, receiver.received_tli),
    concat_ws(' ', inet_server_addr(), inet_server_port(), pg_postmaster_start_time()), pg_backend_pid()
FROM pg_control_system(), pg_control_checkpoint() AS point, pg_control_recovery() AS recovery
LEFT JOIN pg_stat_get_wal_receiver() AS receiver ON true
"""


class StandbyFacts(NamedTuple):
    """A standby at one moment.

    Args:
        position: how far it has replayed the log.
        server: tells servers apart, and one from what it is after a restart.

    """

    position: LogPosition
    server: str


class Standby:
    """One life of a standby: what it has replayed stays so as long as its sessions live."""

    __slots__ = ("position",)

    def __init__(self) -> None:
        self.position = ANYWHERE

    def told(self, position: LogPosition) -> None:
        """Note what it says on a session that it has had for a while."""
        self.position = max(self.position, position)

    def told_at_first(self, position: LogPosition) -> None:
        """Note what it says on a new session.

        After a crash that its postmaster has survived it may be behind what it had told, on sessions that
        have ended with it.
        """
        self.position = position

    def has(self, needed: LogPosition) -> bool:
        """Return whether it is known to have replayed what comes before a position."""
        return needed == ANYWHERE or self.position.holds(needed)


async def ask(connection: Any) -> StandbyFacts:
    """Return what the standby at the other end says; raises Unavailable for a server that is none."""
    in_recovery, lsn, system, timeline, server, process = await connection.fetchrow(_FACTS)
    if not in_recovery or lsn is None:
        raise _unfit("it is no standby")
    if process != connection.get_server_pid():
        raise _unfit("a pooler stands before it, which may lead each statement to another server")
    return StandbyFacts(LogPosition(system, timeline, lsn), server)


def _unfit(why: str) -> Unavailable:
    return Unavailable(f"the replica can't be read: {why}", reason="REPLICA_UNFIT")
