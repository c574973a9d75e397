"""Honoured request ids: the first answer of a write, kept in the write's own transaction (AIP-155)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Interval, and_, any_, bindparam, delete, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert

from gateway.db.database import Transaction
from gateway.errors import Aborted, InvalidArgument
from gateway.schema.internal import IDEMPOTENCY
from gateway.sql.statement import Statement, compile_statement

PURGED_PER_CLAIM = 8
"""Every new record makes room for itself: the table shrinks faster than it can grow past its retention."""

_KEY = ("principal", "method", "request_id")
_CLAIMS = 4
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """One request that must be honoured once.

    Args:
        principal: who calls.
        method: `package.Service.Method`.
        request_id: the caller's name for the request.
        body_hash: a digest of the whole request, so that an id can't be used for another one.

    """

    principal: str
    method: str
    request_id: UUID
    body_hash: bytes

    @property
    def key(self) -> dict[str, Any]:
        """The record's key, by column."""
        return {"principal": self.principal, "method": self.method, "request_id": self.request_id}


def _matches() -> Any:
    return and_(*(IDEMPOTENCY.c[name] == bindparam(name) for name in _KEY))


def _claim_statement() -> Statement:
    table = IDEMPOTENCY
    row_id: Any = literal_column("ctid")
    expired = (
        select(row_id)
        .select_from(table)
        .where(table.c.created_at < func.now() - bindparam("retention", type_=Interval))
        .order_by(table.c.created_at)
        .limit(PURGED_PER_CLAIM)
        .with_for_update(skip_locked=True)
    )
    purge = delete(table).where(row_id == any_(func.array(expired.scalar_subquery()))).cte("expired")
    record = insert(table).values({name: bindparam(name) for name in (*_KEY, "body_hash")})
    claim = record.on_conflict_do_nothing().returning(table.c.created_at).add_cte(purge)
    return compile_statement(claim, writes=True, name="claim request id")


_CLAIM = _claim_statement()
_FIND = compile_statement(
    select(IDEMPOTENCY.c.body_hash, IDEMPOTENCY.c.response).where(_matches()), name="find request id"
)
_KEEP = compile_statement(
    update(IDEMPOTENCY).where(_matches()).values(response=bindparam("answer")),
    writes=True,
    name="keep answer",
)


class RequestIds:
    """The records of honoured request ids.

    Args:
        retention: seconds that an answer is kept for at least.

    """

    def __init__(self, retention: float) -> None:
        self._retention = (0, 0, timedelta(seconds=retention) // _MICROSECOND)

    async def claim(self, transaction: Transaction, claim: Claim) -> bytes | None:
        """Return the answer given to an earlier request of the same id; None where this is the first.

        Waits for a transaction that holds the same id. Raises InvalidArgument (reason REQUEST_ID_REUSED)
        where the earlier request was another one.
        """
        values = {**claim.key, "body_hash": claim.body_hash, "retention": self._retention}
        for _ in range(_CLAIMS):
            if await transaction.fetch(_CLAIM, _CLAIM.arguments(values)):
                return None
            found = await transaction.fetch(_FIND, _FIND.arguments(claim.key))
            if found:
                return _answer(claim, found[0][0], found[0][1])
        # Only a record that expires between the two statements, over and over, leads here.
        raise Aborted("the request_id is being released: send the request again", reason="REQUEST_ID_BUSY")

    async def keep(self, transaction: Transaction, claim: Claim, answer: bytes) -> None:
        """Store the answer of a claimed request."""
        await transaction.fetch(_KEEP, _KEEP.arguments({**claim.key, "answer": answer}))


def _answer(claim: Claim, body_hash: bytes, answer: bytes) -> bytes:
    if body_hash != claim.body_hash:
        raise InvalidArgument.field(
            "request_id", "was used for a request with another content", reason="REQUEST_ID_REUSED"
        )
    return answer
