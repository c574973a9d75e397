"""Honoured request ids: the first answer of a write, kept in the write's own transaction (AIP-155)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from gateway.db.database import Transaction
from gateway.errors import Aborted, AlreadyExists, InvalidArgument
from gateway.schema.internal import IDEMPOTENCY
from gateway.sql.statement import compile_statement

_KEY = ("principal", "method", "request_id")
_CLAIMS = 4


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


_CLAIM = compile_statement(
    insert(IDEMPOTENCY)
    .values({name: bindparam(name) for name in (*_KEY, "body_hash")})
    .on_conflict_do_nothing()
    .returning(IDEMPOTENCY.c.created_at),
    writes=True,
    name="claim request id",
)
_FIND = compile_statement(
    select(IDEMPOTENCY.c.body_hash, IDEMPOTENCY.c.response, IDEMPOTENCY.c.left_out).where(_matches()),
    name="find request id",
)
_KEEP = compile_statement(
    update(IDEMPOTENCY).where(_matches()).values(response=bindparam("answer"), left_out=bindparam("size")),
    writes=True,
    name="keep answer",
)


class RequestIds:
    """The records of honoured request ids.

    Args:
        max_bytes: size of an answer that is kept.

    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    async def claim(self, transaction: Transaction, claim: Claim) -> bytes | None:
        """Return the answer given to an earlier request of the same id; None where this is the first.

        Waits for a transaction that holds the same id. Raises InvalidArgument (reason REQUEST_ID_REUSED)
        where the earlier request was another one, AlreadyExists (ANSWER_NOT_KEPT) where its answer was too
        large to be kept.
        """
        values = {**claim.key, "body_hash": claim.body_hash}
        for _ in range(_CLAIMS):
            if await transaction.fetch(_CLAIM, _CLAIM.arguments(values)):
                return None
            found = await transaction.fetch(_FIND, _FIND.arguments(claim.key))
            if found:
                return self._answer(claim, *found[0])
        # Only a record that expires between the two statements, over and over, leads here.
        raise Aborted("the request_id is being released: send the request again", reason="REQUEST_ID_BUSY")

    async def keep(self, transaction: Transaction, claim: Claim, answer: bytes) -> None:
        """Store the answer of a claimed request, or its size where it is too large."""
        fits = len(answer) <= self._max_bytes
        kept = {"answer": answer, "size": 0} if fits else {"answer": b"", "size": len(answer)}
        await transaction.fetch(_KEEP, _KEEP.arguments({**claim.key, **kept}))

    def _answer(self, claim: Claim, body_hash: bytes, answer: bytes, left_out: int) -> bytes:
        if body_hash != claim.body_hash:
            raise InvalidArgument.field(
                "request_id", "was used for a request with another content", reason="REQUEST_ID_REUSED"
            )
        if left_out:
            raise AlreadyExists(
                f"the request was carried out before; its answer had {left_out} bytes, more than the "
                f"{self._max_bytes} that are kept: read the rows",
                reason="ANSWER_NOT_KEPT",
            )
        return answer
