"""The mapping of proto fields to SQL types and their conversions."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from rowgate.v1 import annotations_pb2

from gateway.schema.types.arrays import array, vector
from gateway.schema.types.calendar import date, time_of_day
from gateway.schema.types.decimals import decimal, money
from gateway.schema.types.documents import document
from gateway.schema.types.durations import duration
from gateway.schema.types.enums import enum_as_enum, enum_as_number, enum_as_text
from gateway.schema.types.numbers import INT32, INT64, UINT32, UINT64, boolean, floating, integer
from gateway.schema.types.octets import octets
from gateway.schema.types.points import point
from gateway.schema.types.sql_types import InvalidTypeError, SqlType, parse_sql_type
from gateway.schema.types.texts import text
from gateway.schema.types.times import timestamp
from gateway.schema.types.wrappers import wrapped
from gateway.schema.unknown_fields import refusing_unknown
from gateway.schema.values import ValueType

Build = Callable[[SqlType], ValueType]
Options = annotations_pb2.ColumnOptions
VectorOptions = annotations_pb2.VectorOptions


_INT32 = ("integer", lambda sql: integer(INT32, sql))
_INT64 = ("bigint", lambda sql: integer(INT64, sql))
_UINT32 = ("bigint", lambda sql: integer(UINT32, sql))
_UINT64 = ("numeric(20,0)", lambda sql: integer(UINT64, sql))
_FLOAT = ("real", lambda sql: floating(single=True, sql=sql))
_DOUBLE = ("double precision", lambda sql: floating(single=False, sql=sql))
_BOOL = ("boolean", boolean)
_TEXT = ("text", text)
_BYTES = ("bytea", octets)

SCALARS: Mapping[int, tuple[str, Build]] = {
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_SINT64: _INT64,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    FieldDescriptor.TYPE_UINT64: _UINT64,
    FieldDescriptor.TYPE_FIXED64: _UINT64,
    FieldDescriptor.TYPE_FLOAT: _FLOAT,
    FieldDescriptor.TYPE_DOUBLE: _DOUBLE,
    FieldDescriptor.TYPE_BOOL: _BOOL,
    FieldDescriptor.TYPE_STRING: _TEXT,
    FieldDescriptor.TYPE_BYTES: _BYTES,
}

# Messages that are one value of PostgreSQL; all others are documents.
MESSAGES: Mapping[str, tuple[str, Build]] = {
    "google.protobuf.Timestamp": ("timestamp with time zone", timestamp),
    "google.protobuf.Duration": ("interval", duration),
    "google.type.Date": ("date", date),
    "google.type.TimeOfDay": ("time without time zone", time_of_day),
    "google.type.Decimal": ("numeric", decimal),
    "google.type.LatLng": ("point", point),
}

WRAPPERS: Mapping[str, tuple[str, Build]] = {
    "google.protobuf.BoolValue": _BOOL,
    "google.protobuf.Int32Value": _INT32,
    "google.protobuf.Int64Value": _INT64,
    "google.protobuf.UInt32Value": _UINT32,
    "google.protobuf.UInt64Value": _UINT64,
    "google.protobuf.FloatValue": _FLOAT,
    "google.protobuf.DoubleValue": _DOUBLE,
    "google.protobuf.StringValue": _TEXT,
    "google.protobuf.BytesValue": _BYTES,
}

_MONEY = "google.type.Money"
_DOCUMENTS = ("json", "jsonb")
_MOST_INDEXED = 2000
"""The most dimensions of a vector that pgvector indexes."""


def value_type(field: FieldDescriptor, options: Options, schema: str) -> ValueType:
    """Return how the field's values are stored in a table of that PostgreSQL schema.

    Raises InvalidTypeError, saying what would be right, for a field that no column can hold exactly as asked.
    """
    _refuse_idle(field, options)
    if options.HasField("vector"):
        return _vector(field, options)
    asked, is_array = _asked(options)
    if not field.is_repeated:
        if is_array:
            raise InvalidTypeError(
                f'one value can\'t be stored as "{options.type}"', "declare the field repeated"
            )
        return _single(field, options, asked, schema)
    if is_document(field) or (asked is not None and asked.name in _DOCUMENTS and not is_array):
        return document(field, asked or SqlType("jsonb"))
    if asked is not None and asked.name == "vector" and field.type == FieldDescriptor.TYPE_FLOAT:
        return vector(asked)
    if options.type and not is_array:
        raise InvalidTypeError(
            f'a repeated field can\'t be stored as "{options.type}"', f'write "{options.type}[]"'
        )
    return array(_single(field, options, asked, schema))


def _vector(field: FieldDescriptor, options: Options) -> ValueType:
    if field.type != FieldDescriptor.TYPE_FLOAT or not field.is_repeated:
        raise InvalidTypeError("is no list of floats, as a vector is", "declare it repeated float")
    if options.type:
        raise InvalidTypeError("has a type beside vector", "leave type out")
    made = vector(SqlType("vector", (options.vector.dimensions,)))
    if options.vector.index != VectorOptions.NONE and options.vector.dimensions > _MOST_INDEXED:
        wrong = f"is a vector of {options.vector.dimensions} dimensions, of which pgvector makes no index"
        raise InvalidTypeError(wrong, f"say index: NONE, or at most {_MOST_INDEXED} dimensions")
    return made


def _asked(options: Options) -> tuple[SqlType | None, bool]:
    if options.type:
        return parse_sql_type(options.type)
    return (SqlType("character varying", (options.length,)), False) if options.length else (None, False)


def _refuse_idle(field: FieldDescriptor, options: Options) -> None:
    message = field.message_type.full_name if field.message_type is not None else ""
    is_text = field.type == FieldDescriptor.TYPE_STRING or message == "google.protobuf.StringValue"
    if options.length and (options.type or not is_text):
        raise InvalidTypeError(
            "length is for text alone", 'leave it out, or write type: "varchar(n)" instead'
        )
    if options.enum_type and (options.type or field.enum_type is None):
        raise InvalidTypeError("enum_type is for enums alone, and instead of type", "leave one of them out")
    if options.currency and message != _MONEY:
        raise InvalidTypeError("currency is for google.type.Money alone", "leave it out")


def is_document(field: FieldDescriptor) -> bool:
    """Whether the field's default is jsonb: maps, and messages that no other SQL type stands for."""
    if field.message_type is None:
        return False
    name = field.message_type.full_name
    return name not in MESSAGES and name != _MONEY and (name not in WRAPPERS or field.is_repeated)


def _single(field: FieldDescriptor, options: Options, asked: SqlType | None, schema: str) -> ValueType:
    if field.enum_type is not None:
        return _enum(field.enum_type, options, asked, schema)
    if field.message_type is None:
        return _built(SCALARS[field.type], asked)
    name = field.message_type.full_name
    if is_document(field) or (asked is not None and asked.name in _DOCUMENTS and name not in WRAPPERS):
        return document(field, asked or SqlType("jsonb"))
    return _strict(_message(name, options, asked))


def _message(name: str, options: Options, asked: SqlType | None) -> ValueType:
    if name == _MONEY:
        return money(asked or SqlType("numeric"), options.currency)
    if name in WRAPPERS:
        return wrapped(_built(WRAPPERS[name], asked))
    return _built(MESSAGES[name], asked)


def _strict(kind: ValueType) -> ValueType:
    """Return the type of a message that is one value, refusing what its column has no place for."""
    return kind if kind.encode is None else replace(kind, encode=refusing_unknown(kind.encode))


def _built(known: tuple[str, Build], asked: SqlType | None) -> ValueType:
    default, build = known
    return build(asked or parse_sql_type(default)[0])


def _enum(enum: EnumDescriptor, options: Options, asked: SqlType | None, schema: str) -> ValueType:
    if options.enum_type:
        return enum_as_enum(enum, options.enum_type, schema)
    if asked is None or asked == SqlType("text"):
        return enum_as_text(enum)
    return enum_as_number(enum, asked)
