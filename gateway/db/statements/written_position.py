"""The log's position after a write: by it a replica is known to have what was written."""

from typing import Any

from gateway.db.driver_errors import DRIVER_ERRORS
from gateway.request.calls.log_position import UNTOLD, LogPosition

POSITION = """
SELECT system_identifier, ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::int, (lsn - '0/0')::int8
FROM pg_control_system(), LATERAL (SELECT
    CASE current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn()
        ELSE pg_current_wal_flush_lsn() END) AS log (lsn)
"""
"""Reads a primary's position. What is committed is flushed, but where COMMIT doesn't wait for that.

Past it may be what others have begun, which nothing has flushed yet: standbys would not have it for seconds.
"""


async def written_position(connection: Any) -> LogPosition:
    """Return where the log stands after a COMMIT; UNTOLD where that can't be asked.

    It has to be a statement of its own: inside of the transaction it comes before the commit's record.
    """
    try:
        return LogPosition(*await connection.fetchrow(POSITION))
    except DRIVER_ERRORS:
        return UNTOLD
