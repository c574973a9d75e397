"""Clean-up of the gateway's own tables: beside the calls, in batches that are transactions of their own.

No call pays for it. Gateways that share a database share the work, as each skips what another one has locked.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gateway.db.database import Database
from gateway.errors import RowgateError
from gateway.request.call import Call
from gateway.sql.statement import Statement

BATCH = 1000
"""The most records that one transaction removes."""
LEAST_SECONDS = 3600.0
"""A record of a request_id that is younger is kept, however much there is."""

_logger = logging.getLogger(__name__)
_PAUSE = 60.0
_BATCH_SECONDS = 30.0
_RECORD_BYTES = 200
"""A record without its answer, with its part of the indexes."""


def _statement(text: str, *, writes: bool = True) -> Statement:
    return Statement(text, (), (), writes=writes, name="clean up", constants={})


def _removal(table: str, column: str) -> Statement:
    """Return the removal of the oldest records that are older than the bound seconds; it returns how many."""
    oldest = (
        f"SELECT ctid FROM {table} WHERE {column} < now() - make_interval(secs => $1) "  # noqa: S608 - two constants
        f"ORDER BY {column} LIMIT {BATCH} FOR UPDATE SKIP LOCKED"
    )
    removed = f"DELETE FROM {table} WHERE ctid = ANY(ARRAY({oldest})) RETURNING 1"  # noqa: S608 - as above
    return _statement(f"WITH removed AS ({removed}) SELECT count(*) FROM removed")  # noqa: S608 - as above


_EXPIRED_STREAMS = _removal("rowgate.ingest", "updated_at")
_EXPIRED_IDS = _removal("rowgate.idempotency", "created_at")
# The size on disk is never less than what is stored, and costs nothing to ask for.
_IS_LARGE = _statement("SELECT pg_total_relation_size('rowgate.idempotency') > $1::bigint", writes=False)
_AGE_OF_EXCESS = _statement(
    f"""
    SELECT extract(epoch FROM now() - max(created_at))::float8 FROM (
        SELECT created_at,
            sum({_RECORD_BYTES} + pg_column_size(response)) OVER (ORDER BY created_at DESC) AS held
        FROM rowgate.idempotency
    ) AS record WHERE held > $1::bigint
    """,  # noqa: S608 - a constant
    writes=False,
)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long records are kept, and how much.

    Args:
        request_ids: seconds that the answer to a request_id is kept for at least, where there is room.
        request_id_bytes: what all of them may take; beyond it the oldest go.
        streams: seconds that an Ingest stream is kept for at least after its last chunk.

    """

    request_ids: float
    request_id_bytes: int
    streams: float


class Cleaner:
    """Removes records that are no longer kept, from time to time."""

    def __init__(self, database: Database, retention: Retention) -> None:
        self._database = database
        self._retention = retention
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the first clean-up comes after a pause."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End; twice is safe."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def clean(self) -> int:
        """Remove all that is to go; return how many records went. Raises what the database raises."""
        kept = self._retention
        removed = await self._remove(_EXPIRED_STREAMS, kept.streams)
        removed += await self._remove(_EXPIRED_IDS, kept.request_ids)
        age = await self._age_of_excess()
        if age is not None:
            removed += await self._remove(_EXPIRED_IDS, max(age, LEAST_SECONDS))
        return removed

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE)
            try:
                await self.clean()
            except RowgateError as error:
                _logger.warning("clean-up of the gateway's own tables failed: %s", error)
            except Exception:
                _logger.exception("unexpected error in the clean-up of the gateway's own tables")

    async def _remove(self, statement: Statement, age: float) -> int:
        """Remove what is older, batch by batch."""
        total = 0
        while True:
            removed = int(await self._ask(statement, [age]))
            total += removed
            if removed < BATCH:
                return total

    async def _age_of_excess(self) -> float | None:
        """Return the age of the youngest record past the most bytes; None where there is room."""
        most = [self._retention.request_id_bytes]
        if not await self._ask(_IS_LARGE, most):
            return None
        age: float | None = await self._ask(_AGE_OF_EXCESS, most)
        return age

    async def _ask(self, statement: Statement, args: Sequence[object]) -> Any:
        deadline = asyncio.get_running_loop().time() + _BATCH_SECONDS
        ((value,),) = await self._database.fetch(statement, args, Call("clean up", deadline=deadline))
        return value
