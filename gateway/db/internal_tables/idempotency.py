"""Honoured request ids: the first answer of a write, kept in the write's own transaction (AIP-155)."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from gateway.db.database import Transaction
from gateway.errors import Aborted, AlreadyExists, InvalidArgument, ResourceExhausted
from gateway.schema.tables.internal import IDEMPOTENCY
from gateway.sql.statement import compile_statement

_KEY = ("principal", "method", "request_id")
_CLAIMS = 4
RECORD_BYTES = 200
"""A record without its answer, with its part of the indexes."""
_FULL = 2
"""As many times the room for answers is taken by records that are younger than an hour: no more are kept."""
_FULL_RETRY_SECONDS = 60.0
_LOOKS = 16
"""A look at what is stored is due when this part of the room was taken since the last."""


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
# The lock is written to the log. So COMMIT waits until a synchronous standby has it, and the record with it:
# the wait for that may have been cancelled when it was committed.
_FIND = compile_statement(
    select(IDEMPOTENCY.c.body_hash, IDEMPOTENCY.c.response, IDEMPOTENCY.c.left_out)
    .where(_matches())
    .with_for_update(read=True, key_share=True),
    writes=True,
    name="find request id",
)
_KEEP = compile_statement(
    update(IDEMPOTENCY).where(_matches()).values(response=bindparam("answer"), left_out=bindparam("size")),
    writes=True,
    name="keep answer",
)


class Room:
    """Room for what is kept for request ids, counted on from what was last found stored.

    Args:
        most: bytes of all that is kept.

    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.look_is_due = asyncio.Event()
        self._stored = 0
        self._taken = 0

    def found(self, stored: int) -> None:
        """Take note of how much is stored."""
        self._stored, self._taken = stored, 0
        self.look_is_due.clear()

    def take(self, size: int) -> None:
        """Count bytes that are stored now."""
        self._taken += size
        if self._taken * _LOOKS > self.most:
            self.look_is_due.set()

    def has(self, size: int) -> bool:
        """Whether so many bytes more may be kept."""
        return self._stored + self._taken + size <= self.most

    @property
    def is_full(self) -> bool:
        """Whether not even ids may be kept."""
        return self._stored + self._taken > _FULL * self.most


class RequestIds:
    """The records of honoured request ids.

    Args:
        max_bytes: size of an answer that is kept.
        room: for all of them.

    """

    def __init__(self, max_bytes: int, room: Room) -> None:
        self._max_bytes = max_bytes
        self._room = room

    async def claim(self, transaction: Transaction, claim: Claim) -> bytes | None:
        """Return the answer given to an earlier request of the same id; None where this is the first.

        Waits for a transaction that holds the same id. Raises InvalidArgument (reason REQUEST_ID_REUSED)
        where the earlier request was another one, AlreadyExists (ANSWER_NOT_KEPT) where its answer was too
        large to be kept, or there was no room, and ResourceExhausted where not even a new id has room.
        """
        if self._room.is_full:
            found = await transaction.fetch_own(_FIND, _FIND.arguments(claim.key))
            if not found:
                raise _too_many()
            return self._answer(claim, *found[0])
        values = {**claim.key, "body_hash": claim.body_hash}
        for _ in range(_CLAIMS):
            if await transaction.fetch_own(_CLAIM, _CLAIM.arguments(values)):
                return None
            found = await transaction.fetch_own(_FIND, _FIND.arguments(claim.key))
            if found:
                return self._answer(claim, *found[0])
        # Only a record that expires between the two statements, over and over, leads here.
        raise Aborted("the request_id is being released: send the request again", reason="REQUEST_ID_BUSY")

    async def keep(self, transaction: Transaction, claim: Claim, answer: bytes) -> None:
        """Store the answer of a claimed request, or its size where it is too large or there is no room."""
        fits = len(answer) <= self._max_bytes and self._room.has(RECORD_BYTES + len(answer))
        self._room.take(RECORD_BYTES + fits * len(answer))
        kept = {"answer": answer, "size": 0} if fits else {"answer": b"", "size": len(answer)}
        await transaction.fetch_own(_KEEP, _KEEP.arguments({**claim.key, **kept}))

    def _answer(self, claim: Claim, body_hash: bytes, answer: bytes, left_out: int) -> bytes:
        if body_hash != claim.body_hash:
            raise InvalidArgument.field(
                "request_id",
                "was used for a request with another content, or with other rights of the caller",
                reason="REQUEST_ID_REUSED",
            )
        if left_out:
            raise AlreadyExists(
                f"the request was carried out before, and its answer of {left_out} bytes wasn't kept: "
                "read the rows",
                reason="ANSWER_NOT_KEPT",
            )
        return answer


def _too_many() -> ResourceExhausted:
    return ResourceExhausted(
        "the request_ids of the last hour take more than twice request_id_max_bytes",
        reason="TOO_MANY_REQUEST_IDS",
        retry_delay=_FULL_RETRY_SECONDS,
    )
