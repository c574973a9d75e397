"""A column → the proto field that carries it, or the reason why none does: the types' table, read backwards.

Each candidate is put to the table itself (gateway.schema.types), so that what is written is what is served.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf import duration_pb2, timestamp_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.type import date_pb2, decimal_pb2, latlng_pb2, timeofday_pb2
from rowgate.v1 import annotations_pb2

from gateway.introspect.tables.ddl import DEFAULT_SCHEMA
from gateway.introspect.tables.model_tables import EXTENSIONS
from gateway.introspect.tables.table_records import Column, Name
from gateway.proto_files.imports import IMPORTS
from gateway.proto_files.text import Value
from gateway.schema.types import InvalidTypeError, value_type
from gateway.schema.types.sql_types import without_modifiers
from gateway.schema.types.texts import NOT_TEXT

# What PostgreSQL's types are where a string isn't best: by their names without modifiers.
_PROTO_TYPES: Mapping[str, str] = {
    **NOT_TEXT,
    "interval": "google.protobuf.Duration",
    "numeric": "google.type.Decimal",
    "vector": "float",
    "geography": "google.type.LatLng",
}
# What a reader of the protos should know of a type that is served, but not for all it holds or means.
_NOTES: Mapping[str, str] = {
    "timestamp without time zone": "has no zone, and is read and written as UTC",
    "interval": "is told in seconds, a day as 24 hours, and left out of rows where it has months or years",
    "point": "is taken for a longitude and a latitude, and left out of rows where it is another point",
    "geography": "is left out of rows where it is no place",
}
_HOLDS_ALL = "google.type.TimeOfDay"
"""The message that has a place for whatever its column may store."""
_SCALARS: Mapping[str, "FieldDescriptorProto.Type.ValueType"] = {
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "float": FieldDescriptorProto.TYPE_FLOAT,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "string": FieldDescriptorProto.TYPE_STRING,
}
_FILES = (timestamp_pb2, duration_pb2, date_pb2, decimal_pb2, latlng_pb2, timeofday_pb2)

# format_type's spelling → the one that people write.
_SHORT = (
    (re.compile(r"^character varying"), "varchar"),
    (re.compile(r"^timestamp(\(\d\))? with time zone"), r"timestamptz\1"),
    (re.compile(r"^timestamp(\(\d\))? without time zone"), r"timestamp\1"),
    (re.compile(r"^time(\(\d\))? without time zone"), r"time\1"),
    (re.compile(r"^character\b"), "char"),
)
_VARCHAR = re.compile(r"character varying\((\d+)\)")


class InexpressibleError(Exception):
    """A column that no proto field can carry, and why."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """The proto field that carries a column.

    Args:
        type: its type; the full name of a message or enum.
        label: empty, `optional` or `repeated`.
        options: those of its column, without a name and without references.
        note: what is lost on the way; empty where nothing is.

    """

    type: str
    label: str
    options: Mapping[str, Value]
    note: str = ""


def carrier(
    column: Column, schema: str, enums: Mapping[str, tuple[str, Name]], *, is_key: bool, preferred: str = ""
) -> Carrier:
    """Return the field that carries a column; raises InexpressibleError where none can.

    Args:
        column: as the catalog has it.
        schema: its table's schema.
        enums: the enums that stand for enum types, by how the catalog prints these: full names, and types.
        is_key: whether it is part of the table's key.
        preferred: the proto type that is tried first.

    """
    sql = column.stored_type
    proto, typed = _as_enum(sql, enums) or _typed(sql, schema, preferred)
    note = note_of(column, proto, is_repeated=_is_repeated(sql))
    if _is_repeated(sql):
        return Carrier(proto, "repeated", typed, note)
    is_message = proto in IMPORTS
    # What fills a column that is left out has to be told from a zero; in these types it is by itself.
    lacks_zero = "enum_type" in typed or (is_key and _plain(sql) == "uuid")
    is_filled = column.default is not None and not column.default.startswith("nextval(")
    has_presence = column.nullable or (is_filled and not lacks_zero)
    label = "optional" if has_presence and not is_message else ""
    required: dict[str, Value] = {"not_null": True}
    optional = column.nullable or not (label or (is_message and not is_key))
    options = {**typed, **(_made(column) if is_key else {}), **({} if optional else required)}
    return Carrier(proto, label, options, note)


def may_be_unreadable(carrier: Carrier) -> bool:
    """Return whether a field can't hold all that is stored: `infinity`, NULL in an array, a new label."""
    may_lack = carrier.type in IMPORTS and carrier.type != _HOLDS_ALL
    return may_lack or carrier.label == "repeated" or "enum_type" in carrier.options


def note_of(column: Column, proto: str, *, is_repeated: bool) -> str:
    """Return what a reader should know of a column that a field of a type carries."""
    if is_repeated:
        return "reads as empty where it is NULL" if column.nullable else ""
    return _NOTES.get(_plain(column.stored_type), "") if proto in IMPORTS else ""


def _made(column: Column) -> dict[str, Value]:
    """Return the option that says how PostgreSQL makes a key."""
    default = column.default or ""
    if column.generated is not None:
        return {"generated": column.generated}
    if column.identity or default.startswith("nextval("):
        return {"identity": True}
    return {"default": default} if default else {}


def _as_enum(sql: str, enums: Mapping[str, tuple[str, Name]]) -> tuple[str, dict[str, Value]] | None:
    known = enums.get(sql.removesuffix("[]"))
    return (known[0], {"enum_type": str(known[1])}) if known else None


def _typed(sql: str, schema: str, preferred: str) -> tuple[str, dict[str, Value]]:
    """Return the field's type, and the option that says the column's where it isn't that type's own."""
    if " COLLATE " in sql:
        raise InexpressibleError("its collation isn't deterministic")
    wrong = ""
    for proto, options in _candidates(_unqualified(sql), preferred):
        field = _fields()[proto, _is_repeated(sql)]
        try:
            stored = value_type(field, annotations_pb2.ColumnOptions(**options), schema)
        except InvalidTypeError as error:
            wrong = error.wrong
        else:
            if stored.sql == _unqualified(sql):
                return proto, options
    raise InexpressibleError(wrong or "no proto field stands for it")


def _candidates(sql: str, preferred: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the fields that may carry a type, the best first."""
    usual = (_PROTO_TYPES.get(_plain(sql), "string"), "string")
    for proto in dict.fromkeys((preferred, *usual) if (preferred, False) in _fields() else usual):
        yield proto, {}
        if (limited := _VARCHAR.fullmatch(sql)) is not None:
            yield proto, {"length": int(limited[1])}
        yield proto, {"type": _shortened(sql)}


def _is_repeated(sql: str) -> bool:
    return sql.endswith("[]") or _plain(sql) == "vector"


def _plain(sql: str) -> str:
    """Return the name of a type, or of its elements', without modifiers."""
    return without_modifiers(_unqualified(sql)).removesuffix("[]")


def _unqualified(sql: str) -> str:
    """Return a type as schemas spell it: those that an extension brings by their names alone."""
    bare = sql.removeprefix(f"{DEFAULT_SCHEMA}.")
    return bare if without_modifiers(bare).removesuffix("[]") in EXTENSIONS else sql


def _shortened(sql: str) -> str:
    for long, short in _SHORT:
        sql = long.sub(short, sql)
    return sql


@cache
def _fields() -> Mapping[tuple[str, bool], FieldDescriptor]:
    """Return a field of each type, by the type and whether it is repeated."""
    pool = DescriptorPool()
    for module in _FILES:
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    pairs = [(proto, is_repeated) for proto in (*_SCALARS, *IMPORTS) for is_repeated in (False, True)]
    message = DescriptorProto(name="Candidates")
    for number, (proto, is_repeated) in enumerate(pairs, 1):
        field = message.field.add(name=f"f{number}", number=number)
        field.label = field.LABEL_REPEATED if is_repeated else field.LABEL_OPTIONAL
        field.type = _SCALARS.get(proto, FieldDescriptorProto.TYPE_MESSAGE)
        if proto in IMPORTS:
            field.type_name = f".{proto}"
    file = FileDescriptorProto(name="candidates.proto", syntax="proto3", message_type=[message])
    file.dependency.extend(IMPORTS.values())
    pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindMessageTypeByName("Candidates").fields_by_number
    return {pair: found[number] for number, pair in enumerate(pairs, 1)}
