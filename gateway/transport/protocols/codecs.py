"""The codecs of messages: protobuf's bytes as they are, or JSON in their place."""

from functools import lru_cache
from typing import NamedTuple

from google.protobuf.descriptor import MethodDescriptor

from gateway.schema.protojson.form import JsonForm
from gateway.transport.exchange import Exchange
from gateway.transport.protocols.json import json_reader
from gateway.transport.protocols.messages import Convert, converted


class Codec(NamedTuple):
    """How the messages of one method are written.

    Args:
        decode: makes protobuf's bytes of a request; None where it has them.
        json: how a response is written; None where that is protobuf's bytes.

    """

    decode: Convert | None
    json: JsonForm | None


BINARY = Codec(None, None)


@lru_cache(1024)
def json_codec(method: MethodDescriptor) -> Codec:
    """Return the codec of a method's messages in JSON."""
    return Codec(json_reader(method.input_type), JsonForm(method.output_type))


async def written(form: JsonForm | None, message: bytes, exchange: Exchange | None) -> bytes:
    """Return a message of a call as it is sent; raises DataLoss for what JSON can't hold."""
    if form is None or (exchange is not None and exchange.is_json):
        return message
    return await converted(form.of_bytes, message)
