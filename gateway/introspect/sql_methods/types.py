"""The types of a query's parameters and columns beside those of the fields that are to take them."""

from collections.abc import Mapping

from google.protobuf.descriptor import FieldDescriptor
from rowgate.v1 import annotations_pb2

from gateway.introspect.sql_methods.description import FoundType
from gateway.schema.sql_method import CALLER
from gateway.schema.types import InvalidTypeError, value_type
from gateway.schema.types.arrays import array
from gateway.schema.types.mapping import MESSAGES, SCALARS, WRAPPERS
from gateway.schema.types.numbers import INT64, boolean, integer
from gateway.schema.types.sql_types import SqlType, parse_sql_type
from gateway.schema.types.texts import text
from gateway.schema.values import ValueType

_SIZES = ("smallint", "integer", "bigint", "numeric"), ("real", "double precision")
"""Types each of which holds the values of those before it."""
PROTO_TYPES: Mapping[str, str] = {
    "smallint": "int32",
    "integer": "int32",
    "bigint": "int64",
    "numeric": "google.type.Decimal",
    "real": "float",
    "double precision": "double",
    "boolean": "bool",
    "text": "string",
    "character varying": "string",
    "character": "string",
    "uuid": "string",
    "bytea": "bytes",
    "timestamp with time zone": "google.protobuf.Timestamp",
    "interval": "google.protobuf.Duration",
    "date": "google.type.Date",
    "time without time zone": "google.type.TimeOfDay",
    "point": "google.type.LatLng",
    "jsonb": "google.protobuf.Struct",
    "json": "google.protobuf.Struct",
}
"""The proto type that holds each of PostgreSQL's exactly."""
_CALLERS = {
    "text": text,
    "character varying": text,
    "uuid": text,
    "bigint": lambda sql: integer(INT64, sql),
    "integer": lambda sql: integer(INT64, sql),
    "boolean": boolean,
}


def type_of(field: FieldDescriptor, found: FoundType) -> ValueType:
    """Return how a field's values are PostgreSQL's of a type; raises InvalidTypeError where they aren't."""
    options = annotations_pb2.ColumnOptions(type=found.name)
    if found.enum is not None and field.enum_type is not None:
        schema, name = found.enum
        return value_type(field, annotations_pb2.ColumnOptions(enum_type=name), schema)
    return value_type(field, options, "public")


def result_type(field: FieldDescriptor, found: FoundType) -> ValueType:
    """Return how a column's values are a field's; raises InvalidTypeError where some may not be."""
    _require_room(field, found)
    kind = type_of(field, found)
    if kind.text_cast:
        raise InvalidTypeError("the driver has no such values")
    return kind


def _require_room(field: FieldDescriptor, found: FoundType) -> None:
    """Raise InvalidTypeError where a field can't hold all numbers of a column's type."""
    element = found.name.removesuffix("[]")
    message = field.message_type.full_name if field.message_type is not None else ""
    own = SCALARS.get(field.type) or WRAPPERS.get(message) or MESSAGES.get(message)
    if own is None or field.enum_type is not None:
        return
    held = parse_sql_type(own[0])[0].name
    for sizes in _SIZES:
        if element in sizes and held in sizes and sizes.index(held) < sizes.index(element):
            raise InvalidTypeError(f"it doesn't hold all numbers of {found.name}")


def caller_type(name: str, found: FoundType) -> ValueType:
    """Return how what a parameter names of the caller is PostgreSQL's; raises InvalidTypeError."""
    if name == f"{CALLER}.roles":
        if found.name != "text[]":
            raise InvalidTypeError("roles are a list of texts", f"write :{name}::text[]")
        return array(text(SqlType("text")))
    build = _CALLERS.get(found.name)
    if build is None:
        raise InvalidTypeError(f"the caller has no {found.name}", f"cast it to one of {', '.join(_CALLERS)}")
    return build(SqlType(found.name))


def right_for(found: FoundType, what: str) -> str:
    """Return how the field of a parameter or column of a type would be declared."""
    proto = PROTO_TYPES.get(found.name.removesuffix("[]"))
    repeated = "repeated " if found.name.endswith("[]") else ""
    return f"declare the field {repeated}{proto}, or cast {what}" if proto else f"cast {what}"


def declared(field: FieldDescriptor) -> str:
    """Return a field's type as its proto has it."""
    held = field.message_type or field.enum_type
    name = held.full_name if held is not None else _NAMES[field.type]
    return f"repeated {name}" if field.is_repeated else str(name)


_NAMES = {
    value: name.removeprefix("TYPE_").lower()
    for name, value in vars(FieldDescriptor).items()
    if name.startswith("TYPE_")
}
