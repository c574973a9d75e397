"""Messages → plain Python that is their ProtoJSON: one function per message type."""

import math
import struct
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2

from gateway.schema.protojson.errors import JsonError
from gateway.schema.protojson.reader import stands_as_value
from gateway.schema.protojson.texts import write_duration, write_mask, write_timestamp

Write: TypeAlias = Callable[[Any], Any]
"""Makes plain Python of a value."""

MAX_PACKED = 16
"""How deep messages may be packed in each other: each is read anew, and nobody's parser counts them."""

_DETAILS: Mapping[str, Descriptor] = {
    one.full_name: one for one in error_details_pb2.DESCRIPTOR.message_types_by_name.values()
}
"""What the gateway itself packs, into a google.rpc.Status: few schemas import it."""
_SINGLE = struct.Struct("<f")
_DIGITS = (6, 7, 8, 9)
"""How many a single float has: 6 are always kept, 9 always tell it."""


class Writers:
    """The writers of message types, each made once: a message may hold others of its own type.

    Args:
        proto_names: whether fields are called as in the proto, and not in lowerCamelCase.
        defaults: whether fields without presence are written that are zero or empty.

    """

    def __init__(self, *, proto_names: bool = False, defaults: bool = False) -> None:
        self.scalars = SCALARS
        self._proto_names = proto_names
        self.defaults = defaults
        self._messages: dict[Descriptor, Write] = {}
        self._packed = threading.local()  # long messages are written beside the event loop
        self._kinds: Mapping[str, Write] = {
            "null_value": self._null,
            "number_value": self._number,
            "string_value": as_it_is,
            "bool_value": as_it_is,
            "struct_value": self._struct,
            "list_value": self._values,
        }
        self._known: Mapping[str, Write] = {
            "google.protobuf.Any": self._any,
            "google.protobuf.Struct": self._struct,
            "google.protobuf.Value": self._value,
            "google.protobuf.ListValue": self._values,
            "google.protobuf.Timestamp": write_timestamp,
            "google.protobuf.Duration": write_duration,
            "google.protobuf.FieldMask": write_mask,
        }

    def of_message(self, message: Descriptor) -> Write:
        """Return the writer of a message; raises JsonError, when called, for what JSON can't hold."""
        made = self._messages.get(message)
        if made is None:
            made = self._messages[message] = self._new(message)
        return made

    def of_field(self, field: FieldDescriptor) -> Write:
        """Return the writer of a field's whole value."""
        if not field.is_repeated:
            return self._of_value(field)
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            return _map(self._of_value(entry.fields_by_name["value"]))
        return _list(self._of_value(field))

    def _of_value(self, field: FieldDescriptor) -> Write:
        if field.message_type is not None:
            return self.of_message(field.message_type)
        if field.enum_type is not None:
            return self._of_enum(field.enum_type)
        return self.scalars.get(field.type, as_it_is)

    def _new(self, message: Descriptor) -> Write:
        name = message.full_name
        known = self._known.get(name)
        if known is not None:
            return known
        if message.file.name == "google/protobuf/wrappers.proto":
            value = self._of_value(message.fields_by_name["value"])
            return lambda wrapper: value(wrapper.value)
        return self._object(message)

    def _object(self, message: Descriptor) -> Write:
        known: dict[FieldDescriptor, tuple[str, Write | None]] = {}
        defaults = self.of_defaults(message) if self.defaults else None

        def learn(field: FieldDescriptor) -> tuple[str, Write | None]:
            write = self.of_field(field)
            known[field] = self.name_of(field), None if write is as_it_is else write
            return known[field]

        def write(message: Any) -> dict[str, Any]:
            made: dict[str, Any] = {}
            try:
                for field, value in message.ListFields():
                    name, write_value = known.get(field) or learn(field)
                    made[name] = value if write_value is None else write_value(value)
            except JsonError as error:
                raise error.below(field.name) from None
            return made if defaults is None else made | {k: v for k, v in defaults.items() if k not in made}

        return write

    def name_of(self, field: FieldDescriptor) -> str:
        """Return a field's name."""
        if field.is_extension:
            return f"[{field.full_name}]"
        return field.name if self._proto_names else str(field.json_name)

    def of_defaults(self, message: Descriptor) -> Mapping[str, Any]:
        """Return what is written of a message's fields without presence that are zero or empty."""
        fields = (field for field in message.fields if not field.has_presence)
        return {self.name_of(field): self.of_default(field) for field in fields}

    def of_default(self, field: FieldDescriptor) -> Any:
        """Return what is written of a field without presence that is zero or empty."""
        if not field.is_repeated:
            return self._of_value(field)(field.default_value)
        entry = field.message_type
        return {} if entry is not None and entry.GetOptions().map_entry else []

    def _any(self, packed: Any) -> dict[str, Any]:
        """Write a packed message, which is read for that: so are those packed in it, up to some depth."""
        if not packed.ListFields():
            return {}
        depth = getattr(self._packed, "depth", 0)
        if depth == MAX_PACKED:
            raise JsonError(f"packs messages more than {MAX_PACKED} deep")
        message = self._unpacked(packed)
        descriptor = cast("Descriptor", message.DESCRIPTOR)
        self._packed.depth = depth + 1
        try:
            plain = self.of_message(descriptor)(message)
        finally:
            self._packed.depth = depth
        if stands_as_value(descriptor):
            return {"@type": packed.type_url, "value": plain}
        return {"@type": packed.type_url, **plain}

    def _unpacked(self, packed: Any) -> Message:
        name = packed.type_url.rpartition("/")[2]
        try:
            message: Message = GetMessageClass(_found(packed.DESCRIPTOR.file.pool, name)).FromString(
                packed.value
            )
        except (KeyError, DecodeError):
            raise JsonError("packs what is no message of the schema") from None
        return message

    def _of_enum(self, enum: EnumDescriptor) -> Write:
        if enum.full_name == "google.protobuf.NullValue":
            return lambda _: None
        names = names_of(enum)
        return lambda number: names.get(number, number)  # what has no name is written as the number

    def _struct(self, value: Any) -> dict[str, Any]:
        return {name: self._value(held) for name, held in value.fields.items()}

    def _values(self, value: Any) -> list[Any]:
        return [self._value(held) for held in value.values]

    def _value(self, value: Any) -> Any:
        kind = value.WhichOneof("kind")
        return self._kindless() if kind is None else self._kinds[kind](getattr(value, kind))

    def _number(self, number: float) -> float:
        if not math.isfinite(number):
            raise JsonError("holds NaN or infinity, which JSON can't")
        return number

    def _null(self, _number: int) -> None:
        return None

    def _kindless(self) -> None:
        return None


def _found(pool: DescriptorPool, name: str) -> Descriptor:
    """Return a packed message's type; raises KeyError."""
    try:
        found: Descriptor = pool.FindMessageTypeByName(name)
    except KeyError:
        return _DETAILS[name]
    return found


def names_of(enum: EnumDescriptor) -> dict[int, str]:
    """Return the names of an enum's numbers: of an alias the first one."""
    return {value.number: value.name for value in reversed(enum.values)}


def _list(write: Write) -> Write:
    def written(values: Any) -> list[Any]:
        made: list[Any] = []
        try:
            for value in values:
                made.append(write(value))  # noqa: PERF401 - how many are made tells which one is wrong
        except JsonError as error:
            raise error.below(len(made)) from None
        return made

    return list if write is as_it_is else written


def _map(write: Write) -> Write:
    def written(values: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in values.items():
            spelled = _spelled_key(key)
            try:
                made[spelled] = write(value)
            except JsonError as error:
                raise error.below(f"[{spelled}]") from None
        return made

    return written


def _spelled_key(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def as_it_is(value: Any) -> Any:
    """Return a value that is its own JSON: the writer of texts, booleans and small numbers."""
    return value


def _bytes(value: bytes) -> str:
    return b64encode(value).decode()


def _double(number: float) -> float | str:
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def single(number: float) -> float | str:
    """Return a single float in its shortest digits."""
    if not math.isfinite(number):
        return _double(number)
    for digits in _DIGITS:
        shortest = float(f"{number:.{digits}g}")
        if abs(shortest) == math.inf or _SINGLE.unpack(_SINGLE.pack(shortest))[0] == number:
            break
    return shortest


SCALARS: Mapping[int, Write] = {
    FieldDescriptor.TYPE_BYTES: _bytes,
    FieldDescriptor.TYPE_FLOAT: single,
    FieldDescriptor.TYPE_DOUBLE: _double,
    FieldDescriptor.TYPE_INT64: str,
    FieldDescriptor.TYPE_UINT64: str,
    FieldDescriptor.TYPE_SINT64: str,
    FieldDescriptor.TYPE_FIXED64: str,
    FieldDescriptor.TYPE_SFIXED64: str,
}
"""The writers of scalars that JSON has another form for, by the type of their field."""
