"""Paths to fields of messages, as bindings name them: `flight.id`, `flights[0].id`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gateway.methods.transactions.hidden_fields import Hidden
from gateway.schema.diagnostics import suggestion

MAX_PATH = 256
"""The most characters of a path."""


class PathError(ValueError):
    """A path that leads nowhere; says why."""


_PART = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[([0-9]{1,6})\])?")


@dataclass(frozen=True, slots=True)
class Part:
    """One step down: a field, or an element of one that is repeated."""

    field: FieldDescriptor
    index: int | None = None

    @property
    def is_list(self) -> bool:
        """Whether it stands for all elements of a repeated field."""
        return bool(self.field.is_repeated) and self.index is None


@dataclass(frozen=True, slots=True)
class Path:
    """A path that leads somewhere.

    Args:
        text: as it was sent.
        parts: what it is made of; none for the message itself.

    """

    text: str
    parts: Sequence[Part]

    @property
    def last(self) -> Part:
        """What it leads to."""
        return self.parts[-1]

    def read(self, message: Message) -> Any:
        """Return the value in a message; None for a field that is unset there, or below one that is.

        Raises PathError for an element that isn't there.
        """
        value: Any = message
        for part in self.parts:
            if part.field.has_presence and not value.HasField(part.field.name):
                return None
            value = getattr(value, part.field.name)
            if part.index is not None:
                value = _element(value, part, self.text)
        return value

    def write(self, message: Message, value: Any) -> None:
        """Set what the path leads to, or clear it for None, which is for fields that can be unset.

        Raises PathError for an element that isn't there, and for what can't be unset.
        """
        held: Any = message
        for part in self.parts[:-1]:
            held = getattr(held, part.field.name)
            if part.index is not None:
                held = _element(held, part, self.text)
        _set(held, self.last, value, self.text)


def read_path(text: str, message: Descriptor, hidden: Hidden) -> Path:
    """Return a path below a message type, through no hidden field; raises PathError."""
    if not text or len(text) > MAX_PATH:
        raise PathError(f"must have 1 to {MAX_PATH} characters")
    parts: list[Part] = []
    held: Descriptor | None = message
    for name in text.split("."):
        if held is None or (parts and parts[-1].is_list):
            raise PathError(f'"{text}" goes on below what isn\'t one message')
        parts.append(_part(name, held, hidden.get(held.full_name, frozenset())))
        held = parts[-1].field.message_type
    return Path(text, parts)


def _part(name: str, message: Descriptor, hidden: frozenset[str]) -> Part:
    match = _PART.fullmatch(name)
    field = message.fields_by_name.get(match[1]) if match else None
    if match is None or field is None or field.name in hidden:
        known = [one.name for one in message.fields if one.name not in hidden]
        near = suggestion(match[1] if match else name, known)
        raise PathError(f'"{name}" is no field of {message.full_name}; {near}')
    if match[2] is None:
        return Part(field)
    if not field.is_repeated or _is_map(field):
        raise PathError(f'"{field.name}" is no list')
    return Part(field, int(match[2]))


def same_type(given: Part, taken: Part) -> bool:
    """Whether what one path leads to can stand where the other does."""
    one, other = given.field, taken.field
    named = [field.message_type or field.enum_type for field in (one, other)]
    names = [None if each is None else each.full_name for each in named]
    if given.is_list != taken.is_list or _is_map(one) != _is_map(other) or names[0] != names[1]:
        return False
    return bool(one.cpp_type == other.cpp_type) and (one.type == other.type or not _is_text(one))


def type_of(part: Part) -> str:
    """Return what a field holds, in words."""
    named = part.field.message_type or part.field.enum_type
    name = named.full_name if named is not None else _NAMES[part.field.type]
    return f"repeated {name}" if part.is_list else str(name)


def _element(values: Any, part: Part, text: str) -> Any:
    index = part.index or 0
    if index >= len(values):
        raise PathError(f'"{text}": {part.field.name} has {len(values)} elements')
    return values[index]


def _set(held: Any, part: Part, value: Any, text: str) -> None:
    name = part.field.name
    if part.index is not None:
        _set_element(getattr(held, name), part, value, text)
    elif value is None and not (part.is_list or part.field.has_presence):
        raise PathError(f'"{text}" can\'t be unset, as what it takes is')
    elif value is None or part.is_list:
        held.ClearField(name)
        if value is not None:
            getattr(held, name).MergeFrom(value)
    elif part.field.message_type is not None:
        getattr(held, name).CopyFrom(value)
    else:
        setattr(held, name, value)


def _set_element(values: Any, part: Part, value: Any, text: str) -> None:
    _element(values, part, text)
    if part.field.message_type is not None:
        values[part.index].CopyFrom(value)
    else:
        values[part.index] = value


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _is_text(field: FieldDescriptor) -> bool:
    """Whether it is of characters or of bytes, which are of one type in C++ alone."""
    return bool(field.cpp_type == FieldDescriptor.CPPTYPE_STRING)


_NAMES = {
    value: name.removeprefix("TYPE_").lower()
    for name, value in vars(FieldDescriptor).items()
    if name.startswith("TYPE_")
}
