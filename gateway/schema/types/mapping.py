"""Which SQL type a proto field takes, and with which conversions."""

from collections.abc import Callable, Mapping

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from rowgate.v1 import annotations_pb2
from sqlalchemy.dialects import postgresql

from gateway.schema.types.enums import enum_as_enum, enum_as_number, enum_as_text
from gateway.schema.types.numbers import INT32, INT64, UINT32, UINT64, boolean, floating, integer
from gateway.schema.types.sqltypes import SqlType, TypeFault, parse_sql_type
from gateway.schema.types.texts import text
from gateway.schema.types.times import timestamp
from gateway.schema.values import ValueKind, ValueType

Build = Callable[[SqlType], ValueType]


def _bytes(sql: SqlType) -> ValueType:
    if sql != SqlType("bytea"):
        raise TypeFault(f"bytes can't be stored as {sql}", "use bytea")
    return ValueType("bytea", postgresql.BYTEA(), ValueKind.BYTES)


_SCALARS: Mapping[int, tuple[str, Build]] = {
    FieldDescriptor.TYPE_INT32: ("integer", lambda sql: integer(INT32, sql)),
    FieldDescriptor.TYPE_SINT32: ("integer", lambda sql: integer(INT32, sql)),
    FieldDescriptor.TYPE_SFIXED32: ("integer", lambda sql: integer(INT32, sql)),
    FieldDescriptor.TYPE_INT64: ("bigint", lambda sql: integer(INT64, sql)),
    FieldDescriptor.TYPE_SINT64: ("bigint", lambda sql: integer(INT64, sql)),
    FieldDescriptor.TYPE_SFIXED64: ("bigint", lambda sql: integer(INT64, sql)),
    FieldDescriptor.TYPE_UINT32: ("bigint", lambda sql: integer(UINT32, sql)),
    FieldDescriptor.TYPE_FIXED32: ("bigint", lambda sql: integer(UINT32, sql)),
    FieldDescriptor.TYPE_UINT64: ("numeric(20,0)", lambda sql: integer(UINT64, sql)),
    FieldDescriptor.TYPE_FIXED64: ("numeric(20,0)", lambda sql: integer(UINT64, sql)),
    FieldDescriptor.TYPE_FLOAT: ("real", lambda sql: floating(single=True, sql=sql)),
    FieldDescriptor.TYPE_DOUBLE: ("double precision", lambda sql: floating(single=False, sql=sql)),
    FieldDescriptor.TYPE_BOOL: ("boolean", boolean),
    FieldDescriptor.TYPE_STRING: ("text", text),
    FieldDescriptor.TYPE_BYTES: ("bytea", _bytes),
}

_MESSAGES: Mapping[str, tuple[str, Build]] = {
    "google.protobuf.Timestamp": ("timestamp with time zone", timestamp),
}


def value_type(field: FieldDescriptor, options: annotations_pb2.ColumnOptions, schema: str) -> ValueType:
    """Return how the field's values are stored in a table of that PostgreSQL schema.

    Raises TypeFault, saying what would be right, for a field that no column can hold exactly as asked.
    """
    asked, _ = parse_sql_type(_spelled(options)) if _spelled(options) else (None, False)
    if field.enum_type is not None:
        return _enum(field.enum_type, options, asked, schema)
    if field.message_type is not None:
        known = _MESSAGES.get(field.message_type.full_name)
    else:
        known = _SCALARS.get(field.type)
    if known is None:
        raise TypeFault("the field's type can't be stored")
    default, build = known
    return build(asked or parse_sql_type(default)[0])


def _spelled(options: annotations_pb2.ColumnOptions) -> str:
    if options.length and not options.type:
        return f"varchar({options.length})"
    return options.type


def _enum(
    enum: EnumDescriptor, options: annotations_pb2.ColumnOptions, asked: SqlType | None, schema: str
) -> ValueType:
    if options.enum_type:
        return enum_as_enum(enum, options.enum_type, schema)
    if asked is None or asked == SqlType("text"):
        return enum_as_text(enum)
    return enum_as_number(enum, asked)
