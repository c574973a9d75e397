"""Messages → plain Python that is their ProtoJSON, by proto field names.

It takes a part of the time that protobuf's own way takes in Python, and refuses on the way what no reader
would understand: enum numbers without a name, and values without a kind.
https://protobuf.dev/programming-guides/json
"""

import json
import math
import struct
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from gateway.schema.types.known import refuse_unknown_fields
from gateway.schema.values import ValueFault

Write: TypeAlias = Callable[[Any], Any]
"""Makes plain Python of a value."""

MAX_PACKED = 16
"""How deep messages may be packed in each other: each is read anew, and nobody's parser counts them."""

_SINGLE = struct.Struct("<f")
_DIGITS = (6, 7, 8, 9)
"""How many a single float has: 6 are always kept, 9 always tell it."""
FLOAT_MAX = (2 - 2**-23) * 2.0**127
"""The largest single float. Its shortest digits are rounded up, so they are larger than it."""


class Unnamed(Exception):  # noqa: N818 - turned into a ValueFault where the path is whole
    """An enum's number that has no name, below `path`."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def below(self, step: str) -> "Unnamed":
        """Return it as seen from one step above."""
        between = "." if self.path and not self.path.startswith("[") else ""
        return Unnamed(f"{step}{between}{self.path}")


def writer_of(field: FieldDescriptor) -> Write:
    """Return what writes a field's whole value, a list or map too.

    Raises ValueFault, when called, for what JSON can't hold and for what the schema has no name for.
    """
    write = Writers().of_field(field)

    def checked(value: Any) -> Any:
        try:
            return write(value)
        except Unnamed as unnamed:
            path = unnamed.below(field.name).path
            raise ValueFault(
                f"holds a number that its enum has no name for, {path}", "UNKNOWN_ENUM_VALUE"
            ) from None

    return checked


def spell(plain: Any) -> str:
    """Return plain Python as compact JSON."""
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


class Writers:
    """The writers of message types, each made once: a message may hold others of its own type."""

    def __init__(self) -> None:
        self._messages: dict[Descriptor, Write] = {}
        self._depth = 0

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
            return self._of_message(field.message_type)
        if field.enum_type is not None:
            return _enum(field.enum_type)
        return _SCALARS.get(field.type, _as_it_is)

    def _of_message(self, message: Descriptor) -> Write:
        made = self._messages.get(message)
        if made is None:
            made = self._messages[message] = self._new(message)
        return made

    def _new(self, message: Descriptor) -> Write:
        name = message.full_name
        if name in _DYNAMIC:
            return _DYNAMIC[name]
        if name == "google.protobuf.Any":
            return self._any
        if name in _TEXTS:
            return _text
        if message.file.name == "google/protobuf/wrappers.proto":
            value = self._of_value(message.fields_by_name["value"])
            return lambda wrapper: value(wrapper.value)
        return self._fields()

    def _fields(self) -> Write:
        known: dict[int, tuple[str, Write]] = {}

        def write(message: Any) -> dict[str, Any]:
            made = {}
            for field, value in message.ListFields():
                number = field.number
                if number not in known:
                    name = f"[{field.full_name}]" if field.is_extension else field.name
                    known[number] = (name, self.of_field(field))
                name, write_value = known[number]
                try:
                    made[name] = write_value(value)
                except Unnamed as unnamed:
                    raise unnamed.below(name) from None
            return made

        return write

    def _any(self, packed: Any) -> dict[str, Any]:
        """Write a packed message, which is read for that: so are those packed in it, up to some depth."""
        if not packed.ListFields():
            return {}
        if self._depth == MAX_PACKED:
            raise ValueFault(f"packs messages more than {MAX_PACKED} deep", "INVALID_JSON")
        message = _unpacked(packed)
        refuse_unknown_fields(message)
        write = self._of_message(cast("Descriptor", message.DESCRIPTOR))
        self._depth += 1
        try:
            plain = write(message)
        finally:
            self._depth -= 1
        if isinstance(plain, dict) and message.DESCRIPTOR.full_name not in _AS_VALUES:
            return {"@type": packed.type_url, **plain}
        return {"@type": packed.type_url, "value": plain}


def _unpacked(packed: Any) -> Message:
    pool = packed.DESCRIPTOR.file.pool
    try:
        found = pool.FindMessageTypeByName(packed.type_url.rpartition("/")[2])
        message: Message = GetMessageClass(found).FromString(packed.value)
    except (KeyError, DecodeError):
        raise ValueFault("packs what is no message of the schema", "INVALID_JSON") from None
    return message


def _list(write: Write) -> Write:
    def written(values: Any) -> list[Any]:
        made: list[Any] = []
        try:
            for value in values:
                made.append(write(value))  # noqa: PERF401 - how many are made tells which one is at fault
        except Unnamed as unnamed:
            raise unnamed.below(f"[{len(made)}]") from None
        return made

    return list if write is _as_it_is else written


def _map(write: Write) -> Write:
    def written(values: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in values.items():
            spelled = _spelled_key(key)
            try:
                made[spelled] = write(value)
            except Unnamed as unnamed:
                raise unnamed.below(f"[{spelled}]") from None
        return made

    return written


def _spelled_key(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _enum(enum: EnumDescriptor) -> Write:
    # An alias is written by the first name of its number.
    names: dict[int, str | None] = {value.number: value.name for value in reversed(enum.values)}
    if enum.full_name == "google.protobuf.NullValue":
        names = dict.fromkeys(names)

    def name(number: int) -> str | None:
        try:
            return names[number]
        except KeyError:
            raise Unnamed("") from None

    return name


def _as_it_is(value: Any) -> Any:
    return value


def _bytes(value: bytes) -> str:
    return b64encode(value).decode()


def _double(number: float) -> float | str:
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _single(number: float) -> float | str:
    if not math.isfinite(number):
        return _double(number)
    for digits in _DIGITS:
        shortest = float(f"{number:.{digits}g}")
        if _SINGLE.unpack(_SINGLE.pack(shortest))[0] == number:
            break
    # Parsers refuse what is larger than the largest float, but take it as an integer.
    return int(shortest) if abs(shortest) > FLOAT_MAX else shortest


def _text(message: Any) -> str:
    try:
        return str(message.ToJsonString())
    except ValueError:
        raise ValueFault("can't be written as JSON", "INVALID_JSON") from None


def _struct(value: Any) -> dict[str, Any]:
    return {name: _value(held) for name, held in value.fields.items()}


def _values(value: Any) -> list[Any]:
    return [_value(held) for held in value.values]


def _number(number: float) -> float | int:
    if not math.isfinite(number):
        raise ValueFault("holds NaN or infinity, which JSON can't", "INVALID_JSON")
    # -0.0 stays a float: as an integer it would lose its sign before it is seen and refused.
    return int(number) if number.is_integer() and number else number


def _null(number: int) -> None:
    if number:
        raise ValueFault("holds a null_value that is no NULL_VALUE", "UNKNOWN_ENUM_VALUE")


def _value(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind is None:
        raise ValueFault("holds a google.protobuf.Value without a kind", "INVALID_JSON")
    return _KINDS[kind](getattr(value, kind))


_KINDS: Mapping[str, Write] = {
    "null_value": _null,
    "number_value": _number,
    "string_value": str,
    "bool_value": bool,
    "struct_value": _struct,
    "list_value": _values,
}
_DYNAMIC: Mapping[str, Write] = {
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": _value,
    "google.protobuf.ListValue": _values,
}
_AS_VALUES = frozenset({*_DYNAMIC, "google.protobuf.Any"})
"""Messages that stand as `value` where they are packed, though they are objects."""
_TEXTS = frozenset({"google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask"})
_SCALARS: Mapping[int, Write] = {
    FieldDescriptor.TYPE_BYTES: _bytes,
    FieldDescriptor.TYPE_FLOAT: _single,
    FieldDescriptor.TYPE_DOUBLE: _double,
    FieldDescriptor.TYPE_INT64: str,
    FieldDescriptor.TYPE_UINT64: str,
    FieldDescriptor.TYPE_SINT64: str,
    FieldDescriptor.TYPE_FIXED64: str,
    FieldDescriptor.TYPE_SFIXED64: str,
}
