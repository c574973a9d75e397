"""Rows of a query → messages, with the messages below them, by a function that is built once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.errors import DataLoss, FieldViolation
from gateway.response.shape import Row
from gateway.schema.sql_method import SqlColumn, SqlMethod
from gateway.schema.values import InvalidValueError

_NULL = InvalidValueError("is NULL, which the field can't say", "UNEXPECTED_NULL")


def query_row(method: SqlMethod) -> Callable[[Row], Message]:
    """Return the function that makes a message of a row.

    A message below it is unset where all its columns are NULL. The function raises DataLoss for a value that
    its field can't hold, and for NULL where a field has no place for it.
    """
    message, columns = GetMessageClass(method.row), method.columns
    values = _values(columns)

    def build(row: Row) -> Message:
        try:
            return message(**values(*row))
        except InvalidValueError as error:
            raise _data_loss(method, row) from error

    return build


def _values(columns: Sequence[SqlColumn]) -> Callable[..., Mapping[str, Any]]:
    """Return the function that makes the arguments of the message's constructor of a row's columns.

    Its source is written here, as in gateway.response.rows: a literal takes a third of the time of a loop.
    """
    decoders = {f"d{i}": _decoder(column) for i, column in enumerate(columns)}
    source = _source([(column.path, i) for i, column in enumerate(columns)], decoders)
    names = "".join(f"v{i}, " for i in range(len(columns)))
    made: Callable[..., Mapping[str, Any]]
    made = eval(f"lambda {names}: {source}", decoders)  # noqa: S307 - names of fields, as literals
    return made


def _source(columns: Sequence[tuple[tuple[str, ...], int]], decoders: Mapping[str, Any]) -> str:
    items, below = [], dict[str, list[tuple[tuple[str, ...], int]]]()
    for path, place in columns:
        if len(path) > 1:
            below.setdefault(path[0], []).append((path[1:], place))
        else:
            decode = decoders[f"d{place}"]
            items.append(f"{path[0]!r}: v{place}" if decode is None else f"{path[0]!r}: d{place}(v{place})")
    for name, held in below.items():
        nothing = " is ".join(f"v{place}" for _, place in held)
        items.append(f"{name!r}: None if {nothing} is None else {_source(held, decoders)}")
    return f"{{{', '.join(items)}}}"


def _decoder(column: SqlColumn) -> Callable[[Any], Any] | None:
    """Return what makes a field's value of a column's; None where they are the same, and NULL is unset."""
    decode = column.field.type.decode
    if column.field.nullable:
        return None if decode is None else lambda value: None if value is None else decode(value)

    def required(value: Any) -> Any:
        if value is None:
            raise _NULL
        return value if decode is None else decode(value)

    return required


def _data_loss(method: SqlMethod, row: Row) -> DataLoss:
    """Return the error that names the columns whose values can't be told."""
    violations = []
    for column, value in zip(method.columns, row, strict=True):
        decode = _decoder(column)
        try:
            if decode is not None:
                decode(value)
        except InvalidValueError as error:
            violations.append(FieldViolation(column.field.name, error.description, error.reason))
    names = ", ".join(one.field for one in violations)
    return DataLoss(
        f"the query's row holds what its message can't: {names}",
        reason="UNREPRESENTABLE_VALUE",
        violations=violations,
    )
