"""JSON by protobuf's own functions."""

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from google.protobuf.message_factory import GetMessageClass

from gateway.errors import InvalidArgument

MAX_ELEMENTS = 200_000


def json_reader(descriptor: Descriptor) -> Callable[[bytes], bytes]:
    """Return what reads JSON of a message; raises InvalidArgument, when called."""
    made: Any = GetMessageClass(descriptor)
    pool: Any = descriptor.file.pool

    def read(body: bytes) -> bytes:
        if sum(map(body.count, (b"{", b"[", b","))) > MAX_ELEMENTS:
            raise InvalidArgument("the request has too many elements", reason="TOO_MANY_ELEMENTS")
        try:
            message = Parse(body, made(), descriptor_pool=pool)
        except (ParseError, UnicodeDecodeError, RecursionError) as error:
            text = f"the request is no JSON of {descriptor.full_name}: {str(error).partition(chr(10))[0]}"
            raise InvalidArgument(text, reason="REQUEST_MALFORMED") from error
        serialized: bytes = message.SerializePartialToString()
        return serialized

    return read


def json_writer(
    descriptor: Descriptor, *, proto_names: bool = False, defaults: bool = False
) -> Callable[[bytes], bytes]:
    """Return what writes a serialized message as JSON."""
    made: Any = GetMessageClass(descriptor)
    pool: Any = descriptor.file.pool

    def write(body: bytes) -> bytes:
        return MessageToJson(
            made.FromString(body),
            indent=None,
            ensure_ascii=False,
            preserving_proto_field_name=proto_names,
            always_print_fields_with_no_presence=defaults,
            descriptor_pool=pool,
        ).encode()

    return write
