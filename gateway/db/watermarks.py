"""How far each Ingest stream has come: a watermark, moved in the transaction of the rows it speaks of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Interval, and_, any_, bindparam, delete, func, literal_column, not_, select, update
from sqlalchemy.dialects.postgresql import insert

from gateway.db.database import Transaction
from gateway.errors import Aborted, InvalidArgument
from gateway.schema.internal import INGEST
from gateway.sql.statement import Statement, compile_statement

PURGED_PER_START = 8
"""Every start makes room for itself: the table shrinks faster than it can grow past its retention."""

_KEY = ("principal", "method", "stream_id")
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class IngestStream:
    """One call's hold on a stream.

    Args:
        principal: who calls.
        method: `package.Service.Method`.
        stream_id: the client's name for the stream.
        options_hash: a digest of its options, which stay the same as long as it lasts.
        owner: this call's own mark; the call that came last owns the stream.

    """

    principal: str
    method: str
    stream_id: str
    options_hash: bytes
    owner: UUID

    def values(self, **more: Any) -> Mapping[str, Any]:
        """Return what statements bind: the record's key, the owner, and more."""
        key = {"principal": self.principal, "method": self.method, "stream_id": self.stream_id}
        return {**key, "owner": self.owner, **more}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stream has come.

    Args:
        watermark: the sequence of the last chunk that is stored; 0 where there is none.
        answer: what that chunk was answered with.

    """

    watermark: int
    answer: bytes


def _matches() -> Any:
    return and_(*(INGEST.c[name] == bindparam(name) for name in _KEY))


def _purge_statement() -> Statement:
    row_id: Any = literal_column("ctid")
    expired = (
        select(row_id)
        .select_from(INGEST)
        .where(INGEST.c.updated_at < func.now() - bindparam("retention", type_=Interval), not_(_matches()))
        .limit(PURGED_PER_START)
        .with_for_update(skip_locked=True)
    )
    purge = delete(INGEST).where(row_id == any_(func.array(expired.scalar_subquery())))
    return compile_statement(purge, writes=True, name="purge ingest streams")


def _take_statement() -> Statement:
    names = (*_KEY, "options_hash", "owner")
    record = insert(INGEST).values({name: bindparam(name) for name in names})
    taken = record.on_conflict_do_update(
        index_elements=[*_KEY], set_={"owner": record.excluded.owner, "updated_at": func.now()}
    ).returning(INGEST.c.options_hash, INGEST.c.watermark, INGEST.c.answer)
    return compile_statement(taken, writes=True, name="take ingest stream")


_PURGE = _purge_statement()
_TAKE = _take_statement()
_LOCK = compile_statement(
    select(INGEST.c.watermark, INGEST.c.answer)
    .where(_matches(), INGEST.c.owner == bindparam("owner"))
    .with_for_update(),
    name="lock ingest stream",
)
_ADVANCE = compile_statement(
    update(INGEST)
    .where(_matches())
    .values(watermark=bindparam("sequence"), answer=bindparam("reply"), updated_at=func.now()),
    writes=True,
    name="advance ingest stream",
)


class Watermarks:
    """The records of Ingest streams.

    Args:
        retention: seconds that a stream is kept for at least after its last chunk.

    """

    def __init__(self, retention: float) -> None:
        self._retention = (0, 0, timedelta(seconds=retention) // _MICROSECOND)

    async def take(self, transaction: Transaction, stream: IngestStream) -> Progress:
        """Become the owner of a stream, new or not; return how far it has come.

        Waits for a chunk that an earlier owner is storing; that owner can store none after it. Raises
        InvalidArgument (reason STREAM_ID_REUSED) where the stream has other options.
        """
        await transaction.fetch(_PURGE, _PURGE.arguments(stream.values(retention=self._retention)))
        values = stream.values(options_hash=stream.options_hash)
        ((options_hash, watermark, answer),) = await transaction.fetch(_TAKE, _TAKE.arguments(values))
        if options_hash != stream.options_hash:
            raise InvalidArgument.field(
                "start.stream_id", "is the name of a stream with other options", reason="STREAM_ID_REUSED"
            )
        return Progress(watermark, answer)

    async def lock(self, transaction: Transaction, stream: IngestStream) -> Progress:
        """Keep the stream from everybody else until the transaction ends; return how far it has come.

        Raises Aborted (reason STREAM_TAKEN_OVER) where another call owns it by now.
        """
        found = await transaction.fetch(_LOCK, _LOCK.arguments(stream.values()))
        if not found:
            raise Aborted(
                "another call goes on with this stream, or its record has expired", reason="STREAM_TAKEN_OVER"
            )
        ((watermark, answer),) = found
        return Progress(watermark, answer)

    async def advance(
        self, transaction: Transaction, stream: IngestStream, sequence: int, answer: bytes
    ) -> None:
        """Move the watermark of a locked stream to a chunk, and keep what the chunk is answered with."""
        values = stream.values(sequence=sequence, reply=answer)
        await transaction.fetch(_ADVANCE, _ADVANCE.arguments(values))
