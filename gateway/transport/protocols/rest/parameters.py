"""Parameters: texts of a URL's query and path, as values of the request's fields.

They are written as ProtoJSON writes them (protobuf.dev), without quotes.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isinf
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from gateway.errors.suggest import did_you_mean
from gateway.schema.routes import SINGLE_VALUES

MAX_DEPTH = 32
_KNOWN = 1024
_SHOWN = 64
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NO_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_MAX_FLOAT = 3.4028235e38
_BOOLS = {"true": True, "false": False}
_PATH = re.compile(r"(?:`[^`]*`|[^,])+")
_CAPITAL = re.compile(r"`[^`]*`|[A-Z]")

Tree = dict[str, Any]
"""The fields that parameters set, by name: as a message's constructor takes them."""


class NotThat(ValueError):  # noqa: N818 - turned into a field violation by whoever knows the parameter
    """A text that stands for no value of a field; says what is expected."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A field that a parameter sets.

    Args:
        steps: the names of the fields that lead to it from the request, its own last.
        repeated: whether it may be given several times.
        convert: returns the value that a text stands for; raises NotThat.
        rivals: the other members of its oneof.

    """

    steps: tuple[str, ...]
    repeated: bool
    convert: Callable[[str], Any]
    rivals: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The field's path in the request."""
        return ".".join(self.steps)

    def put(self, text: str, tree: Tree) -> None:
        """Set the field in the tree; raises NotThat."""
        value = self.convert(text)
        for step in self.steps[:-1]:
            tree = tree.setdefault(step, {})
        name = self.steps[-1]
        if self.repeated:
            tree.setdefault(name, []).append(value)
            return
        if name in tree:
            raise NotThat("is given twice, and holds one value")
        if self.rivals and (rival := next((one for one in self.rivals if one in tree), None)):
            raise NotThat(f"can't be set beside {rival}: the message holds one of them")
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
        """Return the parameter of a name, such as `book.publishedAt`; raises NotThat where there is none."""
        parameter = self._known.get(name)
        if parameter is None:
            parameter = _found(self.message, _string(name))
            if len(self._known) < _KNOWN:  # of messages that hold themselves there is no end
                self._known[name] = parameter
        return parameter


def _found(message: Descriptor, name: str) -> Parameter:
    held: Descriptor | None = message
    steps: list[FieldDescriptor] = []
    for part in name.split(".", MAX_DEPTH):
        if held is None:
            raise NotThat(f'"{steps[-1].name}" holds a single value: give it without what is below')
        steps.append(_field(held, part))
        held = _held(steps[-1], last=len(steps) > name.count("."))
    last = steps[-1]
    oneof = last.containing_oneof
    return Parameter(
        tuple(one.name for one in steps),
        last.is_repeated,
        _converter(last),
        tuple(one.name for one in oneof.fields if one is not last) if oneof is not None else (),
    )


def _field(message: Descriptor, name: str) -> FieldDescriptor:
    found = message.fields_by_name.get(name) or message.fields_by_camelcase_name.get(name)
    if found is None:
        found = next((one for one in message.fields if one.json_name == name), None)
    if found is None:
        hint = did_you_mean(name, [*message.fields_by_name, *message.fields_by_camelcase_name])
        raise NotThat(f"{message.full_name} has no such field{hint}")
    return found


def _held(field: FieldDescriptor, *, last: bool) -> Descriptor | None:
    """Return the message whose fields may follow a field's name; None where none may."""
    message = field.message_type
    if message is None or message.full_name in SINGLE_VALUES:
        return None
    if field.is_repeated:
        raise NotThat("holds several messages: it can't be a parameter")
    if last:
        first = message.fields[0].name if message.fields else ""
        raise NotThat(f"holds a message: give its fields, such as {field.name}.{first}")
    return message


def _converter(field: FieldDescriptor) -> Callable[[str], Any]:
    message = field.message_type
    if message is None:
        return _of_enum(field.enum_type) if field.enum_type is not None else _SCALARS[field.type]
    name = message.name
    if name == "FieldMask":
        return _mask
    if name in ("Timestamp", "Duration"):
        return _of_json_text(message)
    inner = _converter(message.fields_by_name["value"])
    return lambda text: {"value": inner(text)}


def _of_enum(enum: EnumDescriptor) -> Callable[[str], int]:
    numbers: Mapping[str, int] = {value.name: value.number for value in enum.values}
    integer = _integer("int32", 32, signed=True)

    def convert(text: str) -> int:
        number = numbers.get(text)
        if number is not None:
            return number
        if _INTEGER.fullmatch(text):
            return integer(text)
        raise NotThat(f"is no {enum.full_name}{did_you_mean(text, numbers)}")

    return convert


def _integer(kind: str, bits: int, *, signed: bool) -> Callable[[str], int]:
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)

    def convert(text: str) -> int:
        if not _INTEGER.fullmatch(text) or not least <= (value := int(text)) <= most:
            raise NotThat(f"is no {kind}: send a whole number from {least} to {most}")
        return value

    return convert


def _double(text: str) -> float:
    if text in _NO_NUMBERS:
        return _NO_NUMBERS[text]
    if not _NUMBER.fullmatch(text) or isinf(value := float(text)):
        raise NotThat("is no double: send a number, NaN, Infinity or -Infinity")
    return value


def _float(text: str) -> float:
    value = _double(text)
    if not isinf(value) and abs(value) > _MAX_FLOAT:
        raise NotThat("is no float: it is too large")
    return value


def _bool(text: str) -> bool:
    if text not in _BOOLS:
        raise NotThat("is no bool: send true or false")
    return _BOOLS[text]


def _string(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise NotThat("is no UTF-8") from None
    return text


def _bytes(text: str) -> bytes:
    try:
        standard = text.replace("-", "+").replace("_", "/")
        return b64decode(standard.rstrip("=") + "=" * (-len(standard.rstrip("=")) % 4), validate=True)
    except ValueError:
        raise NotThat("is no base64") from None


def _mask(text: str) -> Mapping[str, Any]:
    """Return a field mask, of names as in the protos or in JSON; what is in backticks stays as it is."""
    return {"paths": [_CAPITAL.sub(_lowered, path) for path in _PATH.findall(_string(text))]}


def _lowered(match: re.Match[str]) -> str:
    text = match[0]
    return text if text.startswith("`") else f"_{text.lower()}"


def _of_json_text(message: Descriptor) -> Callable[[str], Any]:
    made: Any = GetMessageClass(message)

    def convert(text: str) -> Any:
        value = made()
        try:
            value.FromJsonString(_string(text))
        except ValueError:
            example = "2006-01-02T15:04:05Z" if message.name == "Timestamp" else "1.5s"
            raise NotThat(f"is no {message.name}: write it as {example}") from None
        return value

    return convert


_SCALARS: Mapping[int, Callable[[str], Any]] = {
    FieldDescriptor.TYPE_STRING: _string,
    FieldDescriptor.TYPE_BYTES: _bytes,
    FieldDescriptor.TYPE_BOOL: _bool,
    FieldDescriptor.TYPE_DOUBLE: _double,
    FieldDescriptor.TYPE_FLOAT: _float,
    **{
        getattr(FieldDescriptor, f"TYPE_{kind.upper()}"): _integer(kind, bits, signed=signed)
        for bits, signed, kinds in (
            (32, True, ("int32", "sint32", "sfixed32")),
            (32, False, ("uint32", "fixed32")),
            (64, True, ("int64", "sint64", "sfixed64")),
            (64, False, ("uint64", "fixed64")),
        )
        for kind in kinds
    },
}
