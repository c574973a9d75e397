"""Servers' standing: whether one takes writes, and on which timeline, by what it says itself."""

from dataclasses import dataclass
from typing import Any

from asyncpg.exceptions import TargetServerAttributeNotMatched

from gateway.db.driver_errors import telling_loss

_ASK = """
SELECT recovers, current_setting('transaction_read_only') = 'on',
       (SELECT system_identifier FROM pg_control_system()),
       CASE WHEN recovers THEN 0
            ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END,
       current_setting('synchronous_standby_names') <> ''
FROM pg_is_in_recovery() AS recovers
"""


class LeftBehindError(TargetServerAttributeNotMatched):
    """A server takes writes on a timeline that another one has left by its promotion."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a server says of itself.

    Args:
        recovers: whether it is a standby.
        read_only: whether it refuses writes.
        system: which cluster it is a copy of.
        timeline: which promotion its writes come after; 0 for a standby.
        synchronous: whether it has commits wait for standbys.

    """

    recovers: bool
    read_only: bool
    system: int
    timeline: int
    synchronous: bool


async def standing_of(connection: Any) -> Standing:
    """Return the standing of a connection's server. It takes no privilege; raises what the driver raises."""
    with telling_loss(connection):
        return Standing(*await connection.fetchrow(_ASK))


class Primaries:
    """Tells primaries from other servers, and from those that a promotion has left behind.

    Each promotion begins a timeline, with a higher number. So of two servers of one cluster that both take
    writes, the one of the lower has been left, whether it knows that or not; also where it is alone by then.

    Args:
        mode: target_session_attrs, one of PRIMARY_MODES.

    """

    def __init__(self, mode: str) -> None:
        self._writes = mode == "read-write"
        self._timelines: dict[int, int] = {}

    def is_one(self, standing: Standing) -> bool:
        """Return whether a server is a primary, maybe one left behind."""
        return not standing.recovers and not (self._writes and standing.read_only)

    def note(self, standing: Standing) -> None:
        """Remember the timeline of a primary."""
        if self.is_one(standing):
            known = self._timelines.get(standing.system, 0)
            self._timelines[standing.system] = max(known, standing.timeline)

    def refusal(self, standing: Standing) -> TargetServerAttributeNotMatched | None:
        """Return why a server isn't the primary; None where it is."""
        if not self.is_one(standing):
            return TargetServerAttributeNotMatched("it takes no writes")
        if standing.timeline < self._timelines.get(standing.system, 0):
            return LeftBehindError("another server was promoted since")
        return None
