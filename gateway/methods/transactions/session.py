"""Session: a transaction that lasts as long as a stream, whose messages are its calls."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from functools import partial
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from rowgate.v1 import transactions_pb2

from gateway.db.database import Transaction
from gateway.errors import Aborted, FailedPrecondition, InvalidArgument, OutOfRange, RowgateError
from gateway.errors.status import to_status
from gateway.methods.engine import Engine
from gateway.methods.handlers import BidiHandler, Piece
from gateway.methods.transactions.admission import StepAdmission, TransactionHandler
from gateway.methods.transactions.modes import check_reads, mode_of
from gateway.methods.transactions.step_errors import in_field
from gateway.methods.transactions.steps import MakeHandler, Steps
from gateway.request.calls.call import StreamCall
from gateway.request.enums import known_value
from gateway.schema.model import TransactionMethod

MAX_SAVEPOINTS = 100
"""The most savepoints of one session."""
MAX_NAME = 64
"""The most characters of a savepoint's name."""


class _RolledBack(Exception):  # noqa: N818 - no error: the client's wish
    """Carries the client's wish out of the transaction, which it undoes."""


class Session(TransactionHandler):
    """Answers each message with one: the response to a step, its error, or nothing but that it is done.

    The first message begins the transaction. A step that was refused before it was begun leaves it as it was;
    one that failed leaves it to be rolled back, to a savepoint or as a whole: no step has a savepoint of its
    own, which would cost each of them two round trips. Whatever ends the stream but a commit undoes all.

    Args:
        method: the method.
        engine: the gateway's parts.
        make: makes the handlers of steps.

    """

    def __init__(self, method: TransactionMethod, engine: Engine, make: MakeHandler) -> None:
        self._names = {role: field.name for role, field in method.request.items()}
        self._response = method.response["response"].name
        self._error = method.response["error"].name
        self._answer = GetMessageClass(method.descriptor.output_type)
        self._database = engine.database
        self._max_bytes = engine.response_bytes
        self._idle, self._seconds = engine.session_idle, engine.session_seconds
        self._steps = Steps(engine.of_steps(), make)

    def behind(self, admission: StepAdmission) -> BidiHandler:
        """Return the method's handler."""
        return partial(self._converse, admission=admission)

    async def _converse(
        self, requests: AsyncIterator[Message], call: StreamCall, admission: StepAdmission
    ) -> AsyncGenerator[Piece, None]:
        first = await self._next(requests)
        begin = (
            None if first is None or self._said(first) != ["begin"] else getattr(first, self._names["begin"])
        )
        if begin is None:
            raise InvalidArgument.field(
                self._names["begin"], "is missing: the first message holds it alone", reason="BEGIN_REQUIRED"
            )
        with in_field(self._names["begin"]):
            isolation = known_value(transactions_pb2.IsolationLevel, begin.isolation, "isolation")
        mode = mode_of(isolation, read_only=begin.read_only)
        ends = asyncio.get_running_loop().time() + self._seconds
        call.deadline = ends if call.deadline is None else min(call.deadline, ends)
        try:
            async with self._database.session(call, mode) as transaction:
                open_ = _Open(transaction, mode, call)
                yield self._piece()
                while (request := await self._asked(requests)) is not None:
                    yield await self._done(request, open_, admission)
                open_.check_whole()
        except _RolledBack:
            pass
        yield self._piece()

    async def _next(self, requests: AsyncIterator[Message]) -> Message | None:
        try:
            async with asyncio.timeout(self._idle):
                return await anext(requests, None)
        except TimeoutError as error:
            raise Aborted(
                f"no message came for {self._idle} s: the transaction was rolled back", reason="SESSION_IDLE"
            ) from error

    async def _asked(self, requests: AsyncIterator[Message]) -> Message | None:
        """Return the next thing to do, None for a commit; raises what undoes all."""
        request = await self._next(requests)
        if request is None:
            raise Aborted(
                "the stream ended without a commit: the transaction was rolled back",
                reason="SESSION_NOT_COMMITTED",
            )
        said = self._said(request)
        if said != ["end"]:
            return request
        name = self._names["end"]
        end = known_value(transactions_pb2.SessionEnd, getattr(request, name), name)
        if end == transactions_pb2.SESSION_END_ROLLBACK:
            raise _RolledBack
        if end != transactions_pb2.SESSION_END_COMMIT:
            raise InvalidArgument.field(
                name, "says neither SESSION_END_COMMIT nor SESSION_END_ROLLBACK", reason="ONE_THING_AT_ONCE"
            )
        return None

    async def _done(self, request: Message, open_: "_Open", admission: StepAdmission) -> Piece:
        said = self._said(request)
        role = said[0] if len(said) == 1 else ""
        if role == "step":
            return await self._carry_out(getattr(request, self._names["step"]), open_, admission)
        if role == "savepoint":
            await open_.save(getattr(request, self._names[role]), self._names[role])
        elif role == "rollback_to":
            await open_.go_back(getattr(request, self._names[role]), self._names[role])
        else:
            raise self._wrong(said)
        return self._piece()

    def _wrong(self, said: Sequence[str]) -> InvalidArgument:
        """Return the error of a message that says nothing, several things, or begins once more."""
        if said == ["begin"]:
            wrong = "is of the first message alone: the transaction has begun"
            return InvalidArgument.field(self._names["begin"], wrong, reason="ONE_THING_AT_ONCE")
        names = ", ".join(sorted(self._names.values()))
        found = ", ".join(self._names[role] for role in said) or "nothing (an end is one of two)"
        return InvalidArgument(
            f"each message says one of {names}; this one says {found}", reason="ONE_THING_AT_ONCE"
        )

    async def _carry_out(
        self, sent: transactions_pb2.Step, open_: "_Open", admission: StepAdmission
    ) -> Piece:
        open_.check_whole()
        call = open_.call
        try:
            with in_field(self._names["step"]):
                step = await self._steps.read(sent, (), call, admission)
                check_reads(step, open_.mode)
        except RowgateError as error:
            return self._piece(error=error)
        try:
            with in_field(self._names["step"]):
                answered = await self._steps.carry_out(step, (), open_.transaction)
                self._check_size(len(answered.body))
        except RowgateError as error:
            open_.failed = step.rpc.full_name
            return self._piece(error=error)
        finally:
            open_.transaction.call = call
            admission.tell(step.record)
        answer = self._answer()
        answered.pack(getattr(answer, self._response))
        return Piece(answer.SerializeToString())

    def _said(self, request: Message) -> list[str]:
        """Return the roles that a message has set."""
        found = {field.name for field, _ in request.ListFields()}
        return [role for role, name in self._names.items() if name in found]

    def _piece(self, error: RowgateError | None = None) -> Piece:
        answer: Any = self._answer()
        if error is not None:
            getattr(answer, self._error).MergeFromString(to_status(error).SerializeToString())
        return Piece(answer.SerializeToString())

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            text = f"the response has {size} bytes, more than the limit of {self._max_bytes}"
            raise OutOfRange.past_limit(self._max_bytes, text, reason="RESPONSE_TOO_LARGE")


class _Open:
    """A session's transaction, and how it is.

    Args:
        transaction: the transaction.
        mode: how it began.
        call: the session's.

    """

    def __init__(self, transaction: Transaction, mode: Any, call: StreamCall) -> None:
        self.transaction = transaction
        self.mode = mode
        self.call = call
        self.failed = ""
        """The method of the step that has failed and isn't undone; empty where none is."""
        self._saved: dict[str, tuple[int, int]] = {}
        self._made = 0

    def check_whole(self) -> None:
        """Raise FailedPrecondition, which undoes all, where a step has failed that isn't undone."""
        if self.failed:
            raise FailedPrecondition(
                "a step has failed: roll back to a savepoint before it, or as a whole",
                reason="SESSION_FAILED",
                metadata={"step_method": self.failed},
            )

    async def save(self, name: str, field: str) -> None:
        """Set a savepoint; one of the same name is forgotten."""
        self.check_whole()
        if len(name) > MAX_NAME:
            wrong = f"has more than {MAX_NAME} characters"
            raise InvalidArgument.field(field, wrong, reason="WRONG_SAVEPOINT")
        if len(self._saved) >= MAX_SAVEPOINTS and name not in self._saved:
            wrong = f"is one of more than {MAX_SAVEPOINTS}"
            raise InvalidArgument.field(field, wrong, reason="WRONG_SAVEPOINT")
        self._made += 1
        self._saved.pop(name, None)
        self._saved[name] = self._made, await self.transaction.keep_savepoint(self._made)

    async def go_back(self, name: str, field: str) -> None:
        """Undo what was done since a savepoint, which stays; those after it are gone."""
        if name not in self._saved:
            raise InvalidArgument.field(field, "names no savepoint", reason="WRONG_SAVEPOINT")
        number, made = self._saved[name]
        self._saved = {one: kept for one, kept in self._saved.items() if kept[0] <= number}
        await self.transaction.go_back(number, made)
        self.failed = ""
