"""Messages, maps, Struct and Value ⇄ jsonb by proto JSON (protobuf.dev/programming-guides/json)."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.schema.protojson.errors import JsonError
from gateway.schema.protojson.reader import Readers
from gateway.schema.protojson.scalars import FLOAT_MAX
from gateway.schema.protojson.writer import SCALARS, Write, Writers, names_of, single
from gateway.schema.types.json_text import as_json, as_jsonb, json_engine
from gateway.schema.types.sql_types import SqlType
from gateway.schema.unknown_fields import refuse_unknown_fields
from gateway.schema.values import InvalidValueError, ValueKind, ValueType


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
    write, fill = _Documents().of_field(field), _fill(field)

    def encode(value: Any) -> str:
        holder = _holder(field)()
        fill(holder, value)
        refuse_unknown_fields(holder)
        try:
            return finish(spell(write(value)))
        except JsonError as error:
            reason = "UNKNOWN_ENUM_VALUE" if isinstance(error, _UnnamedError) else "INVALID_JSON"
            raise InvalidValueError(f"{error.description}, {error.below(field.name).path}", reason) from None
        except RecursionError:
            raise InvalidValueError("is too deep to be written as JSON", "INVALID_JSON") from None

    return encode


def spell(plain: Any) -> str:
    """Return plain Python as compact JSON."""
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


class _UnnamedError(JsonError):
    """A number that its enum has no name for."""


class _Documents(Writers):
    """The writers of documents: by proto names, and only what is read again as it was."""

    def __init__(self) -> None:
        super().__init__(proto_names=True)
        self.scalars = {**SCALARS, FieldDescriptor.TYPE_FLOAT: _single}

    def _of_enum(self, enum: EnumDescriptor) -> Write:
        names: Mapping[int, str | None] = names_of(enum)
        if enum.full_name == "google.protobuf.NullValue":
            names = dict.fromkeys(names)

        def name(number: int) -> str | None:
            try:
                return names[number]
            except KeyError:
                raise _UnnamedError("holds a number that its enum has no name for") from None

        return name

    def _unpacked(self, packed: Any) -> Message:
        message = super()._unpacked(packed)
        refuse_unknown_fields(message)
        return message

    def _number(self, number: float) -> float:
        number = super()._number(number)
        # -0.0 stays a float: as an integer it would lose its sign before it is seen and refused.
        return int(number) if number.is_integer() and number else number

    def _null(self, number: int) -> None:
        if number:
            raise _UnnamedError("holds a null_value that is no NULL_VALUE")

    def _kindless(self) -> None:
        raise JsonError("holds a google.protobuf.Value without a kind")


def _single(number: float) -> float | str:
    shortest = single(number)
    # Parsers refuse what is larger than the largest float, but take it as an integer.
    if isinstance(shortest, float) and abs(shortest) > FLOAT_MAX:
        return int(shortest)
    return shortest


def _fill(field: FieldDescriptor) -> Callable[[Message, Any], None]:
    name = field.name
    if field.is_repeated:
        return lambda holder, value: getattr(holder, name).MergeFrom(value)
    return lambda holder, value: getattr(holder, name).CopyFrom(value)


def _decoder(field: FieldDescriptor) -> Callable[[str], Any]:
    name, holder = field.name, cast("Descriptor", field.containing_type)
    read = Readers(holder.file.pool, proto_names=True).of_message(holder)

    def decode(text: str) -> Any:
        try:
            return getattr(read({name: json.loads(text, object_pairs_hook=_once)}), name)
        except (ValueError, RecursionError):
            raise InvalidValueError("the stored document does not fit the message", "INVALID_JSON") from None

    return decode


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise JsonError("a member is named twice")
    return made
