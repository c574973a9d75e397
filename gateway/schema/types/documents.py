"""Messages, maps, Struct and Value ⇄ jsonb by proto JSON (protobuf.dev/programming-guides/json)."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from gateway.schema.types.jsonreader import OtherSpelling, Read, Readers, loads
from gateway.schema.types.jsontext import as_json, as_jsonb, json_engine
from gateway.schema.types.jsonwriter import FLOAT_MAX, spell, writer_of
from gateway.schema.types.known import refuse_unknown_fields
from gateway.schema.types.sqltypes import SqlType
from gateway.schema.values import ValueFault, ValueKind, ValueType

# What lies between rounds to the largest float, as every float does to its nearest.
_FLOAT_END = FLOAT_MAX + 2.0**103


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
def _holder(field: FieldDescriptor) -> type[Message]:
    # Made at first use: the pool is complete then, whatever the order in which the schema is read.
    return GetMessageClass(cast("Descriptor", field.containing_type))


def _encoder(field: FieldDescriptor, finish: Callable[[str], str]) -> Callable[[Any], str]:
    write, fill = writer_of(field), _fill(field)

    def encode(value: Any) -> str:
        holder = _holder(field)()
        fill(holder, value)
        refuse_unknown_fields(holder)
        try:
            return finish(spell(write(value)))
        except RecursionError:
            raise ValueFault("is too deep to be written as JSON", "INVALID_JSON") from None

    return encode


def _fill(field: FieldDescriptor) -> Callable[[Message, Any], None]:
    name = field.name
    if field.is_repeated:
        return lambda holder, value: getattr(holder, name).MergeFrom(value)
    return lambda holder, value: getattr(holder, name).CopyFrom(value)


def _decoder(field: FieldDescriptor) -> Callable[[str], Any]:
    name, pool = field.name, cast("Descriptor", field.containing_type).file.pool
    reader: list[Read] = []

    def decode(text: str) -> Any:
        if not reader:
            reader.append(Readers(pool).of_field(field))
        read = reader[0]
        try:
            return getattr(_holder(field).FromString(read(loads(text))), name)
        except (OtherSpelling, DecodeError, RecursionError):
            return otherwise(text)
        except ValueError:
            raise _unfit() from None

    def otherwise(text: str) -> Any:
        """Read what others wrote by protobuf's own parser, and numbers that it refuses as it takes them."""
        holder = _holder(field)()
        try:
            plain = json.loads(text, parse_float=_parsed_float)
            json_format.ParseDict({name: plain}, holder, descriptor_pool=pool)
        except (json_format.Error, ValueError, TypeError, AttributeError, RecursionError):
            raise _unfit() from None
        return getattr(holder, name)

    return decode


def _parsed_float(spelled: str) -> float | int:
    number = float(spelled)
    return int(number) if FLOAT_MAX < abs(number) < _FLOAT_END else number


def _unfit() -> ValueFault:
    return ValueFault("the stored document does not fit the message", "INVALID_JSON")
