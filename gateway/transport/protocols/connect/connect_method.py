"""Methods as Connect calls them: by which verbs of HTTP, and in which forms their messages come."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from google.protobuf.descriptor_pb2 import MethodOptions

from gateway.transport.protocols.codecs import BINARY, Codec, json_codec
from gateway.transport.served_method import ServedMethod

_STREAM = b"application/connect+"
_UNARY = b"application/"


class ConnectMethod:
    """One method.

    Args:
        served: the method.

    """

    def __init__(self, served: ServedMethod) -> None:
        self.served = served
        self.streams = served.streams
        self.one_response = not served.descriptor.server_streaming
        self._prefix = _STREAM if self.streams else _UNARY
        level = served.descriptor.GetOptions().idempotency_level
        is_safe = served.reads or level == MethodOptions.NO_SIDE_EFFECTS
        self.verbs: Sequence[str] = ("GET", "POST") if is_safe and not self.streams else ("POST",)
        """The methods of HTTP that call it."""

    @cached_property
    def codecs(self) -> Mapping[bytes, Codec]:
        """How its messages are written, by content type; made when it is first called."""
        return {self._prefix + b"json": json_codec(self.served.descriptor), self._prefix + b"proto": BINARY}

    def content_type(self, name: str) -> bytes:
        """Return the content type of a codec, known or not, by its name."""
        return self._prefix + name.encode()
