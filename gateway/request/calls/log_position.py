"""Positions in PostgreSQL's write-ahead log: what a write is found by, and how far a replica has come."""

from typing import NamedTuple


class LogPosition(NamedTuple):
    """A position, in the order of the log; of different systems or timelines none is known to hold the other.

    Args:
        system: the cluster's system identifier, which its standbys share.
        timeline: counts the promotions of standbys.
        lsn: bytes since the log's beginning.

    """

    system: int
    timeline: int
    lsn: int

    def holds(self, other: "LogPosition") -> bool:
        """Return whether who has come here is known to have passed another position."""
        system, timeline, lsn = self
        return lsn >= other[2] and timeline == other[1] and system == other[0]


ANYWHERE = LogPosition(0, 0, 0)
"""What is asked of a replica that may be as far behind as it is."""
UNTOLD = LogPosition(0, 0, 0)
"""That of a write which is committed, and whose position could not be asked."""
