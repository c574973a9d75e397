"""The codecs of messages: protobuf's bytes as they are, or JSON in their place."""

from functools import lru_cache
from typing import NamedTuple

from google.protobuf.descriptor import MethodDescriptor

from gateway.transport.protocols.json import json_reader, json_writer
from gateway.transport.protocols.messages import Convert


class Codec(NamedTuple):
    """How the messages of one method are written.

    Args:
        decode: makes protobuf's bytes of a request; None where it has them.
        encode: makes what is sent of a response; None where that is protobuf's bytes.

    """

    decode: Convert | None
    encode: Convert | None


BINARY = Codec(None, None)


@lru_cache(1024)
def json_codec(method: MethodDescriptor) -> Codec:
    """Return the codec of a method's messages in JSON."""
    return Codec(json_reader(method.input_type), json_writer(method.output_type))
