"""The way into a message, map or Struct that is stored as jsonb."""

from dataclasses import dataclass
from functools import lru_cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from rowgate.v1 import annotations_pb2

from gateway.errors.suggest import did_you_mean
from gateway.schema.types import value_type
from gateway.schema.types.enums import enum_by_name
from gateway.schema.values import ValueKind, ValueType

_DYNAMIC = {"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue"}
_SCALAR_MESSAGES = {
    "google.protobuf.Timestamp": ValueKind.TIMESTAMP,
    "google.protobuf.Duration": ValueKind.DURATION,
    "google.protobuf.StringValue": ValueKind.TEXT,
    "google.protobuf.BytesValue": ValueKind.BYTES,
    "google.protobuf.BoolValue": ValueKind.BOOL,
    "google.protobuf.Int32Value": ValueKind.INTEGER,
    "google.protobuf.Int64Value": ValueKind.INTEGER,
    "google.protobuf.UInt32Value": ValueKind.INTEGER,
    "google.protobuf.UInt64Value": ValueKind.INTEGER,
    "google.protobuf.FloatValue": ValueKind.FLOAT,
    "google.protobuf.DoubleValue": ValueKind.FLOAT,
}
_SCALARS = {
    FieldDescriptor.CPPTYPE_INT32: ValueKind.INTEGER,
    FieldDescriptor.CPPTYPE_INT64: ValueKind.INTEGER,
    FieldDescriptor.CPPTYPE_UINT32: ValueKind.INTEGER,
    FieldDescriptor.CPPTYPE_UINT64: ValueKind.INTEGER,
    FieldDescriptor.CPPTYPE_FLOAT: ValueKind.FLOAT,
    FieldDescriptor.CPPTYPE_DOUBLE: ValueKind.FLOAT,
    FieldDescriptor.CPPTYPE_BOOL: ValueKind.BOOL,
    FieldDescriptor.CPPTYPE_ENUM: ValueKind.ENUM,
    FieldDescriptor.CPPTYPE_STRING: ValueKind.TEXT,
}


class InvalidStepError(ValueError):
    """A step that leads nowhere: its number among the steps, and what is wrong."""

    def __init__(self, step: int, description: str) -> None:
        super().__init__(description)
        self.step = step
        self.description = description


@dataclass(frozen=True, slots=True)
class Spot:
    """What a way leads to.

    Args:
        field: the field there; None for what a Struct or Value holds, which no descriptor describes.
        keys: the jsonb keys that lead to it.
        rest: how many steps are left, where it is repeated: they go on inside its elements.
        implicit: whether it is a field without presence, which is zero where its message doesn't tell it.
        element: whether it stands for one element of the field, as a map's value does.

    """

    field: FieldDescriptor | None
    keys: tuple[str, ...]
    rest: int = 0
    implicit: bool = False
    element: bool = False

    @property
    def repeated(self) -> bool:
        """Whether it is a list."""
        return (
            self.field is not None and not self.element and self.field.is_repeated and not is_map(self.field)
        )


def follow(field: FieldDescriptor, steps: tuple[str, ...]) -> Spot:
    """Return what `steps` lead to from a jsonb field; stops at a repeated field. Raises InvalidStepError."""
    # A string field that holds JSON text has no descriptor of what is inside.
    is_text = field.message_type is None and not field.is_repeated
    spot = Spot(None if is_text else field, ())
    for i, step in enumerate(steps):
        if spot.repeated:
            return Spot(spot.field, spot.keys, rest=len(steps) - i)
        spot = _step(spot, i, step)
    return spot


def follow_element(field: FieldDescriptor, steps: tuple[str, ...]) -> Spot:
    """Return what `steps` lead to from an element of a repeated field. Raises InvalidStepError."""
    if not steps:
        return Spot(field, (), element=True)
    if field.message_type is None:
        raise InvalidStepError(0, f'the elements of "{field.name}" are single values')
    first = _step(Spot(field, (), element=True), 0, steps[0])
    for i, step in enumerate(steps[1:], start=1):
        if first.repeated:
            return Spot(first.field, first.keys, rest=len(steps) - i)
        first = _step(first, i, step)
    return first


def _step(spot: Spot, number: int, step: str) -> Spot:
    field, keys = spot.field, (*spot.keys, step)
    if field is None:
        return Spot(None, keys)
    message = field.message_type
    if message is None:
        name = spot.keys[-1] if spot.keys else field.name
        raise InvalidStepError(number, f'"{name}" is a single value: expected a comparator after it')
    if is_map(field) and not spot.element:
        return Spot(message.fields_by_name["value"], keys, element=True)
    if message.full_name in _DYNAMIC:
        return Spot(None, keys)
    member = message.fields_by_name.get(step)
    if member is None or message.full_name in _SCALAR_MESSAGES:
        raise InvalidStepError(number, _no_member(message, step))
    return Spot(member, (*spot.keys, json_key(member)), implicit=not member.has_presence)


def _no_member(message: Descriptor, step: str) -> str:
    return f'{message.full_name} has no field "{step[:64]}"{did_you_mean(step, message.fields_by_name)}'


def json_key(field: FieldDescriptor) -> str:
    """Return the key under which a message's field is stored."""
    return str(field.name)


def is_map(field: FieldDescriptor) -> bool:
    """Tell whether a field is a map."""
    message = field.message_type
    return message is not None and bool(message.GetOptions().map_entry)


def is_single(field: FieldDescriptor | None) -> bool:
    """Tell whether a field holds floats of single precision."""
    if field is None or field.message_type is None:
        return field is not None and field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT
    return field.message_type.full_name == "google.protobuf.FloatValue"


def kind_of(spot: Spot) -> ValueKind:
    """Return what the spot's values are: JSON for messages, maps and lists; OTHER where nothing tells."""
    field = spot.field
    if field is None:
        return ValueKind.OTHER
    message = field.message_type
    if spot.repeated or (is_map(field) and not spot.element):
        return ValueKind.JSON
    if message is not None:
        dynamic = message.full_name == "google.protobuf.Value"
        return ValueKind.OTHER if dynamic else _SCALAR_MESSAGES.get(message.full_name, ValueKind.JSON)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return ValueKind.BYTES
    return _SCALARS[field.cpp_type]


@lru_cache(maxsize=1024)
def scalar_type(field: FieldDescriptor) -> ValueType:
    """Return the type of the literals that a scalar of a stored message, or a list's element, has."""
    if field.enum_type is not None:
        return enum_by_name(field.enum_type)
    stored = value_type(field, annotations_pb2.ColumnOptions(), "public")
    return stored.element or stored


def zero_text(field: FieldDescriptor) -> str:
    """Return the zero of a scalar without presence, as a stored message would spell it."""
    zero = field.default_value
    encode = scalar_type(field).encode if field.enum_type is not None else None
    return str(zero).lower() if encode is None else str(encode(zero))
