"""Bindings of steps: values of earlier responses that requests take, checked before anything is done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from rowgate.v1 import transactions_pb2

from gateway.errors import FailedPrecondition, FieldViolation, InvalidArgument, RowgateError
from gateway.methods.transactions.hidden_fields import Hidden
from gateway.methods.transactions.paths import Path, PathError, read_path, same_type, type_of
from gateway.schema.model import Method

MAX_BINDINGS = 100
"""The most bindings of one step."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One value that a request takes.

    Args:
        from_step: the place of the step whose response has it.
        source: where it stands there.
        target: where the request takes it.
        place: the binding's proto path in its step.

    """

    from_step: int
    source: Path
    target: Path
    place: str

    def apply(self, response: Message, request: Message) -> None:
        """Put the value into a request; raises FailedPrecondition (BINDING_NOT_FOUND) where there is none."""
        try:
            value = self.source.read(response)
            self.target.write(request, value)
        except PathError as error:
            raise _not_found(self.place, str(error)) from None


def read_bindings(
    sent: transactions_pb2.Step,
    rpc: Method,
    before: Sequence[Method],
    hidden: Callable[[Method], Hidden],
    of_whole: Sequence[str],
) -> tuple[Binding, ...]:
    """Return a step's bindings; raises InvalidArgument for what leads nowhere, or is of another type.

    Args:
        sent: the step.
        rpc: its method.
        before: the methods of the steps before it.
        hidden: returns the fields of a method's messages that the caller may not read.
        of_whole: the fields of requests that no step may take, as they are the whole's.

    """
    if len(sent.bindings) > MAX_BINDINGS:
        raise InvalidArgument.field(
            "bindings",
            f"are {len(sent.bindings)}; at most {MAX_BINDINGS} are allowed",
            reason="TOO_MANY_BINDINGS",
        )
    read = tuple(_read(one, f"bindings[{i}]", rpc, before, hidden) for i, one in enumerate(sent.bindings))
    hoisted = {rpc.request[role].name for role in of_whole if role in rpc.request}
    for one in read:
        if one.target.parts[0].field.name in hoisted:
            raise not_in_transaction(f"{one.place}.to_path")
    return read


def not_in_transaction(field: str) -> InvalidArgument:
    """Return the error of a step that asks for what the whole transaction alone may ask for."""
    wrong = "is the transaction's own: set it beside the steps"
    return InvalidArgument.field(field, wrong, reason="NOT_IN_TRANSACTION")


def _read(
    sent: transactions_pb2.Binding,
    place: str,
    rpc: Method,
    before: Sequence[Method],
    hidden: Callable[[Method], Hidden],
) -> Binding:
    if not 0 <= sent.from_step < len(before):
        wrong = f"is {sent.from_step}: name a step before this one, by its place from 0"
        raise _wrong(f"{place}.from_step", wrong)
    given_by = before[sent.from_step]
    source = _path(sent.from_path, f"{place}.from_path", given_by.descriptor.output_type, hidden(given_by))
    target = _path(sent.to_path, f"{place}.to_path", rpc.descriptor.input_type, hidden(rpc))
    if not same_type(source.last, target.last):
        given, taken = type_of(source.last), type_of(target.last)
        raise _wrong(f"{place}.to_path", f'takes {taken}, and "{sent.from_path}" is {given}')
    return Binding(sent.from_step, source, target, place)


def _path(text: str, place: str, message: Descriptor, hidden: Hidden) -> Path:
    try:
        return read_path(text, message, hidden)
    except PathError as error:
        raise _wrong(place, str(error)) from None


def _wrong(place: str, description: str) -> InvalidArgument:
    return InvalidArgument.field(place, f"can't be bound: {description}", reason="INVALID_BINDING")


def _not_found(place: str, description: str) -> RowgateError:
    reason = "BINDING_NOT_FOUND"
    violation = FieldViolation(place, description, reason)
    return FailedPrecondition(f"{place}: {description}", reason=reason, violations=[violation])
