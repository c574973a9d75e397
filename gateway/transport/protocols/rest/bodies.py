"""Bodies of requests: JSON of a request, or of one of its fields, as the request's bytes."""

from collections.abc import Callable
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.errors import FieldViolation, InvalidArgument
from gateway.schema.model import Method, MethodKind, Resource, StandardMethod
from gateway.schema.routes import Route
from gateway.transport.protocols.json import json_reader

BodyReader = Callable[[bytes], bytes]
"""Returns what a body adds to the request's bytes; raises InvalidArgument, with paths from the request."""

_WELL_KNOWN = "google.protobuf."
_LENGTH_DELIMITED = 2


def body_reader(message: Descriptor, body: str) -> BodyReader | None:
    """Return what reads the bodies of a route to a request message; None where the route has no body."""
    if not body:
        return None
    if body == "*":
        return json_reader(message)
    field = message.fields_by_name[body]
    held = field.message_type
    if held is None or field.is_repeated or held.full_name.startswith(_WELL_KNOWN):
        return _reader_of_value(message, field)
    return _reader_of_message(field, held)


def _reader_of_message(field: FieldDescriptor, held: Descriptor) -> BodyReader:
    read, tag, name = json_reader(held), _varint(field.number << 3 | _LENGTH_DELIMITED), field.name

    def read_below(body: bytes) -> bytes:
        try:
            inner = read(body)
        except InvalidArgument as error:
            raise _below(name, error) from error
        return tag + _varint(len(inner)) + inner

    return read_below


def _below(name: str, error: InvalidArgument) -> InvalidArgument:
    """Return the error of a field's value as that of the request."""
    violations = [
        FieldViolation(f"{name}.{one.field}" if one.field else name, one.description, one.reason)
        for one in error.violations
    ]
    return InvalidArgument(error.message, reason=error.reason, metadata=error.metadata, violations=violations)


def _reader_of_value(message: Descriptor, field: FieldDescriptor) -> BodyReader:
    """Return what reads lists, maps, numbers, texts and times: as the one field of the request's JSON."""
    read, name = json_reader(message), orjson.dumps(field.json_name)

    def read_value(body: bytes) -> bytes:
        try:
            orjson.loads(body)  # otherwise its end could pass for other fields of the request
        except orjson.JSONDecodeError as error:
            raise InvalidArgument(f"the body is no JSON: {error}", reason="REQUEST_MALFORMED") from error
        return read(b"{%s:%s}" % (name, body))

    return read_value


def _varint(value: int) -> bytes:
    pieces = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        pieces.append(value & 0x7F | 0x80)
        value >>= 7
    pieces.append(value)
    return bytes(pieces)


class MergePatch:
    """The update mask of a PATCH that names none: the fields of the resource that its body holds.

    So a field that the body sets to its zero value, or to null, is updated, and one that it leaves out isn't
    (RFC 7396). A document is a field's value, and written whole.

    Args:
        resource: what is updated.
        mask: the request's field that names what is written.
        holder: the request's field that holds the resource, where it isn't the body itself.

    """

    def __init__(self, resource: Resource, mask: FieldDescriptor, holder: FieldDescriptor | None) -> None:
        self.mask = mask.name
        self._mask_names = {mask.name, mask.json_name}
        self._holder_names = () if holder is None else (holder.json_name, holder.name)
        self._names = {
            spelt: field.name
            for field in resource.fields
            for spelt in (field.name, field.descriptor.json_name)
        }

    @classmethod
    def of(cls, method: Method, route: Route) -> "MergePatch | None":
        """Return that of a route; None where it is no PATCH of a method with a mask."""
        if not isinstance(method, StandardMethod):
            return None
        mask, holder = method.request.get("update_mask"), method.request.get("resource")
        if route.verb != "PATCH" or method.kind is not MethodKind.UPDATE or mask is None or holder is None:
            return None
        if route.body not in ("*", holder.name):
            return None
        return cls(method.resource, mask, holder if route.body == "*" else None)

    def paths(self, body: bytes) -> list[str]:
        """Return the paths that a well-formed body holds; none where it names a mask itself."""
        held: Any = orjson.loads(body)
        if self._holder_names:
            if self._mask_names & held.keys():
                return []
            held = next((held[name] for name in self._holder_names if name in held), None)
        return [self._names[name] for name in held or () if name in self._names]
