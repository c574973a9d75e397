"""Clean-up of the gateway's own tables: beside the calls, in batches that are transactions of their own.

No call pays for it. Gateways that share a database share the work, as each skips what another one has locked.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Any

from gateway.background_task import BackgroundTask
from gateway.db.database import Database
from gateway.db.internal_tables.idempotency import RECORD_BYTES, Room
from gateway.errors import RowgateError
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement

BATCH = 1000
"""The most records that one transaction removes."""
LEAST_SECONDS = 3600.0
"""A record of a request_id that is younger is kept, however much there is."""

_logger = logging.getLogger(__name__)
_PAUSE = 60.0
_BATCH_SECONDS = 30.0
_MINUTE = 60
_SETTLED_SECONDS = 600
"""A record is committed by then: the gateway's transactions are shorter than that."""


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


def _removal_by_number(table: str, column: str) -> Statement:
    """As `_removal`, of records that are numbered as they come: times need no index.

    They are locked by DELETE alone: FOR UPDATE takes the privilege to change them, which nobody should need.
    """
    first = f"SELECT id, {column} FROM {table} ORDER BY id LIMIT {BATCH}"  # noqa: S608 - two constants
    oldest = f"SELECT id FROM ({first}) AS first WHERE {column} < now() - make_interval(secs => $1)"  # noqa: S608 - as above
    removed = f"DELETE FROM {table} WHERE id = ANY(ARRAY({oldest})) RETURNING 1"  # noqa: S608 - as above
    return _statement(f"WITH removed AS ({removed}) SELECT count(*) FROM removed")  # noqa: S608 - as above


_EXPIRED_CHANGES = _removal_by_number("rowgate.audit", "changed_at")
_EXPIRED_STREAMS = _removal("rowgate.ingest", "updated_at")
_EXPIRED_IDS = _removal("rowgate.idempotency", "created_at")
# The size on disk is never less than what is stored, and costs nothing to ask for.
_SIZE = _statement(
    "SELECT pg_total_relation_size('rowgate.idempotency'), extract(epoch FROM now())::float8", writes=False
)
_SUMS = _statement(
    f"""
    SELECT floor(extract(epoch FROM created_at) / {_MINUTE})::bigint,
        sum({RECORD_BYTES} + pg_column_size(response))::bigint
    FROM rowgate.idempotency WHERE created_at >= to_timestamp($1) GROUP BY 1
    """,  # noqa: S608 - constants
    writes=False,
)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long records are kept.

    Args:
        request_ids: seconds that the answer to a request_id is kept for at least, where there is room.
        streams: seconds that an Ingest stream is kept for at least after its last chunk.
        audit: seconds that it is kept who changed a row; None for ever.

    """

    request_ids: float
    streams: float
    audit: float | None = None


class _Sums:
    """Bytes of records by the minute that they are from. Those of minutes that are over are read once."""

    def __init__(self) -> None:
        self._by_minute: dict[int, int] = {}
        self._now = 0.0

    @property
    def since(self) -> float:
        """From when on records have to be read, in seconds since 1970."""
        return max(self._by_minute, default=0) * _MINUTE - _SETTLED_SECONDS

    @property
    def total(self) -> int:
        """Bytes of all."""
        return sum(self._by_minute.values())

    def add(self, rows: Iterable[Sequence[Any]], now: float) -> None:
        """Take what was read since then."""
        self._now = now
        self._by_minute |= [(minute, size) for minute, size in rows]

    def age_of_excess(self, most: int) -> float:
        """Return the age of the youngest minute that is past the most bytes of the youngest records."""
        held = 0
        for minute, size in sorted(self._by_minute.items(), reverse=True):
            held += size
            if held > most:
                return self._age(minute)
        return inf

    def forget(self, age: float) -> None:
        """Leave out the minutes that are older: their records are gone."""
        self._by_minute = {
            minute: size for minute, size in self._by_minute.items() if self._age(minute) < age
        }

    def _age(self, minute: int) -> float:
        return self._now - (minute + 1) * _MINUTE


class Cleaner:
    """Removes records that are no longer kept, from time to time.

    Args:
        database: where they are.
        retention: how long they are kept.
        room: how much may be kept for request ids; past it the oldest go.

    """

    def __init__(self, database: Database, retention: Retention, room: Room) -> None:
        self._database = database
        self._retention = retention
        self._room = room
        self._sums = _Sums()
        self._task = BackgroundTask("clean-up")

    def start(self) -> None:
        """Begin; the first clean-up comes after a pause."""
        self._task.start(self._run())

    async def stop(self) -> None:
        """End; twice is safe."""
        await self._task.stop()

    async def clean(self) -> int:
        """Remove all that is to go; return how many records went. Raises what the database raises."""
        kept = self._retention
        removed = await self._remove(_EXPIRED_STREAMS, kept.streams)
        removed += await self._remove(_EXPIRED_IDS, kept.request_ids)
        if kept.audit is not None:
            removed += await self._remove(_EXPIRED_CHANGES, kept.audit)
        stored = await self._stored()
        if stored > self._room.most:
            age = max(self._sums.age_of_excess(self._room.most), LEAST_SECONDS)
            removed += await self._remove(_EXPIRED_IDS, age)
            self._sums.forget(age)
            stored = self._sums.total
        self._room.found(stored)
        return removed

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._room.look_is_due.wait(), _PAUSE)
            try:
                await self.clean()
                continue
            except RowgateError as error:
                _logger.warning("clean-up of the gateway's own tables failed: %s", error)
            except Exception:
                _logger.exception("unexpected error in the clean-up of the gateway's own tables")
            # The look is due still.
            await asyncio.sleep(_PAUSE)

    async def _remove(self, statement: Statement, age: float) -> int:
        """Remove what is older, batch by batch."""
        total = 0
        while True:
            removed = int(await self._ask(statement, [age]))
            total += removed
            if removed < BATCH:
                return total

    async def _stored(self) -> int:
        """Return the bytes of all records of request ids, or more where there is room for those."""
        ((size, now),) = await self._fetch(_SIZE, [])
        if size <= self._room.most:
            self._sums = _Sums()
            return int(size)
        self._sums.add(await self._fetch(_SUMS, [self._sums.since]), now)
        self._sums.forget(self._retention.request_ids)
        return self._sums.total

    async def _ask(self, statement: Statement, args: Sequence[object]) -> Any:
        ((value,),) = await self._fetch(statement, args)
        return value

    async def _fetch(self, statement: Statement, args: Sequence[object]) -> Sequence[Any]:
        deadline = asyncio.get_running_loop().time() + _BATCH_SECONDS
        return await self._database.fetch(statement, args, Call("clean up", deadline=deadline))
