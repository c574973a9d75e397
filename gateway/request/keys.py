"""Keys: the request's key fields as driver values, by column name."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.errors import InvalidArgument
from gateway.schema.model import Field, Resource
from gateway.schema.values import InvalidValueError

Key = Mapping[str, Any]


def key_reader(resource: Resource, descriptors: Sequence[FieldDescriptor]) -> Callable[[Message, str], Key]:
    """Return the function that reads a key of `resource`: (message, its proto path) → key.

    The path of the request itself is empty. Raises InvalidArgument, when called, naming the field whose value
    can't be a key, or that is unset though it could tell (reason KEY_MISSING).

    Args:
        resource: whose key.
        descriptors: the message's fields that carry it, in key order.

    """
    plan = [
        (field, descriptor.name, descriptor.has_presence)
        for field, descriptor in zip(resource.key_fields, descriptors, strict=True)
    ]

    def read(message: Message, path: str) -> Key:
        key = {}
        for field, name, has_presence in plan:
            if has_presence and not message.HasField(name):
                raise _key_missing(below(path, name))
            key[field.column] = encode_value(field, getattr(message, name), below(path, name))
        return key

    return read


def message_key_reader(resource: Resource) -> Callable[[Message, str], Key]:
    """Return the function that reads the key that a message of the resource itself carries."""
    return key_reader(resource, [field.descriptor for field in resource.key_fields])


def _key_missing(path: str) -> InvalidArgument:
    return InvalidArgument.field(path, "is part of the key and isn't set", reason="KEY_MISSING")


def encode_value(field: Field, value: Any, path: str) -> Any:
    """Return the driver value of a proto value; raises InvalidArgument naming `path`."""
    if field.type.encode is None:
        return value
    try:
        return field.type.encode(value)
    except InvalidValueError as error:
        raise InvalidArgument.field(path, error.description, reason=error.reason) from error


def key_text(resource: Resource, key: Key) -> str:
    """Return a key as `name=value, …`, for errors. The caller sent it: it tells nothing new.

    A stored value that its message can't hold, such as an infinite time, is told as `?`.
    """
    return ", ".join(
        f"{field.name}={_spelled(resource, field, key[field.column])[:64]}" for field in resource.key_fields
    )


def _spelled(resource: Resource, field: Field, value: Any) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if (
        isinstance(value, tuple) and field.type.decode is not None
    ):  # what the driver gives for times and dates
        try:
            sent = GetMessageClass(resource.message)(**{field.name: field.type.decode(value)})
        except InvalidValueError:
            return "?"
        return str(MessageToDict(getattr(sent, field.name)))
    return str(value)


def below(path: str, name: str) -> str:
    """Return the proto path of a field below `path`, which may be empty."""
    return f"{path}.{name}" if path else name
