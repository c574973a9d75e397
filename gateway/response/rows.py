"""Row → message: one function per row shape, built when the statement is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from types import CodeType
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.request.etag import etag_of
from gateway.response.read_mask import cutter
from gateway.response.shape import Row, RowShape
from gateway.schema.types.times import decode_timestamp, decode_timestamps
from gateway.schema.types.timestamp_bytes import timestamp_bytes, timestamps_bytes
from gateway.schema.values import InvalidValueError

_SOURCES = 256
"""Functions whose source is kept compiled."""
RowToMessage = Callable[[Row], Message]
RowsToMessage = Callable[[Sequence[Row]], Message]
"""Makes a response that holds a message for each row."""


def row_to_message(shape: RowShape) -> RowToMessage:
    """Return the function that makes a message of a row.

    NULL becomes an unset field. The etag is made from the version, where the row has it. A stored value that
    its field can't hold exactly is left out and named, where the message has a place for that; otherwise the
    function raises gateway.errors.DataLoss.
    """
    message = GetMessageClass(shape.resource.message)
    values, told = row_values(shape), _told(shape)
    cut = _cutter(shape)

    def build(row: Row) -> Message:
        try:
            made = message(**values(*row))
        except InvalidValueError:
            made = message(**told(row))
        if cut is not None:
            cut(made)
        return made

    return build


def rows_in(response: type[Message], name: str, shape: RowShape) -> RowsToMessage:
    """Return the function that makes a response of rows; else as above.

    A column is decoded at once, which takes half the time of a row at a time.

    Args:
        response: what is made.
        name: its repeated field that holds a message for each row.
        shape: the rows'.

    """
    values, one = rows_values(shape), row_arguments(shape)
    cut = _cutter(shape)

    def build(rows: Sequence[Row]) -> Message:
        try:
            made = response(**{name: values(rows)})
        except InvalidValueError:
            made = response(**{name: [one(row) for row in rows]})
        if cut is not None:
            for row in getattr(made, name):
                cut(row)
        return made

    return build


def row_arguments(shape: RowShape) -> Callable[[Row], Mapping[str, Any]]:
    """Return the function that makes the arguments of the message's constructor of a row.

    A stored value that its field can't hold exactly is left out and named, or raises DataLoss, as above.
    """
    values, told = row_values(shape), _told(shape)

    def arguments(row: Row) -> Mapping[str, Any]:
        try:
            return values(*row)
        except InvalidValueError:
            return told(row)

    return arguments


def _cutter(shape: RowShape) -> Callable[[Message], None] | None:
    return cutter(shape.mask.below) if shape.mask is not None and shape.is_cut else None


def row_values(shape: RowShape) -> Callable[..., Mapping[str, Any]]:
    """Return the function that makes the arguments of the message's constructor of a row's columns.

    It raises InvalidValueError for a stored value that its field can't hold exactly. Its source is written
    here, as that of dict_maker: to look each column's decoder up takes as long again.
    """
    decoders = {f"d{i}": field.type.decode for i, field in enumerate(shape.shown)}
    items = [
        f"{field.name!r}: v{i}" if decode is None else f"{field.name!r}: None if v{i} is None else d{i}(v{i})"
        for i, (field, decode) in enumerate(zip(shape.shown, decoders.values(), strict=True))
    ]
    if shape.version is not None:
        items.append(f"{shape.resource.etag!r}: etag_of(v{shape.version})")
    columns = "".join(f"v{i}, " for i in range(len(shape.fields)))
    source = f"lambda {columns}: {{{', '.join(items)}}}"
    made: Callable[..., Mapping[str, Any]]
    made = eval(_compiled(source), {"etag_of": etag_of, **decoders})  # noqa: S307 - names of fields, as literals
    return made


@lru_cache(_SOURCES)
def _compiled(source: str) -> CodeType:
    """Return an expression compiled: the methods of a table have theirs in common."""
    return compile(source, "<columns>", "eval")


def _told(shape: RowShape) -> Callable[[Row], Mapping[str, Any]]:
    """Return the function that makes them of a row that has a value that its field can't hold."""
    version, etag = shape.version, shape.resource.etag or ""
    numbers = {field.name: field.descriptor.number for field in shape.shown}

    def told(row: Row) -> Mapping[str, Any]:
        made = shape.told(row)
        if version is not None:
            without = made.get(shape.resource.unreadable or "", ())
            made[etag] = etag_of(row[version], [numbers[one["field"]] for one in without])
        return made

    return told


def rows_values(shape: RowShape) -> Callable[[Sequence[Row]], Sequence[Mapping[str, Any]]]:
    """Return the function that makes the arguments of the message's constructor of each row.

    It raises InvalidValueError where any row has a value that its field can't hold exactly.
    """
    shown = shape.shown
    names = [field.name for field in shown]
    decoders = [
        (i, _of_column(decode)) for i, field in enumerate(shown) if (decode := field.type.decode) is not None
    ]
    version = shape.version
    if version is not None:
        names.append(shape.resource.etag or "")
    as_dicts = dict_maker(names)

    def values(rows: Sequence[Row]) -> Sequence[Mapping[str, Any]]:
        read = list(zip(*rows, strict=True)) or [()] * len(shape.fields)
        columns: list[Iterable[Any]] = [*read[: len(shown)]]
        for place, decode in decoders:
            columns[place] = decode(read[place])
        if version is not None:
            columns.append(_etags(read[version]))
        return as_dicts(zip(*columns, strict=True) if columns else rows)

    return values


def _etags(versions: Sequence[int]) -> Iterable[str]:
    """Return the etags of many versions, of which most are equal."""
    made = {version: etag_of(version) for version in {*versions}}
    return map(made.__getitem__, versions)


def dict_maker(names: Sequence[str]) -> Callable[[Iterable[Sequence[Any]]], list[dict[str, Any]]]:
    """Return the function that makes dicts of tuples.

    Its source is written here, as collections.namedtuple does: a literal takes a third of the time of zip.
    Where there are no names nothing is left of the rows but their number: so they are given as they are.
    """
    items = ", ".join(f"{name!r}: v{i}" for i, name in enumerate(names))
    values = "".join(f"v{i}, " for i in range(len(names)))
    made: Callable[[Iterable[Sequence[Any]]], list[dict[str, Any]]]
    made = eval(f"lambda rows: [{{{items}}} for {values or '_ '}in rows]")  # noqa: S307 - names of fields, as literals
    return made


_OF_COLUMNS: Mapping[Callable[[Any], Any], Callable[[Sequence[Any]], list[Any]]] = {
    decode_timestamp: decode_timestamps,
    timestamp_bytes: timestamps_bytes,
}
"""Those that decode a column at once, by those that decode a value."""


def _of_column(decode: Callable[[Any], Any]) -> Callable[[Sequence[Any]], Iterable[Any]]:
    """Return what decodes a column at once."""
    known: Any = _OF_COLUMNS.get(decode) or getattr(decode, "column", None)
    return known or partial(_decoded, decode)


def _decoded(decode: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    return [None if value is None else decode(value) for value in values]
