"""ProtoJSON → messages, by way of their wire form: as quick as what wrote it, whatever it holds.

Protobuf's own parser spells the path of each value, so that a long name is copied for all that is below it,
and takes several times as long. What is spelled otherwise than jsonwriter does is left to it.
https://protobuf.dev/programming-guides/json, https://protobuf.dev/programming-guides/encoding
"""

import json
import math
import struct
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

Read: TypeAlias = Callable[[Any], bytes]
"""Makes the wire form of plain Python."""

_VARINT, _FIXED64, _LENGTH, _START_GROUP, _END_GROUP, _FIXED32 = range(6)
_INT64_MASK = 2**64 - 1
_LONGEST_INT = 20


class OtherSpelling(ValueError):  # noqa: N818 - no error: another reader may know it
    """JSON that isn't written as the gateway writes it."""


def loads(text: str) -> Any:
    """Return JSON as plain Python; raises ValueError for what is none, or names a member twice."""
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise OtherSpelling("a member is named twice")
    return made


class Readers:
    """The readers of message types, each made once: a message may hold others of its own type."""

    def __init__(self, pool: DescriptorPool) -> None:
        self._pool = pool
        self._messages: dict[Descriptor, Read] = {}

    def of_field(self, field: FieldDescriptor) -> Read:
        """Return what reads a field's whole value, a list or map too; what it returns has the field's tag.

        Raises OtherSpelling, when called.
        """
        if not field.is_repeated:
            return _unless_null(field, self._tagged(field))
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            return self._map(field, entry)
        one = self._tagged(field)
        takes_null = _takes_null(field)

        def read(values: Any) -> bytes:
            if values is None:
                return b""
            if type(values) is not list or (not takes_null and None in values):
                raise OtherSpelling("no list")
            return b"".join(map(one, values))

        return read

    def _map(self, field: FieldDescriptor, entry: Descriptor) -> Read:
        tag = _tag(field.number, _LENGTH)
        key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
        read_key, read_value = _map_key(key), self._tagged(value)
        takes_null = _takes_null(value)

        def read(values: Any) -> bytes:
            if values is None:
                return b""
            if type(values) is not dict or (not takes_null and None in values.values()):
                raise OtherSpelling("no map")
            return b"".join(tag + _sized(read_key(name) + read_value(one)) for name, one in values.items())

        return read

    def _tagged(self, field: FieldDescriptor) -> Read:
        """Return what reads one value."""
        if field.message_type is not None:
            content = self._of_message(field.message_type)
            if field.type == FieldDescriptor.TYPE_GROUP:
                start, end = _tag(field.number, _START_GROUP), _tag(field.number, _END_GROUP)
                return lambda value: start + content(value) + end
            tag = _tag(field.number, _LENGTH)
            return lambda value: tag + _sized(content(value))
        wire, scalar = (_VARINT, _enum(field.enum_type)) if field.enum_type else _SCALARS[field.type]
        tag = _tag(field.number, wire)
        return lambda value: tag + scalar(value)

    def _of_message(self, message: Descriptor) -> Read:
        made = self._messages.get(message)
        if made is None:
            made = self._messages[message] = self._new(message)
        return made

    def _new(self, message: Descriptor) -> Read:
        name = message.full_name
        if name in _DYNAMIC:
            return _DYNAMIC[name]
        if name == "google.protobuf.Any":
            return self._any
        if name in _TEXTS:
            return _text(message)
        if message.file.name == "google/protobuf/wrappers.proto":
            return self._tagged(message.fields_by_name["value"])
        return self._fields(message)

    def _fields(self, message: Descriptor) -> Read:
        names = {field.json_name: field for field in message.fields} | dict(message.fields_by_name)
        known: dict[str, tuple[Read, str | None]] = {}

        def learn(name: str) -> tuple[Read, str | None]:
            field = names.get(name)
            if field is None:
                raise OtherSpelling("an unknown field")
            oneof = field.containing_oneof
            known[name] = self.of_field(field), oneof.name if oneof is not None else None
            return known[name]

        def read(plain: Any) -> bytes:
            if type(plain) is not dict:
                raise OtherSpelling("no object")
            parts = []
            chosen = set()
            for name, value in plain.items():
                read_value, oneof = known.get(name) or learn(name)
                if oneof is not None and value is not None:
                    if oneof in chosen:
                        raise OtherSpelling("two members of a oneof")
                    chosen.add(oneof)
                parts.append(read_value(value))
            return b"".join(parts)

        return read

    def _any(self, plain: Any) -> bytes:
        if plain == {}:
            return b""
        if type(plain) is not dict or type(plain.get("@type")) is not str:
            raise OtherSpelling("no packed message")
        url = plain["@type"]
        try:
            message = self._pool.FindMessageTypeByName(url.rpartition("/")[2])
        except KeyError:
            raise OtherSpelling("an unknown message") from None
        content = {name: value for name, value in plain.items() if name != "@type"}
        read = self._of_message(message)
        as_value = message.full_name in _AS_VALUES or message.file.name == "google/protobuf/wrappers.proto"
        if as_value and content.keys() != {"value"}:
            raise OtherSpelling("no packed value")
        # Packed bytes are compared as they stand, so they are those that protobuf itself would write.
        packed = GetMessageClass(message).FromString(read(content["value"] if as_value else content))
        return b"\x0a" + _string(url) + b"\x12" + _sized(packed.SerializePartialToString())


def _unless_null(field: FieldDescriptor, read: Read) -> Read:
    if _takes_null(field):
        return read
    return lambda value: b"" if value is None else read(value)


def _takes_null(field: FieldDescriptor) -> bool:
    if field.enum_type is not None:
        return bool(field.enum_type.full_name == "google.protobuf.NullValue")
    return field.message_type is not None and field.message_type.full_name == "google.protobuf.Value"


def _varint(number: int) -> bytes:
    if number < 128:  # noqa: PLR2004 - a byte's worth
        return _BYTES[number]
    written = bytearray()
    while number > 127:  # noqa: PLR2004 - as above
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    return bytes(written)


_BYTES = [bytes((number,)) for number in range(128)]


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _sized(content: bytes) -> bytes:
    return _varint(len(content)) + content


def _string(value: Any) -> bytes:
    if type(value) is not str:
        raise OtherSpelling("no text")
    try:
        return _sized(value.encode())
    except UnicodeEncodeError:
        raise OtherSpelling("half a character") from None


def _octets(value: Any) -> bytes:
    if type(value) is not str:
        raise OtherSpelling("no bytes")
    try:
        return _sized(b64decode(value, validate=True))
    except ValueError:
        raise OtherSpelling("no base64") from None


def _bool(value: Any) -> bytes:
    if type(value) is not bool:
        raise OtherSpelling("no boolean")
    return b"\x01" if value else b"\x00"


def _int(low: int, high: int, write: Read) -> Read:
    def read(value: Any) -> bytes:
        if type(value) is str and value.removeprefix("-").isdecimal() and len(value) <= _LONGEST_INT:
            value = int(value)
        if type(value) is not int or not low <= value <= high:
            raise OtherSpelling("no whole number of the type")
        return write(value)

    return read


def _plain(value: int) -> bytes:
    return _varint(value & _INT64_MASK)


def _zigzag(value: int) -> bytes:
    return _varint((value << 1) ^ (value >> 63))


def _float(pack: Read) -> Read:
    def read(value: Any) -> bytes:
        number = _NOT_FINITE.get(value) if type(value) is str else value
        try:
            if type(number) in (int, float) and (number is not value or math.isfinite(number)):
                return pack(number)
        except OverflowError:
            pass
        raise OtherSpelling("no number of the type")

    return read


_NOT_FINITE: Mapping[Any, float] = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _enum(enum: EnumDescriptor) -> Read:
    numbers: dict[Any, bytes] = {value.name: _plain(value.number) for value in enum.values}
    if enum.full_name == "google.protobuf.NullValue":
        numbers = {None: _plain(0)}

    def read(value: Any) -> bytes:
        if type(value) not in (str, type(None)) or value not in numbers:
            raise OtherSpelling("no name of the enum")
        return numbers[value]

    return read


def _map_key(key: FieldDescriptor) -> Read:
    wire, scalar = _SCALARS[key.type]
    tag = _tag(key.number, wire)
    if key.type != FieldDescriptor.TYPE_BOOL:
        return lambda name: tag + scalar(name)

    def read(name: str) -> bytes:
        if name not in ("true", "false"):
            raise OtherSpelling("no boolean")
        return tag + _bool(name == "true")

    return read


def _text(message: Descriptor) -> Read:
    def read(value: Any) -> bytes:
        made: Any = GetMessageClass(message)()
        try:
            made.FromJsonString(value)
        except (ValueError, TypeError, AttributeError):
            raise OtherSpelling("not as it is written") from None
        return bytes(made.SerializeToString())

    return read


def _struct(value: Any) -> bytes:
    if type(value) is not dict:
        raise OtherSpelling("no object")
    return b"".join(
        b"\x0a" + _sized(b"\x0a" + _string(name) + b"\x12" + _sized(_value(held)))
        for name, held in value.items()
    )


def _list(value: Any) -> bytes:
    if type(value) is not list:
        raise OtherSpelling("no list")
    return b"".join(b"\x0a" + _sized(_value(held)) for held in value)


def _value(value: Any) -> bytes:
    tag, read = _KINDS[type(value)]
    return tag + read(value)


def _of_struct(value: Any) -> bytes:
    return _sized(_struct(value))


def _of_list(value: Any) -> bytes:
    return _sized(_list(value))


_double = _float(struct.Struct("<d").pack)
_KINDS: Mapping[type, tuple[bytes, Read]] = {
    type(None): (b"\x08", lambda _: b"\x00"),
    int: (b"\x11", _double),
    float: (b"\x11", _double),
    str: (b"\x1a", _string),
    bool: (b"\x20", _bool),
    dict: (b"\x2a", _of_struct),
    list: (b"\x32", _of_list),
}
_DYNAMIC: Mapping[str, Read] = {
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": _value,
    "google.protobuf.ListValue": _list,
}
_TEXTS = ("google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask")
_AS_VALUES = frozenset({*_DYNAMIC, *_TEXTS, "google.protobuf.Any"})
"""Messages that stand as `value` where they are packed; so do wrappers."""
_SCALARS: Mapping[int, tuple[int, Read]] = {
    FieldDescriptor.TYPE_INT32: (_VARINT, _int(-(2**31), 2**31 - 1, _plain)),
    FieldDescriptor.TYPE_INT64: (_VARINT, _int(-(2**63), 2**63 - 1, _plain)),
    FieldDescriptor.TYPE_UINT32: (_VARINT, _int(0, 2**32 - 1, _plain)),
    FieldDescriptor.TYPE_UINT64: (_VARINT, _int(0, 2**64 - 1, _plain)),
    FieldDescriptor.TYPE_SINT32: (_VARINT, _int(-(2**31), 2**31 - 1, _zigzag)),
    FieldDescriptor.TYPE_SINT64: (_VARINT, _int(-(2**63), 2**63 - 1, _zigzag)),
    FieldDescriptor.TYPE_FIXED32: (_FIXED32, _int(0, 2**32 - 1, struct.Struct("<I").pack)),
    FieldDescriptor.TYPE_FIXED64: (_FIXED64, _int(0, 2**64 - 1, struct.Struct("<Q").pack)),
    FieldDescriptor.TYPE_SFIXED32: (_FIXED32, _int(-(2**31), 2**31 - 1, struct.Struct("<i").pack)),
    FieldDescriptor.TYPE_SFIXED64: (_FIXED64, _int(-(2**63), 2**63 - 1, struct.Struct("<q").pack)),
    FieldDescriptor.TYPE_BOOL: (_VARINT, _bool),
    FieldDescriptor.TYPE_FLOAT: (_FIXED32, _float(struct.Struct("<f").pack)),
    FieldDescriptor.TYPE_DOUBLE: (_FIXED64, _double),
    FieldDescriptor.TYPE_STRING: (_LENGTH, _string),
    FieldDescriptor.TYPE_BYTES: (_LENGTH, _octets),
}
