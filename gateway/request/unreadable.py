"""Values without which a row was read: nobody who sends that row back may erase them unawares.

The row says so itself, in the field that names them, and by its etag, for clients that keep only that of it.
"""

from collections.abc import Callable, Iterable

from google.protobuf.message import Message

from gateway.errors import InvalidArgument
from gateway.request.etag import left_out_of
from gateway.request.keys import below
from gateway.schema.model import Field, Resource
from gateway.schema.values import InvalidValueError

ERASED = InvalidValueError(
    "was left out when the row was read, and would be erased: set it, write other fields alone, or send "
    "the row without its etag and without saying that it was left out",
    "VALUE_UNREADABLE",
)

ErasedReader = Callable[[Message, str], frozenset[str]]
"""(the row's message, the etag of the request) → the fields that would be erased if they were written."""


def erased_reader(resource: Resource) -> ErasedReader | None:
    """Return the function that finds what writing a row would erase; None where no message of it says so."""
    name, etag = resource.unreadable, resource.etag
    if name is None:
        return None
    by_number = {field.descriptor.number: field.name for field in resource.fields}

    def erased(message: Message, request_etag: str = "") -> frozenset[str]:
        named = {value.field for value in getattr(message, name)}
        for text in (request_etag, getattr(message, etag) if etag is not None else ""):
            named.update(by_number[number] for number in left_out_of(text) if number in by_number)
        if not named:
            return frozenset()
        fields = (field for field in resource.fields if field.name in named and field.writable)
        return frozenset(field.name for field in fields if not is_set(message, field))

    return erased


def refuse_erasing(erased: Iterable[str], path: str) -> None:
    """Raise InvalidArgument where fields of the row at `path` would be erased."""
    for name in sorted(erased):
        raise InvalidArgument.field(below(path, name), ERASED.description, reason=ERASED.reason)


def is_set(message: Message, field: Field) -> bool:
    """Return whether a message sets a field; one without presence does so by any value but its zero."""
    return message.HasField(field.name) if field.has_presence else bool(getattr(message, field.name))
