"""Message → bytes."""

from google.protobuf.message import EncodeError, Message

from gateway.errors import Internal


def serialized(response: Message) -> bytes:
    """Return a response's bytes; raises Internal where it has none, as it nests too deep."""
    try:
        # Partial: a read mask, or a document stored by others, may leave out what proto2 requires.
        return response.SerializePartialToString()
    except EncodeError as error:
        raise Internal("the response can't be serialised", reason="INTERNAL") from error
