"""Values that an update writes: those of the resource's message that the mask names."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message

from gateway.errors import InvalidArgument
from gateway.request.keys import below
from gateway.request.masks import means_all, update_columns
from gateway.request.rows import Values, encode_fields, refuse_unknown
from gateway.request.transforms import NO_TRANSFORMS, Transforms, read_transforms
from gateway.request.unreadable import erased_reader, refuse_erasing
from gateway.schema.model import Field, StandardMethod


class MaskedValues:
    """Reads what requests of a method write.

    The mask decides what changes: none stands for the populated fields, `*` for all. A masked field that is
    unset becomes NULL, or its default where it can't be NULL. Key and server-set fields are left alone.
    """

    def __init__(self, method: StandardMethod) -> None:
        self._resource = method.resource
        self._roles = method.request
        self._field = method.request["resource"].name
        self._erased = erased_reader(method.resource)

    def read(self, request: Any, message: Message, place: str) -> tuple[Values, tuple[str, ...], Transforms]:
        """Return the columns' values, the columns that take their default, and what becomes of others.

        Raises InvalidArgument for a wrong mask, value or transform.

        Args:
            request: the request, or an item of a batch.
            message: its resource.
            place: the item's proto path in a batch.

        """
        mask = request.update_mask if "update_mask" in self._roles else None
        path = below(place, "update_mask")
        if means_all(mask):
            refuse_unknown(message, below(place, self._field))
        wanted = update_columns(self._resource, mask, message, path)
        erased = self.would_erase(request, message)
        refuse_erasing((f.name for f in wanted.fields if f.name in erased), below(place, self._field))
        if wanted.below:
            name = next(iter(wanted.below))
            text = f'"{name}" can only be written whole: name it without what is below'
            raise InvalidArgument.field(path, text, reason="INVALID_FIELD_MASK")
        transforms = self._transforms(request, wanted.fields, place)
        fields = wanted.fields or (self._resource.changed_by if transforms.shape else ())
        defaults = tuple(f for f in fields if _takes_default(f, message))
        sent = [field for field in fields if field not in defaults]
        values = encode_fields(message, sent, below(place, self._field))
        return values, tuple(field.column for field in defaults), transforms

    def _transforms(self, request: Any, written: Sequence[Field], place: str) -> Transforms:
        if "transforms" not in self._roles:
            return NO_TRANSFORMS
        return read_transforms(self._resource, request.transforms, written, below(place, "transforms"))

    def would_erase(self, request: Any, message: Message) -> frozenset[str]:
        """Return the unset fields of a row that was read without their values."""
        if self._erased is None:
            return frozenset()
        return self._erased(message, request.etag if "etag" in self._roles else "")


def _takes_default(field: Field, message: Message) -> bool:
    cleared = field.has_presence and not message.HasField(field.name)
    return cleared and not field.nullable and field.default is not None
