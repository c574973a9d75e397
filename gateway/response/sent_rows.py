"""Row → message that is only sent: its bytes are those of the row's message, in half the time.

A Timestamp made of its fields takes six times as long as a number. So what is sent is of a type of its own,
which has bytes in place of each Timestamp: on the wire the two are the same.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.response.rows import (
    RowsToMessage,
    RowToMessage,
    row_to_message,
    row_values,
    rows_in,
    rows_values,
)
from gateway.response.shape import Row, RowShape
from gateway.schema.model import Field
from gateway.schema.types.times import decode_timestamp
from gateway.schema.types.timestamp_bytes import timestamp_bytes
from gateway.schema.values import InvalidValueError

if TYPE_CHECKING:
    _Type: TypeAlias = FieldDescriptorProto.Type.ValueType

_TYPES = 1024
"""Messages whose types for sending are kept."""
_ROW, _ROWS = "Row", "Rows"
_TIMESTAMP = "google.protobuf.Timestamp"
_LONG = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)
"""The types that are never packed."""


def sent_row(shape: RowShape) -> RowToMessage:
    """Return the function that makes of a row what is sent; it raises as that of row_to_message."""
    whole = row_to_message(shape)
    if not _is_sooner_sent(shape):
        return whole
    message, values = GetMessageClass(_sent_type(shape.resource.message)), row_values(_with_bytes(shape))

    def build(row: Row) -> Message:
        try:
            return message(**values(*row))
        except InvalidValueError:
            return whole(row)

    return build


def sent_rows(response: type[Message], name: str, shape: RowShape) -> RowsToMessage:
    """Return the function that makes of rows what is sent; arguments and errors are those of rows_in."""
    whole = rows_in(response, name, shape)
    if not _is_sooner_sent(shape):
        return whole
    row, number = shape.resource.message, response.DESCRIPTOR.fields_by_name[name].number
    holder, values = GetMessageClass(_sent_list(row, name, number)), rows_values(_with_bytes(shape))

    def build(rows: Any) -> Message:
        try:
            return holder(**{name: values(rows)})
        except InvalidValueError:
            return whole(rows)

    return build


def _is_sooner_sent(shape: RowShape) -> bool:
    """Whether there are Timestamps, and all else is the same in a type that knows no other message."""
    fields = shape.shown
    chosen = Counter(
        one.full_name for field in fields if (one := field.descriptor.containing_oneof) is not None
    )
    return (
        any(map(_is_time, fields))
        and all(_is_time(field) or _stands_alone(field.descriptor) for field in fields)
        and max(chosen.values(), default=0) <= 1  # else the message keeps one of several
        and not shape.is_cut
    )


def _is_time(field: Field) -> bool:
    return field.type.decode is decode_timestamp and not field.descriptor.is_repeated


def _stands_alone(field: FieldDescriptor) -> bool:
    """Whether a field has numbers or texts, and takes every number that an enum has."""
    return field.message_type is None and (field.enum_type is None or not field.enum_type.is_closed)


def _with_bytes(shape: RowShape) -> RowShape:
    """Return the shape of the same rows, whose times become bytes."""
    fields = [
        replace(field, type=replace(field.type, decode=timestamp_bytes)) if _is_time(field) else field
        for field in shape.fields
    ]
    return replace(shape, fields=fields)


@lru_cache(_TYPES)
def _sent_type(message: Descriptor) -> Descriptor:
    """Return the type of what is sent of a row."""
    return _made(message, None).message_types_by_name[_ROW]


@lru_cache(_TYPES)
def _sent_list(message: Descriptor, name: str, number: int) -> Descriptor:
    """Return the type of what is sent of rows, in a field of some name and number."""
    rows = DescriptorProto(name=_ROWS)
    label, kind = FieldDescriptorProto.LABEL_REPEATED, FieldDescriptorProto.TYPE_MESSAGE
    rows.field.add(name=name, number=number, label=label, type=kind, type_name=f".{_ROW}")
    return _made(message, rows).message_types_by_name[_ROWS]


def _made(message: Descriptor, rows: DescriptorProto | None) -> FileDescriptor:
    """Return a file of the types: that of a row, and that of rows where there is one."""
    file = FileDescriptorProto(name="sent.proto", syntax="proto3")
    file.message_type.append(_row_type(message))
    if rows is not None:
        file.message_type.append(rows)
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindFileByName(file.name)


def _row_type(message: Descriptor) -> DescriptorProto:
    made = DescriptorProto(name=_ROW)
    longest = max(len(field.name) for field in message.fields)
    for field in _sent_fields(message.fields):
        unlike = f"{'_' * longest}{field.number}"  # any field's name: those are shorter
        copy = made.field.add(name=field.name, number=field.number, type=_wire_type(field), json_name=unlike)
        if field.is_repeated:
            copy.label = FieldDescriptorProto.LABEL_REPEATED
            if field.type not in _LONG:
                copy.options.packed = field.is_packed
        elif field.has_presence:
            # By a oneof of its own, as protoc does it.
            copy.proto3_optional, copy.oneof_index = True, len(made.oneof_decl)
            made.oneof_decl.add(name=f"_{unlike}")
    return made


def _sent_fields(fields: Iterable[FieldDescriptor]) -> Iterator[FieldDescriptor]:
    for field in fields:
        if _stands_alone(field) or _is_bytes(field):
            yield field


def _is_bytes(field: FieldDescriptor) -> bool:
    message = field.message_type
    return message is not None and message.full_name == _TIMESTAMP and not field.is_repeated


def _wire_type(field: FieldDescriptor) -> "_Type":
    if _is_bytes(field):
        return FieldDescriptorProto.TYPE_BYTES
    return FieldDescriptorProto.TYPE_INT32 if field.enum_type is not None else cast("_Type", field.type)
