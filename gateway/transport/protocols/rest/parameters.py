"""Parameters: texts of a URL's query and path, as values of the request's fields.

They are written as ProtoJSON writes them (protobuf.dev), texts without quotes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.errors.suggest import did_you_mean
from gateway.schema.protojson.errors import JsonError
from gateway.schema.protojson.reader import Readers
from gateway.schema.routes import JSON_PARAMETERS, SINGLE_VALUES

MAX_DEPTH = 32
_KNOWN = 1024
_PATH = re.compile(r"(?:`[^`]*`|[^,])+")
_BOOLS = {"true": True, "false": False}
_FIELD_MASK = "google.protobuf.FieldMask"
_CAPITAL = re.compile(r"`[^`]*`|[A-Z]")

Convert = Callable[[str], Any]
"""Returns the value that a text stands for; raises JsonError."""
Tree = dict[str, Any]
"""The fields that parameters set, by name: as a message's constructor takes them."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A field that a parameter sets.

    Args:
        above: the names of the fields that lead to it from the request.
        name: its own.
        repeated: whether it may be given several times.
        convert: returns the value that a text stands for; raises JsonError.
        rivals: the other members of its oneof.

    """

    above: tuple[str, ...]
    name: str
    repeated: bool
    convert: Convert
    rivals: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The field's path in the request."""
        return ".".join(self.steps)

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the fields that lead to it from the request, its own last."""
        return (*self.above, self.name)

    def put(self, text: str, tree: Tree) -> None:
        """Set the field in the tree; raises JsonError."""
        value = self.convert(text)
        for step in self.above:
            tree = tree.setdefault(step, {})
        name = self.name
        if self.repeated:
            tree.setdefault(name, []).append(value)
            return
        if name in tree:
            raise JsonError("is given twice, and holds one value")
        if self.rivals and (rival := next((one for one in self.rivals if one in tree), None)):
            raise JsonError(f"can't be set beside {rival}: the message holds one of them")
        tree[name] = value


@dataclass(slots=True)
class Parameters:
    """The parameters of a request's message, found by their names in the protos or in JSON.

    Args:
        message: the request's.

    """

    message: Descriptor
    _known: dict[str, Parameter] = field(default_factory=dict)

    def find(self, name: str) -> Parameter:
        """Return the parameter of a name, such as `book.publishedAt`; raises JsonError for an unknown one."""
        parameter = self._known.get(name)
        if parameter is None:
            parameter = _found(self.message, _utf8(name))
            if len(self._known) < _KNOWN:  # of messages that hold themselves there is no end
                self._known[name] = parameter
        return parameter


def _found(message: Descriptor, name: str) -> Parameter:
    held: Descriptor | None = message
    steps: list[FieldDescriptor] = []
    for part in name.split(".", MAX_DEPTH):
        if held is None:
            raise JsonError(f'"{steps[-1].name}" holds a single value: give it without what is below')
        steps.append(_field(held, part))
        held = _held(steps[-1], last=len(steps) > name.count("."))
    last = steps[-1]
    oneof = last.containing_oneof
    return Parameter(
        tuple(one.name for one in steps[:-1]),
        last.name,
        last.is_repeated,
        _converter(Readers(message.file.pool), last),
        tuple(one.name for one in oneof.fields if one is not last) if oneof is not None else (),
    )


def _field(message: Descriptor, name: str) -> FieldDescriptor:
    found = message.fields_by_name.get(name) or message.fields_by_camelcase_name.get(name)
    if found is None:
        found = next((one for one in message.fields if one.json_name == name), None)
    if found is None:
        hint = did_you_mean(name, [*message.fields_by_name, *message.fields_by_camelcase_name])
        raise JsonError(f"{message.full_name} has no such field{hint}")
    return found


def _held(field: FieldDescriptor, *, last: bool) -> Descriptor | None:
    """Return the message whose fields may follow a field's name; None where none may."""
    message = field.message_type
    if message is None or message.full_name in SINGLE_VALUES or (last and _is_json(field)):
        return None
    if field.is_repeated:
        raise JsonError("holds several messages: it can't be a parameter")
    if last:
        first = message.fields[0].name if message.fields else ""
        raise JsonError(f"holds a message: give its fields, such as {field.name}.{first}")
    return message


def _is_json(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.full_name in JSON_PARAMETERS


def _converter(readers: Readers, field: FieldDescriptor) -> Convert:
    message = field.message_type
    if message is not None and message.full_name == _FIELD_MASK:
        return _mask
    read = readers.of_field(field)
    if _is_json(field):
        return lambda text: read([_object(text)])[0] if field.is_repeated else read(_object(text))
    is_bool = field.type == FieldDescriptor.TYPE_BOOL or (message is not None and message.name == "BoolValue")
    known: Mapping[str, Any] = _BOOLS if is_bool else {}
    if field.is_repeated:
        return lambda text: read([known.get(text, _utf8(text))])[0]
    if is_bool:
        return lambda text: read(known.get(text, _utf8(text)))
    return lambda text: read(text if text.isascii() else _utf8(text))


def _object(text: str) -> Any:
    """Return what JSON holds; raises JsonError for a text that is none."""
    try:
        return orjson.loads(_utf8(text))
    except orjson.JSONDecodeError:
        raise JsonError('is no JSON, as {"path": "…"}') from None


def _utf8(text: str) -> str:
    """Return a text that is UTF-8, for which lone surrogates stand where it isn't; raises JsonError."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise JsonError("is no UTF-8") from None
    return text


def _mask(text: str) -> Mapping[str, Any]:
    """Return a field mask, of names as in the protos or in JSON; what is in backticks stays as it is."""
    return {"paths": [_CAPITAL.sub(_lowered, path) for path in _PATH.findall(_utf8(text))]}


def _lowered(match: re.Match[str]) -> str:
    text = match[0]
    return text if text.startswith("`") else f"_{text.lower()}"
