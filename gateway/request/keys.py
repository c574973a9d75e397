"""Keys: the request's key fields as driver values, by column name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gateway.errors import InvalidArgument
from gateway.schema.model import Field, Resource
from gateway.schema.values import ValueFault

Key = Mapping[str, Any]


def key_reader(resource: Resource, descriptors: Sequence[FieldDescriptor]) -> Callable[[Message], Key]:
    """Return the function that reads a key of `resource` from a message's fields, in key order.

    Raises InvalidArgument, when called, naming the field whose value can't be a key.
    """
    plan = [
        (field, descriptor.name) for field, descriptor in zip(resource.key_fields, descriptors, strict=True)
    ]

    def read(message: Message) -> Key:
        return {field.column: encode_value(field, getattr(message, name), name) for field, name in plan}

    return read


def encode_value(field: Field, value: Any, path: str) -> Any:
    """Return the driver value of a proto value; raises InvalidArgument naming `path`."""
    if field.type.encode is None:
        return value
    try:
        return field.type.encode(value)
    except ValueFault as fault:
        raise InvalidArgument.field(path, fault.description, reason=fault.reason) from fault


def key_text(resource: Resource, key: Key) -> str:
    """Return a key as `name=value, …`, for errors. The caller sent it: it tells nothing new."""
    return ", ".join(f"{field.name}={str(key[field.column])[:64]}" for field in resource.key_fields)
