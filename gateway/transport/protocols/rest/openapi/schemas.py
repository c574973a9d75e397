"""Messages as JSON Schemas (draft 2020-12, which OpenAPI 3.1 has), by ProtoJSON's rules."""

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from gateway.schema.diagnostics import Element

Json = dict[str, Any]

_WELL_KNOWN = "google.protobuf."
_BASE64 = {"type": "string", "contentEncoding": "base64"}
_NO_NUMBERS = ["NaN", "Infinity", "-Infinity"]


def _integer(kind: str) -> Json:
    return {"type": "integer", "format": kind}


def _integer_text(kind: str) -> Json:
    return {"type": "string", "format": kind, "pattern": "^-?[0-9]+$"}


def _real(kind: str) -> Json:
    return {"anyOf": [{"type": "number", "format": kind}, {"enum": _NO_NUMBERS}]}


_SCALARS: Mapping[int, Json] = {
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BYTES: _BASE64,
    FieldDescriptor.TYPE_FLOAT: _real("float"),
    FieldDescriptor.TYPE_DOUBLE: _real("double"),
    FieldDescriptor.TYPE_INT32: _integer("int32"),
    FieldDescriptor.TYPE_SINT32: _integer("int32"),
    FieldDescriptor.TYPE_SFIXED32: _integer("int32"),
    FieldDescriptor.TYPE_UINT32: _integer("uint32"),
    FieldDescriptor.TYPE_FIXED32: _integer("uint32"),
    FieldDescriptor.TYPE_INT64: _integer_text("int64"),
    FieldDescriptor.TYPE_SINT64: _integer_text("int64"),
    FieldDescriptor.TYPE_SFIXED64: _integer_text("int64"),
    FieldDescriptor.TYPE_UINT64: _integer_text("uint64"),
    FieldDescriptor.TYPE_FIXED64: _integer_text("uint64"),
}
_WELL_KNOWN_SCHEMAS: Mapping[str, Json] = {
    "Timestamp": {"type": "string", "format": "date-time"},
    "Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$"},
    "FieldMask": {"type": "string", "description": "Names of fields, with commas between them."},
    "Struct": {"type": "object"},
    "Value": {},
    "ListValue": {"type": "array"},
    "Empty": {"type": "object", "additionalProperties": False},
    "Any": {"type": "object", "properties": {"@type": {"type": "string"}}, "required": ["@type"]},
    "DoubleValue": _real("double"),
    "FloatValue": _real("float"),
    "Int64Value": _integer_text("int64"),
    "UInt64Value": _integer_text("uint64"),
    "Int32Value": _integer("int32"),
    "UInt32Value": _integer("uint32"),
    "BoolValue": {"type": "boolean"},
    "StringValue": {"type": "string"},
    "BytesValue": _BASE64,
}


class Schemas:
    """The schemas that a document needs, each named by the full name of its message or enum.

    Args:
        elements: the comments, by full name.
        proto_names: whether JSON has the protos' names of fields.

    """

    def __init__(self, elements: Mapping[str, Element], *, proto_names: bool) -> None:
        self._elements = elements
        self._proto_names = proto_names
        self._wanted: dict[str, Callable[[], Json]] = {}

    def comment(self, full_name: str) -> str:
        """Return the comment of a message, field, enum, service or method; empty without one."""
        element = self._elements.get(full_name)
        return "" if element is None else element.comment

    def name(self, field: FieldDescriptor) -> str:
        """Return what JSON calls a field."""
        return field.name if self._proto_names else field.json_name

    def message(self, message: Descriptor) -> Json:
        """Return the schema of a message: a reference, where JSON has no form of its own for it."""
        if message.full_name.startswith(_WELL_KNOWN):
            known = _WELL_KNOWN_SCHEMAS.get(message.name)
            if known is not None:
                return dict(known)
        return self._reference(message.full_name, lambda: self._object(message))

    def field(self, field: FieldDescriptor) -> Json:
        """Return the schema of what a field holds, with its comment."""
        comment = self.comment(field.full_name)
        schema = self.value(field)
        return {**schema, "description": comment} if comment else schema

    def value(self, field: FieldDescriptor) -> Json:
        """Return the schema of what a field holds."""
        held = field.message_type
        if held is not None and held.GetOptions().map_entry:
            return {"type": "object", "additionalProperties": self._one(held.fields_by_name["value"])}
        one = self._one(field)
        return {"type": "array", "items": one} if field.is_repeated else one

    def components(self) -> Json:
        """Return all schemas that were asked for, and those that they need."""
        made: Json = {}
        while missing := self._wanted.keys() - made.keys():
            made.update({name: self._wanted[name]() for name in missing})
        return dict(sorted(made.items()))

    def _one(self, field: FieldDescriptor) -> Json:
        if field.message_type is not None:
            return self.message(field.message_type)
        if field.enum_type is not None:
            return self._enum(field.enum_type)
        return dict(_SCALARS[field.type])

    def _reference(self, full_name: str, make: Callable[[], Json]) -> Json:
        self._wanted.setdefault(full_name, make)
        return {"$ref": f"#/components/schemas/{full_name}"}

    def _enum(self, enum: EnumDescriptor) -> Json:
        if enum.full_name == f"{_WELL_KNOWN}NullValue":
            return {"type": "null"}
        names = [value.name for value in enum.values]
        return self._reference(
            enum.full_name, lambda: self._commented(enum.full_name, {"type": "string", "enum": names})
        )

    def _object(self, message: Descriptor) -> Json:
        schema: Json = {
            "type": "object",
            "properties": {self.name(field): self.field(field) for field in message.fields},
            "additionalProperties": False,
        }
        if message.is_extendable:
            schema["patternProperties"] = {r"^\[": {}}
        return self._commented(message.full_name, schema)

    def _commented(self, full_name: str, schema: Json) -> Json:
        comment = self.comment(full_name)
        return {**schema, "description": comment} if comment else schema
