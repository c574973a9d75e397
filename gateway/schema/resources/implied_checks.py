"""Conditions that a column's type implies, where the SQL type alone allows more than the proto type."""

from google.protobuf.descriptor import FieldDescriptor

from gateway.schema.model import Field
from gateway.schema.types.enums import labels_of

_UNSIGNED_MAX = {
    FieldDescriptor.TYPE_UINT32: 2**32 - 1,
    FieldDescriptor.TYPE_FIXED32: 2**32 - 1,
    FieldDescriptor.TYPE_UINT64: 2**64 - 1,
    FieldDescriptor.TYPE_FIXED64: 2**64 - 1,
}
_WRAPPED = {
    "google.protobuf.UInt32Value": FieldDescriptor.TYPE_UINT32,
    "google.protobuf.UInt64Value": FieldDescriptor.TYPE_UINT64,
}
_INTEGER_MAX = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def implied_condition(field: Field, column: str) -> str | None:
    """Return the SQL condition that keeps the (quoted) column to what the proto field can hold, or None."""
    descriptor = field.descriptor
    if descriptor.is_repeated or field.generated:
        return None
    message = descriptor.message_type.full_name if descriptor.message_type is not None else ""
    highest = _UNSIGNED_MAX.get(_WRAPPED.get(message, descriptor.type))
    if highest is not None:
        upper = (
            f" AND {column} <= {highest}" if _INTEGER_MAX.get(field.type.sql, highest + 1) > highest else ""
        )
        return f"{column} >= 0{upper}"
    if descriptor.enum_type is None:
        return None
    if field.type.sql == "text":
        labels = ", ".join("'" + label.replace("'", "''") + "'" for label in labels_of(descriptor.enum_type))
        return f"{column} IN ({labels})"
    if field.type.sql in _INTEGER_MAX:
        return f"{column} IN ({', '.join(map(str, sorted(descriptor.enum_type.values_by_number)))})"
    return None
