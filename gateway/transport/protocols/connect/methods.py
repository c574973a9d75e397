"""Methods as Connect calls them: by which verbs, and in which forms their messages come."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from google.protobuf.descriptor_pb2 import MethodOptions

from gateway.transport.methods import ServedMethod
from gateway.transport.protocols.json import json_reader, json_writer

_STREAM = b"application/connect+"
_UNARY = b"application/"


class Codec(NamedTuple):
    """One form of a method's messages.

    Args:
        content_type: of a body that holds them.
        read: makes protobuf's bytes of a request, and raises InvalidArgument; None where it is these.
        write: makes a response of protobuf's bytes; None where it is these.

    """

    content_type: bytes
    read: Callable[[bytes], bytes] | None = None
    write: Callable[[bytes], bytes] | None = None


class ConnectMethod:
    """One method.

    Args:
        served: the method.

    """

    def __init__(self, served: ServedMethod) -> None:
        self.served = served
        self.streams = served.streams
        self.one_response = not served.descriptor.server_streaming
        level = served.descriptor.GetOptions().idempotency_level
        is_safe = served.reads or level == MethodOptions.NO_SIDE_EFFECTS
        self.verbs: Sequence[str] = ("GET", "POST") if is_safe and not self.streams else ("POST",)
        """The methods of HTTP that call it."""

    @cached_property
    def codecs(self) -> Mapping[str, Codec]:
        """The forms of its messages, by name. That of JSON is made when it is first asked for."""
        prefix = _STREAM if self.streams else _UNARY
        descriptor = self.served.descriptor
        read, write = json_reader(descriptor.input_type), json_writer(descriptor.output_type)
        return {"json": Codec(prefix + b"json", read, write), "proto": Codec(prefix + b"proto")}

    def codec_of(self, content_type: bytes) -> Codec | None:
        """Return the form of a request of a content type; None for what it doesn't take."""
        return next((one for one in self.codecs.values() if one.content_type == content_type), None)
