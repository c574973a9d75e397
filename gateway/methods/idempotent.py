"""Idempotent writes: run once per request_id (AIP-155), rolled back under validate_only (AIP-163)."""

import re
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.auth.principal import Principal
from gateway.db.database import Row, Transaction
from gateway.db.dry_run import dry_run
from gateway.db.executor import Executor
from gateway.db.internal_tables.idempotency import Claim
from gateway.db.statements.transaction_mode import USUAL, Mode
from gateway.errors import InvalidArgument
from gateway.methods.caller_key import caller_key_of
from gateway.methods.engine import Engine
from gateway.request.calls.call import Call
from gateway.schema.model import Method
from gateway.sql.statement import Statement

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Session(Protocol):
    """What a write of single statements needs: a transaction, or the database itself."""

    @property
    def principal(self) -> Principal:
        """On whose behalf."""

    async def fetch(self, statement: Statement, args: Sequence[object]) -> Sequence[Row]:
        """Run a statement with its arguments in bind order; return its rows."""


class _Alone:
    """Statements that are each a transaction of their own: no BEGIN and COMMIT to wait for."""

    def __init__(self, database: Executor, call: Call) -> None:
        self._database = database
        self._call = call

    @property
    def principal(self) -> Principal:
        return self._call.principal

    async def fetch(self, statement: Statement, args: Sequence[object]) -> Sequence[Row]:
        return await self._database.fetch(statement, args, self._call)


class Writes:
    """Carries out the work of one write method.

    Under `validate_only` the work runs in a transaction that is rolled back, and no request_id is used up.
    With a `request_id` its answer is stored in the work's own transaction; a repetition, also one that
    arrives meanwhile, gets the first answer and writes nothing. A failed request leaves no record.
    """

    def __init__(self, method: Method, engine: Engine) -> None:
        self._database = engine.database
        self._ids = engine.request_ids
        self._require_own_tables = engine.require_own_tables
        self._answer = GetMessageClass(method.descriptor.output_type)
        self._has_id = "request_id" in method.request
        self._has_dry_run = "validate_only" in method.request
        # An answer is for whoever may have what it holds: the same caller may have lost a role since.
        self._caller_key = caller_key_of(method, engine)

    async def atomically(
        self,
        request: Message,
        call: Call,
        work: Callable[[Transaction], Awaitable[Message]],
        mode: Mode = USUAL,
        caller_key: Callable[[Principal], bytes] | None = None,
    ) -> Message:
        """Run `work` in one transaction, which begins as `mode` says; return its answer.

        An answer that is kept is for callers with the same key, by default that of the method's callers.

        `work` may be run again from its start after it failed or its transaction was lost, so it must change
        nothing but through its Transaction. Raises InvalidArgument for a request_id that is no UUID
        (INVALID_UUID) or that another request had (REQUEST_ID_REUSED), and what `work` raises.
        """
        claim = self._claim(request, call, caller_key or self._caller_key)
        if self._is_dry_run(request):
            return await dry_run(self._database, work, call, mode)
        if claim is None:
            return await self._database.transact(work, call, mode)
        return await self._once(claim, call, work, mode)

    def is_plain(self, request: Message) -> bool:
        """Whether the request asks for neither: one statement may do it, without a transaction around."""
        return not (self._is_dry_run(request) or (self._has_id and bool(getattr(request, "request_id"))))  # noqa: B009 - a dynamic message

    def alone(self, call: Call) -> Session:
        """Return the session of a plain request whose statements are each a transaction of their own."""
        return _Alone(self._database, call)

    async def _once(
        self, claim: Claim, call: Call, work: Callable[[Transaction], Awaitable[Message]], mode: Mode
    ) -> Message:
        async def run(transaction: Transaction) -> Message:
            earlier = await self._ids.claim(transaction, claim)
            if earlier is not None:
                return self._answer.FromString(earlier)
            transaction.idempotency_key = claim.request_id
            answer = await work(transaction)
            await self._ids.keep(transaction, claim, answer.SerializePartialToString(deterministic=True))
            return answer

        return await self._database.transact_once(run, call, mode)

    def _is_dry_run(self, request: Message) -> bool:
        return self._has_dry_run and bool(getattr(request, "validate_only"))  # noqa: B009 - a dynamic message

    def _claim(self, request: Message, call: Call, caller_key: Callable[[Principal], bytes]) -> Claim | None:
        text: str = getattr(request, "request_id") if self._has_id else ""  # noqa: B009 - a dynamic message
        if not text:
            return None
        self._require_own_tables("request_id")
        if not _UUID.fullmatch(text):
            raise InvalidArgument.field(
                "request_id", "is no UUID: send 36 characters such as a random UUID", reason="INVALID_UUID"
            )
        key = caller_key(call.principal)
        digest = sha256(request.SerializeToString(deterministic=True) + key).digest()
        return Claim(call.principal.name, call.method, UUID(text), digest)
