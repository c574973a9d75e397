"""Steps: each is read, let in and checked before the transaction begins, and carried out in it."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import Any, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2
from rowgate.v1 import transactions_pb2

from gateway.db.database import Transaction
from gateway.db.steps import StepCall
from gateway.errors import Internal, InvalidArgument, RowgateError
from gateway.methods.engine import Engine
from gateway.methods.handlers import AnyHandler, Handler, WrittenResponse
from gateway.methods.transactions.admission import StepAdmission, TransactionHandler
from gateway.methods.transactions.bindings import Binding, not_in_transaction, read_bindings
from gateway.methods.transactions.expectations import check_expectation, check_rows
from gateway.methods.transactions.hidden_fields import HiddenFields
from gateway.methods.transactions.step_errors import in_field, note
from gateway.observe.call_record import CallRecord
from gateway.request.calls.bulkheads import Operation
from gateway.request.calls.call import Call
from gateway.response.serialized import serialized
from gateway.schema.diagnostics import near
from gateway.schema.model import Method, TransactionMethod
from gateway.schema.protojson import steps
from gateway.schema.services.standard_methods import Streams

_logger = logging.getLogger(__name__)
_TYPE_URL = "type.googleapis.com/"
"""What stands before the full name of a packed message."""
MakeHandler = Callable[[Method, Engine], AnyHandler | TransactionHandler]
"""Makes the handler of a method."""


@dataclass(frozen=True, slots=True)
class CalledStep:
    """A step of which only the method is known, which its caller may call.

    Args:
        sent: as it was sent.
        rpc: its method.
        call: as a call of its own; without a transaction.
        record: what is observed of it.

    """

    sent: transactions_pb2.Step
    rpc: Method
    call: StepCall
    record: CallRecord


@dataclass(frozen=True, slots=True)
class Step:
    """A step that has been let in, and is right as far as its request tells.

    Args:
        sent: as it was sent.
        rpc: its method.
        request: its request, without what it takes of others' responses.
        bindings: that.
        call: as a call of its own; without a transaction.
        record: what is observed of it.
        handler: answers it.

    """

    sent: transactions_pb2.Step
    rpc: Method
    request: Message
    bindings: Sequence[Binding]
    call: StepCall
    record: CallRecord
    handler: Handler


class Steps:
    """The methods that may be steps, and their handlers.

    Args:
        engine: the gateway's parts, of steps or of calls of their own.
        make: makes a method's handler, the first time that one is called as a step.
        field: that holds the step's request where it is sent; empty where it is the request itself.
        of_whole: the fields of requests that are refused in them, as they are the whole's.

    """

    def __init__(
        self,
        engine: Engine,
        make: MakeHandler,
        *,
        field: str = "request",
        of_whole: Sequence[str] = ("request_id", "validate_only"),
    ) -> None:
        self._engine = engine
        self._make = make
        self._field = field
        self._of_whole = of_whole
        self._methods: Mapping[str, Method] = {
            name: rpc for name, rpc in engine.methods.items() if _may_be_step(rpc)
        }
        self._operations = {name: Operation.of(rpc) for name, rpc in self._methods.items()}
        self._handlers: dict[str, Handler] = {}
        self._hidden = HiddenFields(engine)

    async def read(
        self, sent: transactions_pb2.Step, before: Sequence[Method], call: Call, admission: StepAdmission
    ) -> Step:
        """Return a step that may be carried out.

        Raises PermissionDenied where the caller may not call its method, ResourceExhausted where it calls too
        often, and InvalidArgument for a method, a request, a binding or an expectation that is none.
        """
        called = self.let_in(sent, call, admission)
        with _told(called, admission):
            admission.draw([called.rpc], called.call)
        return await self.read_let_in(called, before, admission)

    def let_in(self, sent: transactions_pb2.Step, call: Call, admission: StepAdmission) -> CalledStep:
        """Return a step whose method its caller may call, and of which nothing else is known.

        Raises PermissionDenied, and InvalidArgument for a method that is none.
        """
        rpc = self._method(sent.method, call, admission)
        record = _record(rpc, call, len(sent.request.value))
        called = CalledStep(sent, rpc, _step_call(rpc, call, self._operations[rpc.full_name], record), record)
        with _told(called, admission):
            admission.enter(rpc, called.call)
        return called

    async def read_let_in(
        self, called: CalledStep, before: Sequence[Method], admission: StepAdmission
    ) -> Step:
        """Return a step that may be carried out, of one that has been let in and counted.

        Raises InvalidArgument for a request, a binding or an expectation that is none.
        """
        sent, rpc = called.sent, called.rpc
        roles = called.call.principal.roles
        with _told(called, admission):
            body = self._packed(sent, rpc)
            with in_field(self._field):
                request = await admission.parse(rpc, body)
                _check_hoisted(request, rpc, self._of_whole)
            check_expectation(sent, rpc)
            hidden = partial(self._hidden, roles=roles)
            bindings = read_bindings(sent, rpc, before, hidden, self._of_whole)
        return Step(sent, rpc, request, bindings, called.call, called.record, self._handler(rpc, admission))

    async def carry_out(
        self, step: Step, before: Sequence["Answered"], transaction: Transaction | None
    ) -> "Answered":
        """Return what a step is answered with.

        Args:
            step: the step.
            before: the answers of the steps before it.
            transaction: an open one; None where the engine is that of calls of their own.

        """
        begun = monotonic()
        call = step.call
        if transaction is not None:
            call = transaction.call = replace(call, opened=transaction)
        try:
            request = _bound(step, before)
            with in_field(self._field):
                response = await step.handler(request, call)
            check_rows(step.sent, step.rpc, response)
            body = response.body if isinstance(response, WrittenResponse) else serialized(response)
        except RowgateError as error:
            note(step.record, error)
            raise
        except Exception as error:
            raise _unexpected(step, error) from error
        finally:
            call.hold(0)
            step.record.duration = monotonic() - begun
        step.record.code, step.record.reason, step.record.response_bytes = code_pb2.OK, "", len(body)
        return Answered(step.rpc.descriptor.output_type, body)

    def _method(self, name: str, call: Call, admission: StepAdmission) -> Method:
        rpc = self._methods.get(name.replace("/", "."))
        if rpc is None:
            admission.require_told(_path_of(name), call)
            callable_ = [full_name for full_name, one in self._methods.items() if admission.allows(one, call)]
            guess = f"; {found}" if (found := near(name, callable_)) else ""
            raise InvalidArgument.field(
                "method",
                f"names no unary method that is served, as package.Service.Method{guess}",
                reason="UNKNOWN_STEP",
            )
        return rpc

    def _packed(self, sent: transactions_pb2.Step, rpc: Method) -> bytes:
        """Return the bytes of a step's request."""
        wanted = str(rpc.descriptor.input_type.full_name)
        if steps.type_of(sent.request) != wanted:
            raise InvalidArgument.field(
                "request", f"is no {wanted}, which {rpc.full_name} takes", reason="WRONG_STEP_REQUEST"
            )
        with in_field(self._field):
            steps.raise_unread(sent.request)
        return bytes(sent.request.value)

    def _handler(self, rpc: Method, admission: StepAdmission) -> Handler:
        found = self._handlers.get(rpc.full_name)
        if found is None:
            made = self._make(rpc, self._engine)
            handler = made.behind(admission) if isinstance(made, TransactionHandler) else made
            found = self._handlers[rpc.full_name] = cast("Handler", handler)
        return found


class Answered:
    """A step's response.

    Args:
        message: its type.
        body: its bytes.

    """

    __slots__ = ("_message", "_read", "body")

    def __init__(self, message: Descriptor, body: bytes) -> None:
        self._message = message
        self._read: Message | None = None
        self.body = body

    def pack(self, target: Any) -> None:
        """Put it into a google.protobuf.Any."""
        target.type_url = f"{_TYPE_URL}{self._message.full_name}"
        target.value = self.body

    def read(self) -> Message:
        """Return it as a message, which is made once."""
        if self._read is None:
            self._read = GetMessageClass(self._message).FromString(self.body)
        return self._read


def _may_be_step(rpc: Method) -> bool:
    return Streams.of(rpc.descriptor) is Streams.NEITHER and not isinstance(rpc, TransactionMethod)


def _path_of(name: str) -> str:
    """Return the path of a method as it is named, whether or not there is one."""
    service, _, method = name.replace("/", ".").rpartition(".")
    return f"/{service}/{method}"


@contextmanager
def _told(called: CalledStep, admission: StepAdmission) -> Iterator[None]:
    """Tell the observers of a step that is refused."""
    try:
        yield
    except RowgateError as error:
        note(called.record, error)
        admission.tell(called.record)
        raise


def _unexpected(step: Step, error: Exception) -> Internal:
    """Log an exception that nobody foresaw; return what the step is refused with."""
    path, of_call = step.rpc.path, {"request_id": step.record.request_id}
    _logger.error("unexpected error in the step %s", path, exc_info=error, extra=of_call)
    internal = Internal("internal error", reason="INTERNAL")
    internal.__cause__ = error
    note(step.record, internal)
    return internal


def _check_hoisted(request: Message, rpc: Method, of_whole: Sequence[str]) -> None:
    """Raise InvalidArgument for what is the whole transaction's to ask for."""
    for name in of_whole:
        if name in rpc.request and getattr(request, rpc.request[name].name):
            raise not_in_transaction(name)


def _bound(step: Step, before: Sequence[Answered]) -> Message:
    """Return a step's request with the values of earlier responses; it may be asked for again."""
    if not step.bindings:
        return step.request
    request = type(step.request)()
    request.CopyFrom(step.request)
    for binding in step.bindings:
        binding.apply(before[binding.from_step].read(), request)
    return request


def _record(rpc: Method, call: Call, size: int) -> CallRecord:
    """Return the record of a step, which has the whole's request id."""
    of_whole = call.record
    record = CallRecord(rpc.path.removeprefix("/"), "", request_bytes=size)
    if of_whole is not None:
        record.request_id, record.peer = of_whole.request_id, of_whole.peer
        record.trace_id, record.principal = of_whole.trace_id, of_whole.principal
    return record


def _step_call(rpc: Method, call: Call, operation: Operation, record: CallRecord) -> StepCall:
    return StepCall(
        rpc.full_name,
        call.principal,
        call.deadline,
        operation,
        call.caller,
        record.request_bytes,
        memory=call.memory,
        spans=call.spans,
        record=record,
    )
