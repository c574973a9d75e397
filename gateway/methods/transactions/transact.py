"""Transact: several calls in one transaction, all or none of which are carried out."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2
from rowgate.v1 import transactions_pb2

from gateway.db.database import Transaction
from gateway.db.statements.transaction_mode import Mode
from gateway.errors import InvalidArgument, OutOfRange
from gateway.methods.caller_key import StepKeys
from gateway.methods.engine import Engine
from gateway.methods.handlers import Handler
from gateway.methods.idempotent import Writes
from gateway.methods.transactions.admission import StepAdmission, TransactionHandler
from gateway.methods.transactions.modes import check_reads, mode_of
from gateway.methods.transactions.step_errors import in_step
from gateway.methods.transactions.steps import Answered, CalledStep, MakeHandler, Step, Steps
from gateway.request.calls.call import Call
from gateway.request.enums import known_value
from gateway.schema.model import Method, TransactionMethod

MAX_STEPS = 100
"""The most steps of one request."""


class Transact(TransactionHandler):
    """Answers the steps' responses, in their order, once all are committed.

    All steps are let in, read and checked before the transaction begins. The first that is refused in it ends
    it, and nothing was done; the error tells which. After a serialization failure or a deadlock all steps are
    carried out again, within the deadline. With a request_id they are carried out once, as any write is.

    Args:
        method: the method.
        engine: the gateway's parts.
        make: makes the handlers of steps.

    """

    def __init__(self, method: TransactionMethod, engine: Engine, make: MakeHandler) -> None:
        self._method = method
        self._names = {role: field.name for role, field in method.request.items()}
        self._responses = method.response["responses"].name
        self._answer = GetMessageClass(method.descriptor.output_type)
        self._max_bytes = engine.response_bytes
        self._writes = Writes(method, engine)
        self._caller_key = StepKeys(engine)
        self._steps = Steps(engine.of_steps(), make)

    def behind(self, admission: StepAdmission) -> Handler:
        """Return the method's handler."""
        return partial(self._carry_out, admission=admission)

    async def _carry_out(self, request: Message, call: Call, admission: StepAdmission) -> Message:
        mode = self._mode(request)
        steps = await self._read(request, call, admission, mode)
        caller_key = partial(self._caller_key, [step.rpc for step in steps])
        done: list[Step] = []

        async def work(transaction: Transaction) -> Message:
            done.clear()
            try:
                return await self._done(steps, done, transaction, call)
            finally:
                transaction.call = call

        try:
            return await self._writes.atomically(request, call, work, mode, caller_key)
        except BaseException as error:
            _roll_back(done, error)
            raise
        finally:
            for step in done:
                admission.tell(step.record)

    async def _done(
        self, steps: Sequence[Step], done: list[Step], transaction: Transaction, call: Call
    ) -> Message:
        answers: list[Answered] = []
        size = 0
        for i, step in enumerate(steps):
            done.append(step)
            with in_step(i, step.rpc.full_name):
                answers.append(await self._steps.carry_out(step, answers, transaction))
                size += len(answers[-1].body)
                self._check_size(size)
            call.hold(size)
        return self._answered(answers)

    def _answered(self, answers: Sequence[Answered]) -> Message:
        answer = self._answer()
        packed: Any = getattr(answer, self._responses)
        for one in answers:
            one.pack(packed.add())
        return answer

    async def _read(
        self, request: Message, call: Call, admission: StepAdmission, mode: Mode
    ) -> Sequence[Step]:
        name = self._names["steps"]
        sent: Sequence[transactions_pb2.Step] = getattr(request, name)
        if not 0 < len(sent) <= MAX_STEPS:
            raise InvalidArgument.field(
                name, f"are {len(sent)}; from 1 to {MAX_STEPS} are allowed", reason="WRONG_NUMBER_OF_STEPS"
            )
        called: list[CalledStep] = []
        for i, one in enumerate(sent):
            with in_step(i, one.method):
                called.append(self._steps.let_in(one, call, admission))
        admission.draw([one.rpc for one in called], call, self._method)
        read: list[Step] = []
        before: list[Method] = []
        for i, each in enumerate(called):
            with in_step(i, each.sent.method):
                step = await self._steps.read_let_in(each, before, admission)
                check_reads(step, mode)
            read.append(step)
            before.append(step.rpc)
            await asyncio.sleep(0)
        return read

    def _mode(self, request: Message) -> Mode:
        name = self._names.get("isolation")
        asked = (
            0 if name is None else known_value(transactions_pb2.IsolationLevel, getattr(request, name), name)
        )
        read_only = self._flag(request, "read_only")
        if read_only and self._flag(request, "request_id"):
            wrong = "has nothing to keep where nothing is written: leave it out beside read_only"
            raise InvalidArgument.field(self._names["request_id"], wrong, reason="NOTHING_TO_REPEAT")
        return mode_of(asked, read_only=read_only)

    def _flag(self, request: Message, role: str) -> bool:
        return role in self._names and bool(getattr(request, self._names[role]))

    def _check_size(self, size: int) -> None:
        """Raise OutOfRange where the response would be too large to be sent, before all is committed."""
        if size > self._max_bytes:
            text = f"the responses have more than the limit of {self._max_bytes} bytes: ask for fewer rows"
            raise OutOfRange.past_limit(self._max_bytes, text, reason="RESPONSE_TOO_LARGE")


def _roll_back(done: Sequence[Step], error: BaseException) -> None:
    """Note that the steps that went well are undone, or may be."""
    is_cancelled = isinstance(error, asyncio.CancelledError)
    for step in done:
        if not step.record.code:
            step.record.code = code_pb2.CANCELLED if is_cancelled else code_pb2.ABORTED
            step.record.reason = "CANCELLED" if is_cancelled else "TRANSACTION_ROLLED_BACK"
