"""Messages of a resource → driver values by column, for rows that are to be written."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from gateway.errors import FieldViolation, InvalidArgument, PermissionDenied
from gateway.request.keys import below, encode_value
from gateway.request.masks import Mask
from gateway.request.unreadable import erased_reader, is_set, refuse_erasing
from gateway.schema.model import Field, Resource
from gateway.schema.unknown_fields import UNKNOWN_FIELD, has_unknown, unknown_numbers

Values = Mapping[str, Any]
"""Driver values by column name."""

MAX_VIOLATIONS = 10
"""The most errors told of one row, so that an error's details stay small."""


def new_row_reader(resource: Resource, without: Collection[Field] = ()) -> Callable[[Message, str], Values]:
    """Return the function that reads a new row of `resource`: (message, its proto path) → values.

    A column is absent where its default is to fill it: of a field with presence that is unset, and of one
    without that is zero and could not mean it (`zero_is_default`). Server-set columns are always absent. An
    unset field without a default is None, so that most rows have the same columns and share a statement. The
    columns of `without` are absent, too.
    Raises InvalidArgument, when called, naming every value that its column can't hold, and every field that
    the resource doesn't know.
    """
    fields = tuple(field for field in resource.fields if field.is_created and field not in without)
    erased = erased_reader(resource)
    omitted = frozenset(field.name for field in fields if _is_filled(field))

    def read(message: Message, path: str) -> Values:
        refuse_unknown(message, path)
        if erased is not None:
            refuse_erasing(erased(message, ""), path)
        present = (field for field in fields if field.name not in omitted or is_set(message, field))
        return encode_fields(message, present, path)

    return read


def refuse_unknown(message: Message, path: str) -> None:
    """Raise InvalidArgument, by number, for fields that a row's message holds and its resource doesn't know.

    Those below a field are told where its value is read.
    """
    if has_unknown(message):
        paths = [below(path, str(number)) for number in unknown_numbers(message)]
        text, reason = UNKNOWN_FIELD.description, UNKNOWN_FIELD.reason
        raise merge_errors([InvalidArgument.field(one, text, reason=reason) for one in paths])


def _is_filled(field: Field) -> bool:
    """Whether the database fills the column where the message leaves the field out."""
    if field.has_presence:
        return field.default is not None or field.identity
    return field.zero_is_default


def encode_fields(message: Message, fields: Iterable[Field], path: str) -> dict[str, Any]:
    """Return the driver values of some fields; None for a field with presence that is unset.

    Raises InvalidArgument with all that is wrong, by proto path below `path`.
    """
    values: dict[str, Any] = {}
    errors: list[InvalidArgument] = []
    for field in fields:
        if field.has_presence and not message.HasField(field.name):
            values[field.column] = None
            continue
        try:
            values[field.column] = encode_value(field, getattr(message, field.name), below(path, field.name))
        except InvalidArgument as error:
            errors.append(error)
    if errors:
        raise merge_errors(errors)
    return values


def masked_values(
    wanted: Mask, message: Message, path: str, mask_path: str
) -> tuple[Values, tuple[str, ...]]:
    """Return the values of the columns that a row's message sets, and the columns that take their default.

    Args:
        wanted: the fields.
        message: the row's.
        path: its proto path.
        mask_path: that of the mask which names the fields.

    """
    if wanted.below:
        name = next(iter(wanted.below))
        text = f'"{name}" can only be written whole: name it without what is below'
        raise InvalidArgument.field(mask_path, text, reason="INVALID_FIELD_MASK")
    defaults = tuple(field for field in wanted.fields if _takes_default(field, message))
    sent = [field for field in wanted.fields if field not in defaults]
    return encode_fields(message, sent, path), tuple(field.column for field in defaults)


def _takes_default(field: Field, message: Message) -> bool:
    cleared = field.has_presence and not message.HasField(field.name)
    return cleared and not field.nullable and field.default is not None


def check_row_count(rows: Sequence[Message], path: str, limit: int) -> Sequence[Message]:
    """Return a request's rows; raises InvalidArgument (reason TOO_MANY_ROWS) where they are too many."""
    if len(rows) > limit:
        raise too_many_rows(path, limit)
    return rows


def too_many_rows(path: str, limit: int) -> InvalidArgument:
    """Return the error of a request with more rows than are allowed."""
    return InvalidArgument(
        f"{path}: more than {limit} rows were sent",
        reason="TOO_MANY_ROWS",
        metadata={"limit": str(limit)},
        violations=[FieldViolation(path, f"has more than {limit} rows", "TOO_MANY_ROWS")],
    )


def merge_errors(errors: Sequence[InvalidArgument]) -> InvalidArgument:
    """Return one error that tells of all; its reason is the first one's."""
    violations: list[FieldViolation] = [v for error in errors for v in error.violations][:MAX_VIOLATIONS]
    text = "; ".join(error.message for error in errors[:MAX_VIOLATIONS])
    return InvalidArgument(text, reason=errors[0].reason, violations=violations)


def unwritable_fields(message: Message, unwritable: frozenset[str]) -> Sequence[str]:
    """Return the fields that a new row sets, and that its caller may not write."""
    return [one.name for one, _ in message.ListFields() if one.name in unwritable]


def not_allowed(path: str, *, done: str = "set", named: str = "") -> PermissionDenied:
    """Return the error of a field that the caller may not write, or ask for.

    Args:
        path: its own, or that of the mask which names it.
        done: what may not be done with it.
        named: the field that a mask names.

    """
    which = f'"{named}" ' if named else ""
    return PermissionDenied(
        f"{path}: {which}may not be {done} by the caller",
        reason="FIELD_NOT_ALLOWED",
        violations=[FieldViolation(path, f"{which}may not be {done} by the caller", "FIELD_NOT_ALLOWED")],
    )
