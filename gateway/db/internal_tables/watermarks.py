"""Watermarks of Ingest streams: each moves in the transaction of the rows that it stands for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from gateway.db.database import Transaction
from gateway.errors import Aborted, InvalidArgument, PermissionDenied, RowgateError
from gateway.schema.tables.internal import INGEST
from gateway.sql.statement import Statement, compile_statement

_KEY = ("principal", "method", "stream_id")


@dataclass(frozen=True, slots=True)
class IngestStream:
    """One call's hold on a stream.

    Args:
        principal: who calls.
        method: `package.Service.Method`.
        stream_id: the client's name for the stream.
        options_hash: a digest of its options, which stay the same as long as it lasts.
        secret_hash: a digest of the opener's secret, which everybody after it must know; empty without one.
        owner: this call's own mark; the call that came last owns the stream.

    """

    principal: str
    method: str
    stream_id: str
    options_hash: bytes
    secret_hash: bytes
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


def _take_statement() -> Statement:
    names = (*_KEY, "options_hash", "secret_hash", "owner")
    record = insert(INGEST).values({name: bindparam(name) for name in names})
    new = record.excluded
    taken = record.on_conflict_do_update(
        index_elements=[*_KEY],
        set_={"owner": new.owner, "updated_at": func.now()},
        where=and_(INGEST.c.secret_hash == new.secret_hash, INGEST.c.options_hash == new.options_hash),
    ).returning(INGEST.c.watermark, INGEST.c.answer)
    return compile_statement(taken, writes=True, name="take ingest stream")


_TAKE = _take_statement()
_FIND = compile_statement(select(INGEST.c.secret_hash).where(_matches()), name="find ingest stream")
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
    """The records of Ingest streams."""

    async def take(self, transaction: Transaction, stream: IngestStream) -> Progress:
        """Become the owner of a stream, new or not; return how far it has come.

        Waits for a chunk that an earlier owner is storing; that owner can store none after it. Raises
        PermissionDenied (reason STREAM_SECRET_MISMATCH) where the stream was opened with another secret,
        InvalidArgument (STREAM_ID_REUSED) where it has other options.
        """
        values = stream.values(options_hash=stream.options_hash, secret_hash=stream.secret_hash)
        taken = await transaction.fetch_own(_TAKE, _TAKE.arguments(values))
        if not taken:
            raise await self._refusal(transaction, stream)
        ((watermark, answer),) = taken
        return Progress(watermark, answer)

    async def _refusal(self, transaction: Transaction, stream: IngestStream) -> RowgateError:
        found = await transaction.fetch_own(_FIND, _FIND.arguments(stream.values()))
        if found and found[0][0] != stream.secret_hash:
            return PermissionDenied(
                "start.stream_id: is the name of a stream that was opened with another secret, or none",
                reason="STREAM_SECRET_MISMATCH",
            )
        return InvalidArgument.field(
            "start.stream_id",
            "is the name of a stream with other options, or of other rights of the caller",
            reason="STREAM_ID_REUSED",
        )

    async def lock(self, transaction: Transaction, stream: IngestStream) -> Progress:
        """Keep the stream from everybody else until the transaction ends; return how far it has come.

        Raises Aborted (reason STREAM_TAKEN_OVER) where another call owns it by now.
        """
        found = await transaction.fetch_own(_LOCK, _LOCK.arguments(stream.values()))
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
        await transaction.fetch_own(_ADVANCE, _ADVANCE.arguments(values))
