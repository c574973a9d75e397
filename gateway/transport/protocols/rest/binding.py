"""A route made ready for requests: parameters and body become the bytes of the method's request."""

from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.errors import FieldViolation, InvalidArgument
from gateway.request.rows import MAX_VIOLATIONS
from gateway.schema.model import Method
from gateway.schema.protojson.errors import JsonError
from gateway.schema.routes import MANY, Route, Variable
from gateway.transport.protocols.rest.bodies import MergePatch, body_reader
from gateway.transport.protocols.rest.parameters import Parameter, Parameters, Tree
from gateway.transport.protocols.rest.router import variable_text

_SHOWN = 64
_Bound = tuple[int | None, Variable, bool, Parameter]
"""The place of a variable's only segment, where it has one; it; whether it takes any number; what it sets."""


class Binding:
    """One route of a method.

    Args:
        method: the method.
        route: by which it is called.

    """

    def __init__(self, method: Method, route: Route) -> None:
        message = method.descriptor.input_type
        self.method = method
        self.route = route
        self._make: Any = GetMessageClass(message)
        self._parameters = Parameters(message)
        self._variables = [self._bound(variable) for variable in route.template.variables]
        self._read_body = body_reader(message, route.body)
        self._merge_patch = MergePatch.of(method, route)
        self._in_body = [
            parameter for *_, parameter in self._variables if route.body in ("*", parameter.steps[0])
        ]
        self._in_path = {parameter.steps for *_, parameter in self._variables}

    def _bound(self, variable: Variable) -> _Bound:
        many = MANY in self.route.template.segments[variable.start : variable.end]
        place = variable.start + 1 if variable.end - variable.start == 1 and not many else None
        return place, variable, many, self._parameters.find(variable.path)

    def request(self, segments: Sequence[str], pairs: Iterable[tuple[str, str]], body: bytes) -> bytes:
        """Return the request's bytes.

        Raises InvalidArgument for parameters, with all that is wrong with them, and for the body.

        Args:
            segments: of the path, as the router returns them.
            pairs: the query's.
            body: JSON; empty where there is none.

        """
        tree = self.parameters(segments, pairs)
        if self._read_body is None:
            if body:
                raise InvalidArgument("this route takes no body", reason="UNEXPECTED_BODY")
            return self._serialized(tree)
        read = self._read_body(body) if body else b""
        if body and self._merge_patch is not None and self._merge_patch.mask not in tree:
            paths = self._merge_patch.paths(body)
            if paths:
                tree[self._merge_patch.mask] = {"paths": paths}
        if not tree:
            return read
        if read and self._in_body:
            self._check_body(read, tree)
        return read + self._serialized(tree)

    def _serialized(self, tree: Tree) -> bytes:
        serialized: bytes = self._make(**tree).SerializePartialToString()
        return serialized

    def parameters(self, segments: Sequence[str], pairs: Iterable[tuple[str, str]]) -> Tree:
        """Return the fields that path and query set; raises InvalidArgument."""
        tree: Tree = {}
        wrong: list[FieldViolation] = []
        for place, variable, many, parameter in self._variables:
            text = "" if place is None else segments[place]
            if place is None or "%" in text:
                text = variable_text(variable, segments, many=many)
            try:
                parameter.put(text, tree)
            except JsonError as error:
                wrong.append(_violation(parameter.path, error))
        for name, text in pairs:
            try:
                self._free(name).put(text, tree)
            except JsonError as error:
                wrong.append(_violation(name, error))
                if len(wrong) == MAX_VIOLATIONS:  # each is looked for among names like it
                    break
        if wrong:
            raise _refusal(wrong)
        return tree

    def _free(self, name: str) -> Parameter:
        """Return the parameter of a name; raises JsonError for an unknown one, and for one that is bound."""
        parameter = self._parameters.find(name)
        if parameter.steps in self._in_path:
            raise JsonError("is bound by the path already")
        if self.route.body == "*":
            raise JsonError("comes in the body, as all fields do that the path doesn't bind")
        if self.route.body == parameter.steps[0]:
            raise JsonError("is a part of the body")
        return parameter

    def _check_body(self, read: bytes, tree: Tree) -> None:
        """Raise InvalidArgument where the body has another value for a field than the path."""
        body, path = self._make.FromString(read), self._make(**tree)
        for parameter in self._in_body:
            held = _value(body, parameter.steps)
            if held is not None and held != _value(path, parameter.steps):
                wrong = JsonError("is another value than the path's: leave it out of the body")
                raise _refusal([_violation(parameter.path, wrong)])


def _value(message: Message, steps: Sequence[str]) -> Any:
    """Return a field's value; None where it isn't set."""
    held: Any = message
    for step in steps:
        if step not in {field.name for field, _ in held.ListFields()}:
            return None
        held = getattr(held, step)
    return held


def _violation(name: str, wrong: JsonError) -> FieldViolation:
    shown = name[:_SHOWN].encode(errors="replace").decode()
    return FieldViolation(shown, wrong.description, "INVALID_PARAMETER")


def _refusal(wrong: Sequence[FieldViolation]) -> InvalidArgument:
    told = "; ".join(f"{one.field}: {one.description}" for one in wrong)
    return InvalidArgument(f"parameters: {told}", reason="INVALID_PARAMETER", violations=wrong)
