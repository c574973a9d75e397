"""The parameters of a query: what a request and its caller say, as the driver binds it."""

from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf.message import Message

from gateway.auth.principal import Principal
from gateway.errors import InvalidArgument
from gateway.policy.caller import own_reader
from gateway.policy.rule_checker import driver_value
from gateway.request.rows import merge_errors
from gateway.schema.sql_method import SqlMethod, SqlParameter
from gateway.schema.values import InvalidValueError, ValueType

_Read = Callable[[Message, Principal], Any]


def parameters_reader(method: SqlMethod) -> Callable[[Message, Principal], Sequence[Any]]:
    """Return the function that reads a request's parameters, and its caller's, in their order.

    What is unset is None. It raises InvalidArgument for what PostgreSQL can't be given, by path.
    """
    readers = [_caller_reader(one) if one.is_callers else _field_reader(one) for one in method.parameters]

    def read(request: Message, caller: Principal) -> Sequence[Any]:
        values, errors = [], []
        for reader in readers:
            try:
                values.append(reader(request, caller))
            except InvalidArgument as error:
                errors.append(error)
        if errors:
            raise merge_errors(errors)
        return values

    return read


def _field_reader(parameter: SqlParameter) -> _Read:
    *above, leaf = parameter.path
    holders, name, has_presence = [one.name for one in above], leaf.name, leaf.has_presence
    encode = _known(parameter).encode

    def read(request: Message, _caller: Principal) -> Any:
        held: Message = request
        for holder in holders:
            if not held.HasField(holder):
                return None
            held = getattr(held, holder)
        if has_presence and not held.HasField(name):
            return None
        value = getattr(held, name)
        try:
            return value if encode is None else encode(value)
        except InvalidValueError as error:
            raise InvalidArgument.field(parameter.name, error.description, reason=error.reason) from error

    return read


def _caller_reader(parameter: SqlParameter) -> _Read:
    _, part, *below = parameter.name.split(".")
    if part == "roles":
        return lambda _request, caller: sorted(caller.roles)
    value = own_reader(part, tuple(below))
    read = driver_value(_known(parameter), value, is_text=part == "id")
    return lambda _request, caller: read(caller)


def _known(parameter: SqlParameter) -> ValueType:
    if parameter.type is None:
        raise AssertionError(parameter.name)
    return parameter.type
