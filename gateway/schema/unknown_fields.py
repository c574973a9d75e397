"""Messages held to their schema: fields that it doesn't know.

They have no place in a column and no name in a document, so they would be lost.
https://protobuf.dev/programming-guides/proto3/#unknowns
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from gateway.schema.values import InvalidValueError

UNKNOWN_FIELD = InvalidValueError("is a field that the schema doesn't know, by its number", "UNKNOWN_FIELDS")
"""The error of a row's own field."""


def refuse_unknown_fields(message: Message) -> None:
    """Raise InvalidValueError, which names the first, where the message holds unknown fields at any depth."""
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    if known.ByteSize() != message.ByteSize():
        path = next(_unknown_below(message), "")
        raise InvalidValueError(f"holds a field that the schema doesn't know, {path}", "UNKNOWN_FIELDS")


def refusing_unknown(encode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the encoder of a one-value message, which raises InvalidValueError for unknown fields."""

    def check(value: Any) -> Any:
        if UnknownFieldSet(value):
            number = unknown_numbers(value)[0]
            raise InvalidValueError(f"holds a field that the schema doesn't know, {number}", "UNKNOWN_FIELDS")
        return encode(value)

    return check


def any_unknown(messages: Iterable[Message]) -> bool:
    """Return whether one of many messages holds such fields itself."""
    return any(map(len, map(UnknownFieldSet, messages)))


def has_unknown(message: Message) -> bool:
    """Return whether a message holds fields itself that its schema doesn't know."""
    return len(UnknownFieldSet(message)) > 0


def unknown_numbers(message: Message) -> list[int]:
    """Return the numbers of those fields, each once."""
    found = UnknownFieldSet(message)
    return sorted({found[i].field_number for i in range(len(found))})


def _unknown_below(message: Message, path: str = "") -> Iterator[str]:
    """Yield the paths of the unknown fields in a message, and in those below it."""
    yield from (f"{path}{number}" for number in unknown_numbers(message))
    for name, value in _below(message):
        yield from _unknown_below(value, f"{path}{name}.")


def _below(message: Message) -> Iterator[tuple[str, Any]]:
    for field, value in message.ListFields():
        if field.message_type is not None:
            yield from ((name, one) for name, one in _elements(field, value) if isinstance(one, Message))


def _elements(field: FieldDescriptor, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the values of a field, each with its path."""
    if not field.is_repeated:
        yield field.name, value
    elif field.message_type is not None and field.message_type.GetOptions().map_entry:
        yield from ((f"{field.name}[{key}]", one) for key, one in value.items())
    else:
        yield from ((f"{field.name}[{i}]", one) for i, one in enumerate(value))
