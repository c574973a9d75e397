"""Messages, maps, Struct and Value ⇄ jsonb by proto JSON (protobuf.dev/programming-guides/json)."""

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from gateway.schema.reach import reachable
from gateway.schema.types.dynamic import DYNAMIC, spell
from gateway.schema.types.sqltypes import NamedType, SqlType, TypeFault
from gateway.schema.values import ValueFault, ValueKind, ValueType

# An escaped NUL after an even number of backslashes.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_NEGATIVE_ZERO = re.compile(r"-0(?:\.0*)?(?:[eE][+-]?[0-9]+)?(?![0-9.])")


def document(field: FieldDescriptor, sql: SqlType) -> ValueType:
    """Return the type of a field whose whole value is one JSON document, by proto field names."""
    return ValueType(
        sql=sql.name,
        engine=_engine(sql, f"{field.name} as a document"),
        kind=ValueKind.JSON,
        encode=_encoder(field, as_stored if sql.name == "jsonb" else str),
        decode=_decoder(field),
        equality=sql.name == "jsonb",
        orderable=False,
    )


def json_text(sql: SqlType) -> ValueType:
    """Return the type of a string field that holds JSON: jsonb keeps the value, json the spelling too."""
    return ValueType(
        sql=sql.name,
        engine=_engine(sql, "JSON text"),
        kind=ValueKind.JSON,
        encode=_valid_jsonb if sql.name == "jsonb" else _valid_json,
        equality=sql.name == "jsonb",
        orderable=False,
    )


def _engine(sql: SqlType, what: str) -> TypeEngine[Any]:
    if sql == SqlType("jsonb"):
        return postgresql.JSONB()
    if sql == SqlType("json"):
        return NamedType("json")
    raise TypeFault(f"{what} can't be stored as {sql}", "use jsonb")


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
        _refuse_unknown(value)
        try:
            return finish(spell(plain(value)))
        except RecursionError:
            raise ValueFault("is too deep to be written as JSON", "INVALID_JSON") from None

    return encode


def _general_encoder(field: FieldDescriptor, finish: Callable[[str], str]) -> Callable[[Any], str]:
    pool, fill, decode = _pool(field), _fill(field), _decoder(field)
    name, empty = field.name, _empty(field)
    holds_values = "google.protobuf.Value" in reachable(field.message_type)

    def encode(value: Any) -> str:
        holder = _holder(field)()
        fill(holder, value)
        _refuse_unknown(holder)
        try:
            spelled = json_format.MessageToDict(
                holder, preserving_proto_field_name=True, descriptor_pool=pool
            )
            text = spell(spelled.get(name, empty))
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


def _refuse_unknown(holder: Message) -> None:
    known = type(holder)()
    known.CopyFrom(holder)
    known.DiscardUnknownFields()
    if known.ByteSize() != holder.ByteSize():
        raise ValueFault("holds fields that the schema doesn't know", "UNKNOWN_FIELDS")


def as_stored(text: str) -> str:
    """Return the JSON text; raises ValueFault for what jsonb would refuse or change."""
    if "\\u0000" in text and _NUL.search(text):
        raise ValueFault("holds a NUL character, which JSON in PostgreSQL can't", "NUL_IN_TEXT")
    if "-0" in text and _has_negative_zero(text):
        raise ValueFault("holds a negative zero, which jsonb can't", "INEXACT")
    return text


def _has_negative_zero(text: str) -> bool:
    found = []

    def number(spelled: str) -> float:
        if _NEGATIVE_ZERO.fullmatch(spelled):
            found.append(spelled)
        return 0

    json.loads(text, parse_float=number, parse_int=number)
    return bool(found)


def _decoder(field: FieldDescriptor) -> Callable[[str], Any]:
    name, pool = field.name, _pool(field)

    def decode(text: str) -> Any:
        holder = _holder(field)()
        try:
            json_format.Parse(f'{{"{name}":{text}}}', holder, descriptor_pool=pool)
        except (json_format.Error, ValueError, RecursionError):
            raise ValueFault("the stored document does not fit the message", "INVALID_JSON") from None
        return getattr(holder, name)

    return decode


def _valid_json(text: str) -> str:
    try:
        # Half of a surrogate pair is an escape that json takes and UTF-8 doesn't: encoding finds it.
        json.dumps(json.loads(text, parse_constant=_refuse_constant), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ValueFault("is no JSON", "INVALID_JSON") from None
    return text


def _valid_jsonb(text: str) -> str:
    return as_stored(_valid_json(text))


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
