"""Responses as JSON: a response message, or the one field of it that a route answers with."""

from collections.abc import Callable
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from gateway.config.settings import HttpSettings
from gateway.transport.protocols.json import json_writer

Writer = Callable[[bytes], bytes]
"""Returns the JSON of a serialized message."""


def response_writer(response: Descriptor, field: str, http: HttpSettings) -> Writer:
    """Return what writes a method's responses; `field` is that of the route's response_body."""
    write = json_writer(response, proto_names=http.json_proto_names, defaults=http.json_defaults)
    return write if not field else _field_writer(response, response.fields_by_name[field], write, http)


def _field_writer(response: Descriptor, field: FieldDescriptor, write: Writer, http: HttpSettings) -> Writer:
    made: Any = GetMessageClass(response)
    name = field.name if http.json_proto_names else field.json_name
    unset = _unset(response, field)

    def write_field(body: bytes) -> bytes:
        whole = made.FromString(body)
        for other, _ in whole.ListFields():
            if other.name != field.name:
                whole.ClearField(other.name)
        held = orjson.loads(write(whole.SerializePartialToString()))
        if name not in held:
            return unset
        return orjson.dumps(held[name])

    return write_field


def _unset(response: Descriptor, field: FieldDescriptor) -> bytes:
    """Return the JSON of a field that a response leaves out, as it holds nothing, zero or false."""
    if field.is_repeated:
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        return b"{}" if is_map else b"[]"
    if field.has_presence:
        return b"null"
    zero = orjson.loads(json_writer(response, defaults=True)(b""))
    return orjson.dumps(zero[field.json_name])
