"""Values that an update writes: those of the resource's message that the mask names."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf.message import Message

from gateway.request.keys import below
from gateway.request.masks import RelationMask, means_all, update_columns
from gateway.request.rows import Values, masked_values, refuse_unknown
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
        self._related = method.related
        self._roles = method.request
        self._field = method.request["resource"].name
        self._erased = erased_reader(method.resource)

    def read(self, request: Any, message: Message, place: str) -> "MaskedRow":
        """Return what the request writes; raises InvalidArgument for a wrong mask, value or transform.

        Args:
            request: the request, or an item of a batch.
            message: its resource.
            place: the item's proto path in a batch.

        """
        mask = request.update_mask if "update_mask" in self._roles else None
        path = below(place, "update_mask")
        if means_all(mask):
            refuse_unknown(message, below(place, self._field))
        wanted = update_columns(self._resource, mask, message, path, self._related)
        erased = self.would_erase(request, message)
        refuse_erasing((f.name for f in wanted.fields if f.name in erased), below(place, self._field))
        transforms = self._transforms(request, wanted.fields, place)
        if not wanted.fields and (transforms.shape or wanted.relations):
            wanted = replace(wanted, fields=self._resource.changed_by)
        values, defaults = masked_values(wanted, message, below(place, self._field), path)
        return MaskedRow(values, defaults, transforms, wanted.relations)

    def _transforms(self, request: Any, written: Sequence[Field], place: str) -> Transforms:
        if "transforms" not in self._roles:
            return NO_TRANSFORMS
        return read_transforms(self._resource, request.transforms, written, below(place, "transforms"))

    def would_erase(self, request: Any, message: Message) -> frozenset[str]:
        """Return the unset fields of a row that was read without their values."""
        if self._erased is None:
            return frozenset()
        return self._erased(message, request.etag if "etag" in self._roles else "")


@dataclass(frozen=True, slots=True)
class MaskedRow:
    """What an update writes of a row.

    Args:
        values: the columns' values.
        defaults: the columns that take their default.
        transforms: what becomes of others.
        relations: what of the rows that it holds.

    """

    values: Values
    defaults: tuple[str, ...]
    transforms: Transforms
    relations: tuple[RelationMask, ...]
