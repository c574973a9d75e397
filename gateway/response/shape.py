"""The shape of rows: which columns they have, and which of them a response shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from gateway.errors import DataLoss, FieldViolation, ResourceRef
from gateway.request.keys import key_text
from gateway.request.masks import Mask
from gateway.schema.model import Field, Resource
from gateway.schema.values import InvalidValueError

Row: TypeAlias = Sequence[Any]


@dataclass(frozen=True, slots=True)
class RowShape:
    """The columns of a statement's rows.

    Args:
        resource: what the rows are.
        fields: the fields of the row's columns, in order; those of `mask` first.
        mask: which of them are shown; None for all.

    """

    resource: Resource
    fields: Sequence[Field]
    mask: Mask | None = None

    @property
    def shown(self) -> Sequence[Field]:
        """The fields that are shown: those of a row's first columns."""
        return self.fields if self.mask is None else self.fields[: len(self.mask.fields)]

    @property
    def version(self) -> int | None:
        """Where the row's version stands, of which its etag is made; None where none is shown."""
        if self.resource.etag is None or (self.mask is not None and not self.mask.etag):
            return None
        places = [i for i, field in enumerate(self.fields) if field.column == self.resource.version]
        return places[0] if places else None

    @property
    def is_cut(self) -> bool:
        """Whether the mask shows parts of fields."""
        return self.mask is not None and bool(self.mask.below)

    def told(self, row: Row) -> dict[str, Any]:
        """Return what a row's message can hold of a row that has more, and what it can't, by fields.

        Raises DataLoss where the message has no place to name that, or it is of the key: a row whose key is
        unset would be another one.
        """
        told: dict[str, Any] = {}
        unreadable: list[dict[str, str]] = []
        for field, value in zip(self.shown, row, strict=False):
            try:
                if value is not None:
                    told[field.name] = value if field.type.decode is None else field.type.decode(value)
            except InvalidValueError as error:
                if self.resource.unreadable is None or field.column in self.resource.primary_key:
                    raise self.data_loss(row) from error
                unreadable.append(
                    {"field": field.name, "reason": error.reason, "description": error.description}
                )
        return {**told, self.resource.unreadable or "": unreadable} if unreadable else told

    def data_loss(self, row: Row) -> DataLoss:
        """Return the error that names every field of the row that can't be shown, and the row's key."""
        violations: list[FieldViolation] = []
        for field, value in zip(self.fields, row, strict=True):
            try:
                if value is not None and field.type.decode is not None:
                    field.type.decode(value)
            except InvalidValueError as error:
                violations.append(FieldViolation(field.name, error.description, error.reason))
        stored = {field.column: value for field, value in zip(self.fields, row, strict=True)}
        resource = self.resource
        key = key_text(resource, stored) if set(resource.primary_key) <= stored.keys() else ""
        name = resource.message.full_name
        fields_text = ", ".join(violation.field for violation in violations)
        return DataLoss(
            f"{name} {key or '(a row without a key)'} holds what its message can't: {fields_text}",
            reason="UNREPRESENTABLE_VALUE",
            violations=violations,
            resources=[ResourceRef(name, key)],
        )
