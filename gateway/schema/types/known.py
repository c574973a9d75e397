"""Messages held to their schema: fields that it doesn't know, and enum numbers that it doesn't name.

Neither has a place in a column or a name in a document, so both would be lost, or kept as what no reader
understands. https://protobuf.dev/programming-guides/proto3/#unknowns
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.unknown_fields import UnknownFieldSet

from gateway.schema.reach import reachable
from gateway.schema.values import ValueFault

UNKNOWN_FIELD = ValueFault("is a field that the schema doesn't know, by its number", "UNKNOWN_FIELDS")
"""The fault of a row's own field."""

_ANY = "google.protobuf.Any"
# Their one enum has one value, which is written whatever its number.
_DYNAMIC = ("google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue")


def refuse_unknown_fields(message: Message) -> None:
    """Raise ValueFault, which names the first, where the message holds unknown fields at any depth."""
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    if known.ByteSize() != message.ByteSize():
        path = next(_found(message, _unknown_here, _any_message), "")
        raise ValueFault(f"holds a field that the schema doesn't know, {path}", "UNKNOWN_FIELDS")


def refusing_unknown(encode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the encoder of a message that is one value, which then raises ValueFault for unknown fields."""

    def check(value: Any) -> Any:
        if UnknownFieldSet(value):
            number = unknown_numbers(value)[0]
            raise ValueFault(f"holds a field that the schema doesn't know, {number}", "UNKNOWN_FIELDS")
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


def strictness(field: FieldDescriptor) -> Callable[[Message], None]:
    """Return the function that raises ValueFault for what a message holds in a field and nothing can name.

    That is an unknown field, or an enum's number without a name, at any depth, in packed messages too. Of the
    message only the field is set.
    """
    message = field.message_type
    packs = _ANY in reachable(message)
    numbers = field.enum_type is not None or (message is not None and _holds_enums(message))

    def check(value: Message) -> None:
        refuse_unknown_fields(value)
        if numbers:
            _refuse_unnamed_numbers(value)
        for packed in _packed(value) if packs else ():
            refuse_unknown_fields(packed)
            _refuse_unnamed_numbers(packed)

    return check


def _refuse_unnamed_numbers(message: Message) -> None:
    path = next(_found(message, _unnamed_here, _holds_enums), None)
    if path is not None:
        raise ValueFault(f"holds a number that its enum has no name for, {path}", "UNKNOWN_ENUM_VALUE")


def _found(
    message: Message,
    here: Callable[[Message], Iterable[str]],
    enters: Callable[[Descriptor], bool],
    path: str = "",
) -> Iterator[str]:
    """Yield the paths of what `here` finds in a message, and in those below it of types that it enters."""
    yield from (f"{path}{name}" for name in here(message))
    for name, value in _below(message):
        if enters(value.DESCRIPTOR):
            yield from _found(value, here, enters, f"{path}{name}.")


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


def _any_message(_: Descriptor) -> bool:
    return True


def _unknown_here(message: Message) -> Iterator[str]:
    return map(str, unknown_numbers(message))


@cache
def _holds_enums(message: Descriptor) -> bool:
    held = [one for name, one in reachable(message).items() if name not in _DYNAMIC]
    return message.full_name not in _DYNAMIC and any(
        f.enum_type is not None for one in held for f in one.fields
    )


def _unnamed_here(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        enum = _enum_of(field)
        if enum is not None:
            known = enum.values_by_number
            yield from (path for path, number in _elements(field, value) if number not in known)


def _enum_of(field: FieldDescriptor) -> EnumDescriptor | None:
    """Return the enum that the values of a field are of, or those of a map; None for others."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        field = field.message_type.fields_by_name["value"]
    return field.enum_type


def _packed(message: Message) -> Iterator[Message]:
    """Yield the messages in each google.protobuf.Any; not those of types that the schema doesn't have."""
    if message.DESCRIPTOR.full_name == _ANY:
        packed = _unpacked(message)
        if packed is not None:
            yield packed
            yield from _packed(packed)
    for _, below in _below(message):
        yield from _packed(below)


def _unpacked(message: Any) -> Message | None:
    try:
        found = message.DESCRIPTOR.file.pool.FindMessageTypeByName(message.type_url.rpartition("/")[2])
    except KeyError:
        return None
    packed: Message = GetMessageClass(found)()
    return packed if message.Unpack(packed) else None
