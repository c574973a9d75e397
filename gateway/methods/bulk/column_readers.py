"""Messages → columns of driver values: a column at a time, several times faster than a row at a time."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from google.protobuf.message import Message

from gateway.schema.model import Field
from gateway.schema.types.precision import keeps_microseconds
from gateway.schema.types.texts import plain
from gateway.schema.types.times import encode_timestamp, encode_timestamps
from gateway.schema.unknown_fields import any_unknown
from gateway.schema.values import InvalidValueError, ValueKind

Messages = Sequence[Message]
Column = list[Any]


class ColumnReader:
    """Reads one field of many messages; unset is None."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self._raw = _raw_reader(field)
        self._encode = field.type.encode

    def read(self, messages: Messages) -> tuple[Column, dict[int, InvalidValueError]]:
        """Return the driver values, and the errors by place; a wrong value is None."""
        if self.field.type.kind is ValueKind.TIMESTAMP and keeps_microseconds(self.field.type):
            return self._read_timestamps(messages)
        raw = self._raw(messages)
        encode = self._encode
        if encode is None or (encode is plain and _holds_no_nul(raw)):
            return raw, {}
        try:
            return [None if value is None else encode(value) for value in raw], {}
        except InvalidValueError:
            return _one_by_one(raw, encode)

    def _read_timestamps(self, messages: Messages) -> tuple[Column, dict[int, InvalidValueError]]:
        times = list(map(attrgetter(self.field.name), messages))
        if any_unknown(times):
            return _one_by_one(self._raw(messages), self._encode or encode_timestamp)
        column: Column = [*encode_timestamps(times)]
        if None not in column:
            return column, {}
        unsure = [place for place, value in enumerate(column) if value is None]
        values, errors = _one_by_one(self._raw([messages[place] for place in unsure]), encode_timestamp)
        for place, value in zip(unsure, values, strict=True):
            column[place] = value
        return column, {unsure[i]: error for i, error in errors.items()}


def _holds_no_nul(texts: Column) -> bool:
    return "\0" not in "".join(filter(None, texts))


def _one_by_one(raw: Column, encode: Callable[[Any], Any]) -> tuple[Column, dict[int, InvalidValueError]]:
    column: Column = []
    errors: dict[int, InvalidValueError] = {}
    for place, value in enumerate(raw):
        try:
            column.append(None if value is None else encode(value))
        except InvalidValueError as error:
            errors[place] = error
            column.append(None)
    return column, errors


def _raw_reader(field: Field) -> Callable[[Messages], Column]:
    name = field.name
    get = attrgetter(name)
    # Where unset reads as a message or as a default of proto2, only HasField tells.
    if field.has_presence and (field.descriptor.message_type is not None or field.descriptor.default_value):
        return lambda messages: [get(m) if m.HasField(name) else None for m in messages]
    if field.has_presence:
        # Any other value that is not zero is set, and HasField costs as much as the value.
        return lambda messages: [v if (v := get(m)) or m.HasField(name) else None for m in messages]
    if field.zero_is_default:
        return lambda messages: [get(m) or None for m in messages]
    if field.descriptor.is_repeated and field.type.encode is None:
        return lambda messages: [list(get(m)) for m in messages]
    return lambda messages: list(map(get, messages))
