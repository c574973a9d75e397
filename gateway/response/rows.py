"""Row → message: one function per row shape, built when the statement is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.errors import DataLoss, FieldViolation, ResourceRef
from gateway.request.etag import etag_of
from gateway.request.keys import key_text
from gateway.request.masks import Mask
from gateway.response.read_mask import cutter
from gateway.schema.model import Field, Resource
from gateway.schema.types.times import decode_timestamps
from gateway.schema.values import InvalidValueError, ValueKind

Row = Sequence[Any]
RowToMessage = Callable[[Row], Message]
RowsToMessage = Callable[[Sequence[Row]], Message]
"""Makes a response that holds a message for each row."""


def row_to_message(resource: Resource, fields: Sequence[Field], mask: Mask | None = None) -> RowToMessage:
    """Return the function that makes a message of a row.

    NULL becomes an unset field. The etag is made from the version, where the row has it.
    Raises gateway.errors.DataLoss, when called, for a stored value that the message can't hold exactly.

    Args:
        resource: what the rows are.
        fields: the fields of the row's columns, in order; those of `mask` first.
        mask: which of them the message shows; None for all.

    """
    message = GetMessageClass(resource.message)
    values = _row_values(resource, fields, mask)
    cut = cutter(mask.below) if mask is not None and mask.below else None

    def build(row: Row) -> Message:
        made = message(**values(row))
        if cut is not None:
            cut(made)
        return made

    return build


def rows_in(
    response: type[Message], name: str, resource: Resource, fields: Sequence[Field], mask: Mask | None = None
) -> RowsToMessage:
    """Return the function that makes a response of rows; else as above.

    A column is decoded at once, which takes half the time of a row at a time.

    Args:
        response: what is made.
        name: its repeated field that holds a message for each row.
        resource: what the rows are.
        fields: the fields of the row's columns, in order; those of `mask` first.
        mask: which of them the messages show; None for all.

    """
    values = _rows_values(resource, fields, mask)
    cut = cutter(mask.below) if mask is not None and mask.below else None

    def build(rows: Sequence[Row]) -> Message:
        made = response(**{name: values(rows)})
        if cut is not None:
            for row in getattr(made, name):
                cut(row)
        return made

    return build


def _row_values(
    resource: Resource, fields: Sequence[Field], mask: Mask | None
) -> Callable[[Row], Mapping[str, Any]]:
    """Return the function that makes the arguments of the message's constructor of a row."""
    shown = _shown(fields, mask)
    names = tuple(field.name for field in shown)
    decoders = tuple((field.name, field.type.decode) for field in shown if field.type.decode is not None)
    version = _version_place(resource, fields, mask)
    etag = resource.etag or ""

    def values(row: Row) -> Mapping[str, Any]:
        # A row may have more columns than are shown; zip ends with the names.
        made = dict(zip(names, row))  # noqa: B905
        try:
            for name, decode in decoders:
                value = made[name]
                if value is not None:
                    made[name] = decode(value)
        except InvalidValueError as error:
            raise _data_loss(resource, fields, row) from error
        if version is not None:
            made[etag] = etag_of(row[version])
        return made

    return values


def _rows_values(
    resource: Resource, fields: Sequence[Field], mask: Mask | None
) -> Callable[[Sequence[Row]], list[dict[str, Any]]]:
    """Return the function that makes the arguments of the message's constructor of each row."""
    shown = _shown(fields, mask)
    names = [field.name for field in shown]
    decoders = [
        (i, _column_decoder(field.type.kind, decode))
        for i, field in enumerate(shown)
        if (decode := field.type.decode) is not None
    ]
    version = _version_place(resource, fields, mask)
    if version is not None:
        names.append(resource.etag or "")
    as_dicts = _dict_maker(names)
    of_row = _row_values(resource, fields, mask)

    def values(rows: Sequence[Row]) -> list[dict[str, Any]]:
        read = list(zip(*rows, strict=True)) or [()] * len(fields)
        columns: list[Iterable[Any]] = [*read[: len(shown)]]
        try:
            for place, decode in decoders:
                columns[place] = decode(read[place])
        except InvalidValueError:
            for row in rows:
                of_row(row)  # raises DataLoss for the first wrong one
            raise
        if version is not None:
            columns.append(map(etag_of, read[version]))
        return as_dicts(zip(*columns, strict=True))

    return values


def _dict_maker(names: Sequence[str]) -> Callable[[Iterable[Sequence[Any]]], list[dict[str, Any]]]:
    """Return the function that makes dicts of tuples.

    Its source is written here, as collections.namedtuple does: a literal takes a third of the time of zip.
    """
    items = ", ".join(f"{name!r}: v{i}" for i, name in enumerate(names))
    values = "".join(f"v{i}, " for i in range(len(names)))
    made: Callable[[Iterable[Sequence[Any]]], list[dict[str, Any]]]
    made = eval(f"lambda rows: [{{{items}}} for {values}in rows]")  # noqa: S307 - names of fields, as literals
    return made


def _column_decoder(kind: ValueKind, decode: Callable[[Any], Any]) -> Callable[[Iterable[Any]], list[Any]]:
    if kind is ValueKind.TIMESTAMP:
        return decode_timestamps
    return lambda values: [None if value is None else decode(value) for value in values]


def _shown(fields: Sequence[Field], mask: Mask | None) -> Sequence[Field]:
    return fields if mask is None else fields[: len(mask.fields)]


def _version_place(resource: Resource, fields: Sequence[Field], mask: Mask | None) -> int | None:
    if resource.etag is None or (mask is not None and not mask.etag):
        return None
    places = [i for i, field in enumerate(fields) if field.column == resource.version]
    return places[0] if places else None


def _data_loss(resource: Resource, fields: Sequence[Field], row: Row) -> DataLoss:
    """Return the error that names every field of the row that can't be shown, and the row's key."""
    violations: list[FieldViolation] = []
    for field, value in zip(fields, row, strict=True):
        try:
            if value is not None and field.type.decode is not None:
                field.type.decode(value)
        except InvalidValueError as error:
            violations.append(FieldViolation(field.name, error.description, error.reason))
    stored = {field.column: value for field, value in zip(fields, row, strict=True)}
    key = key_text(resource, stored) if set(resource.primary_key) <= stored.keys() else ""
    name = resource.message.full_name
    fields_text = ", ".join(violation.field for violation in violations)
    return DataLoss(
        f"{name} {key} holds what its message can't: {fields_text}",
        reason="UNREPRESENTABLE_VALUE",
        violations=violations,
        resources=[ResourceRef(name, key)],
    )
