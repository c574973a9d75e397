"""Messages, maps, Struct and Value ⇄ jsonb by proto JSON (protobuf.dev/programming-guides/json)."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.schema.reach import reachable
from gateway.schema.types.dynamic import DYNAMIC, spell
from gateway.schema.types.jsontext import as_json, as_jsonb, json_engine
from gateway.schema.types.known import refuse_unknown_fields, strictness
from gateway.schema.types.sqltypes import SqlType
from gateway.schema.values import ValueFault, ValueKind, ValueType

# The shortest digits of the largest float: rounded up, so they are larger than it.
_LARGEST_FLOAT = "3.4028235e+38"
_FLOAT_MAX = (2 - 2**-23) * 2.0**127
# What lies between rounds to it, as every float does to its nearest.
_FLOAT_END = _FLOAT_MAX + 2.0**103


def document(field: FieldDescriptor, sql: SqlType) -> ValueType:
    """Return the type of a field whose whole value is one JSON document, by proto field names."""
    return ValueType(
        sql=sql.name,
        engine=json_engine(sql, f"{field.name} as a document"),
        kind=ValueKind.JSON,
        encode=_encoder(field, as_jsonb if sql.name == "jsonb" else as_json),
        decode=_decoder(field),
        equality=sql.name == "jsonb",
        orderable=False,
    )


@cache
def _holder(field: FieldDescriptor) -> Callable[[], Message]:
    # Made at first use: the pool is complete then, whatever the order in which the schema is read.
    return GetMessageClass(cast("Descriptor", field.containing_type))


def _encoder(field: FieldDescriptor, finish: Callable[[str], str]) -> Callable[[Any], str]:
    message = field.message_type
    plain = DYNAMIC.get(message.full_name) if message is not None and not field.is_repeated else None
    if plain is None:
        return _general_encoder(field, finish)

    def encode(value: Any) -> str:
        refuse_unknown_fields(value)
        try:
            return finish(spell(plain(value)))
        except RecursionError:
            raise ValueFault("is too deep to be written as JSON", "INVALID_JSON") from None

    return encode


def _general_encoder(field: FieldDescriptor, finish: Callable[[str], str]) -> Callable[[Any], str]:
    pool, fill, decode = _pool(field), _fill(field), _decoder(field)
    name, empty = field.name, _empty(field)
    holds_values = "google.protobuf.Value" in reachable(field.message_type)
    check = strictness(field)

    def encode(value: Any) -> str:
        holder = _holder(field)()
        fill(holder, value)
        check(holder)
        try:
            spelled = json_format.MessageToDict(
                holder, preserving_proto_field_name=True, descriptor_pool=pool
            )
            plain = spelled.get(name, empty)
            text = spell(plain)
            if _LARGEST_FLOAT in text:
                text = spell(_in_whole_digits(plain))
        except (json_format.Error, ValueError, TypeError, RecursionError):
            raise ValueFault("can't be written as JSON", "INVALID_JSON") from None
        # A Value of no kind is written as null, and would come back as one.
        if holds_values and decode(text) != value:
            raise ValueFault("holds a google.protobuf.Value without a kind", "INVALID_JSON")
        return finish(text)

    return encode


def _empty(field: FieldDescriptor) -> list[None] | dict[str, None] | None:
    if not field.is_repeated:
        return None
    return {} if _is_map(field) else []


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _pool(field: FieldDescriptor) -> DescriptorPool:
    return cast("Descriptor", field.containing_type).file.pool


def _fill(field: FieldDescriptor) -> Callable[[Message, Any], None]:
    name = field.name
    if field.is_repeated:
        return lambda holder, value: getattr(holder, name).MergeFrom(value)

    def fill(holder: Message, value: Message) -> None:
        part = getattr(holder, name)
        part.CopyFrom(value)
        part.SetInParent()  # an empty message is a value too

    return fill


def _in_whole_digits(plain: Any) -> Any:
    """Return plain JSON with the numbers that round to the largest float as integers: parsers take those."""
    match plain:
        case dict():
            return {key: _in_whole_digits(value) for key, value in plain.items()}
        case list():
            return [_in_whole_digits(value) for value in plain]
        case float():
            return _parsed_float(repr(plain))
    return plain


def _parsed_float(spelled: str) -> float | int:
    number = float(spelled)
    return int(number) if _FLOAT_MAX < abs(number) < _FLOAT_END else number


def _decoder(field: FieldDescriptor) -> Callable[[str], Any]:
    name, pool = field.name, _pool(field)

    def decode(text: str) -> Any:
        holder = _holder(field)()
        try:
            json_format.Parse(f'{{"{name}":{text}}}', holder, descriptor_pool=pool)
        except (json_format.Error, ValueError, RecursionError):
            return again(text)
        return getattr(holder, name)

    def again(text: str) -> Any:
        """Read numbers that the parser refuses although they round to the largest float."""
        holder = _holder(field)()
        try:
            plain = json.loads(text, parse_float=_parsed_float)
            json_format.ParseDict({name: plain}, holder, descriptor_pool=pool)
        except (json_format.Error, ValueError, RecursionError):
            raise ValueFault("the stored document does not fit the message", "INVALID_JSON") from None
        return getattr(holder, name)

    return decode
