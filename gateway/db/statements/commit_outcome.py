"""The outcome of a COMMIT whose answer never came: PostgreSQL is asked for the transaction's status.

pg_xact_status ("Transaction ID and Snapshot Information Functions") knows by the transaction's id whether
it was committed. One trap is closed here: after a crash an id that had not reached the log is given out
again, and would speak of somebody else's transaction. So 'committed' counts only within one life of the
server, which its last checkpoint and its timeline tell: every recovery ends with a checkpoint, every
promotion with a timeline of its own. 'aborted', or an id from the future, proves that nothing was committed
in any case.

Another: a transaction is 'committed' for its own server before a standby has it, where the wait for that was
broken off. So it only counts when something written after it has reached the standby, too.

A third: what Citus has its nodes write has no id on the server that is asked, or one that is given out within
COMMIT; and a node may have committed what that server has not. There only 'committed' says something.
"""

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import Any

import asyncpg

from gateway.db.driver_errors import DRIVER_ERRORS
from gateway.db.pool.pool import Pool
from gateway.db.retry import TryAgain
from gateway.errors import OutcomeUnknown, RowgateError

_LIFE = "checkpoint_lsn::text || ' ' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)"
_IN_SHARDS = "to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL"
MARK = (
    f"SELECT pg_current_xact_id_if_assigned()::text, {_LIFE}, {_IN_SHARDS} "  # noqa: S608 - constants
    "FROM pg_control_checkpoint()"
)
"""Reads the open transaction's mark."""
_STATUS = "SELECT pg_xact_status($1::text::xid8), " + _LIFE + " FROM pg_control_checkpoint()"  # noqa: S608 - two constants
_AFTER = "SELECT pg_logical_emit_message(true, 'rowgate', '')"
"""Writes to the log what nobody reads: its COMMIT waits for a synchronous standby, where there is one."""
_SECONDS = 10.0
_FIRST_PAUSE = 0.02
_LAST_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Mark:
    """How to find a transaction again.

    Args:
        xid: its id, as text; None where it has written nothing.
        life: the server's last checkpoint and timeline at that time.
        in_shards: whether the server has Citus, so that other servers may have written.

    """

    xid: str | None
    life: str
    in_shards: bool = False


class Outcome(Enum):
    """What became of a transaction."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    OPEN = "in progress"
    UNKNOWN = "unknown"


async def read_mark(connection: Any) -> Mark:
    """Return the open transaction's mark, to be read as the last thing before COMMIT."""
    return Mark(*await connection.fetchrow(MARK))


async def settle(pool: Pool, mark: Mark) -> bool:
    """Return whether a transaction was committed; raises OutcomeUnknown where that can't be told in time.

    Asks again, in bounded time, while the server is away or still works on the COMMIT.
    """
    if mark.xid is None and mark.in_shards:
        raise outcome_unknown()
    if mark.xid is None:
        return True
    pause = _FIRST_PAUSE
    try:
        async with asyncio.timeout(_SECONDS):
            while (outcome := await _ask(pool, mark)) is Outcome.OPEN:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LAST_PAUSE)
    except TimeoutError as error:
        raise outcome_unknown() from error
    if outcome is Outcome.UNKNOWN or (mark.in_shards and outcome is not Outcome.COMMITTED):
        raise outcome_unknown()
    return outcome is Outcome.COMMITTED


def outcome_unknown() -> OutcomeUnknown:
    """Return the error of a write that may or may not have happened."""
    return OutcomeUnknown(
        "the connection was lost during the write, which may or may not have been committed: "
        "read before writing again, or repeat it with the same request_id",
        reason="COMMIT_OUTCOME_UNKNOWN",
    )


def unreplicated() -> OutcomeUnknown:
    """Return the error of a write that is committed, and that a failover may lose: see Connection."""
    return OutcomeUnknown(
        "the wait for the synchronous standby was cancelled: the write is committed, but lost if the primary "
        "fails before the standby has it; repeat it with the same request_id, or read it later",
        reason="COMMIT_OUTCOME_UNKNOWN",
    )


async def _ask(pool: Pool, mark: Mark) -> Outcome:
    try:
        async with pool.lease() as connection:
            [(status, life)] = await connection.fetch(_STATUS, mark.xid)
            if status == Outcome.COMMITTED.value and life == mark.life:
                await connection.fetch(_AFTER)
                if connection.is_unreplicated:
                    connection.is_unreplicated = False
                    return Outcome.UNKNOWN
    except asyncpg.InvalidParameterValueError:
        # An id from the future: the log that knew of it is lost, and a commit would have kept it.
        return Outcome.ABORTED
    except (TryAgain, RowgateError, *DRIVER_ERRORS):
        return Outcome.OPEN
    if status is None or (status == Outcome.COMMITTED.value and life != mark.life):
        return Outcome.UNKNOWN
    return Outcome(status)
