"""Row → message: one function per row shape, built when the statement is."""

from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.schema.model import Field, Resource

RowToMessage = Callable[[Sequence[Any]], Message]


def row_to_message(resource: Resource, fields: Sequence[Field]) -> RowToMessage:
    """Return the function that makes a message of a row whose columns are `fields`, in order.

    NULL becomes an unset field. Raises gateway.errors.DataLoss, when called, for a stored value that the message
    can't hold exactly.
    """
    message = GetMessageClass(resource.message)
    names = tuple(field.name for field in fields)
    decoders = tuple((i, field.type.decode) for i, field in enumerate(fields) if field.type.decode is not None)

    def build(row: Sequence[Any]) -> Message:
        values = list(row)
        for i, decode in decoders:
            if values[i] is not None:
                values[i] = decode(values[i])
        return message(**dict(zip(names, values, strict=True)))

    return build
