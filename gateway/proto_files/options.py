"""Elements of descriptors, as they are written: options and fields."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from google.protobuf.message import Message

from gateway.proto_files.text import ProtoField, Value, Word


def values_of(message: Message) -> dict[str, Value]:
    """Return what is set in an option's message."""
    return {descriptor.name: _values(descriptor, value) for descriptor, value in message.ListFields()}


def _values(field: FieldDescriptor, value: Any) -> Any:
    return [_value(field, one) for one in value] if field.is_repeated else _value(field, value)


def _value(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return values_of(value)
    return Word(field.enum_type.values_by_number[value].name) if field.enum_type is not None else value


def written_field(field: FieldDescriptorProto, options: Mapping[str, Value]) -> ProtoField:
    """Return a field as it is written, without its comment.

    Args:
        field: the field.
        options: those of its column.

    """
    label = "optional" if field.proto3_optional else "repeated" * (field.label == field.LABEL_REPEATED)
    return ProtoField(field.name, field.number, type_of(field), "", label, options)


def type_of(field: FieldDescriptorProto) -> str:
    """Return the type of a field; the full name of a message or enum."""
    scalar = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    return field.type_name.removeprefix(".") or scalar
