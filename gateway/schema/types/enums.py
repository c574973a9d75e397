"""Enums: by name or label as text, by number, or as a PostgreSQL enum."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, EnumValueDescriptor
from rowgate.v1 import annotations_pb2
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from gateway.schema.tables.naming import MAX_BYTES, quote
from gateway.schema.types.sql_types import InvalidTypeError, SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

# The stubs give an extension no type of its own, so its look-up can't be checked.
ENUM_VALUE: Any = annotations_pb2.enum_value


def labels_of(enum: EnumDescriptor) -> tuple[str, ...]:
    """Return what is stored for the enum's values, one per number: an alias's first name stands for it.

    That is a value's label, or its name where it has none.
    """
    return tuple(label for _, label in sorted(_first(enum, _labels(enum)).items()))


def stores_zero(enum: EnumDescriptor) -> bool:
    """Return whether the value zero can be stored: one without a label can't be where others have labels."""
    return 0 in _first(enum, _labels(enum))


def _labels(enum: EnumDescriptor) -> Mapping[str, str]:
    """Return what is stored for values, by their names."""
    given = {value.name: _label(value) for value in enum.values}
    has_labels = any(given.values())
    return {
        value.name: given[value.name] or value.name
        for value in enum.values
        if value.number or given[value.name] or not has_labels
    }


def _label(value: EnumValueDescriptor) -> str:
    return str(value.GetOptions().Extensions[ENUM_VALUE].label)


def _first(enum: EnumDescriptor, stored: Mapping[str, str]) -> dict[int, str]:
    """Return what is stored for each number: `values_by_number` lists one once for each of its names."""
    return {value.number: stored[value.name] for value in reversed(enum.values) if value.name in stored}


def enum_by_name(enum: EnumDescriptor) -> ValueType:
    """Return the type of an enum inside of a document: protobuf's JSON has names, and no labels."""
    return _stored(enum, {value.name: value.name for value in enum.values}, "text", postgresql.TEXT())


def enum_as_text(enum: EnumDescriptor) -> ValueType:
    """Return the type of an enum stored by its value's label or name."""
    return _stored(enum, _distinct(enum), "text", postgresql.TEXT())


def enum_as_enum(enum: EnumDescriptor, enum_type: str, default_schema: str) -> ValueType:
    """Return the type of an enum stored as the PostgreSQL enum `name` or `schema.name`."""
    stored = _distinct(enum)
    for label in stored.values():
        if len(label.encode()) > MAX_BYTES:
            raise InvalidTypeError(
                f"{label} is longer than a label of a PostgreSQL enum", "store the enum as text"
            )
    schema, name = enum_type_name(enum_type, default_schema)
    spelled = quote(name) if schema == "public" else f"{quote(schema)}.{quote(name)}"
    return _stored(enum, stored, spelled, postgresql.ENUM(*labels_of(enum), name=name, schema=schema))


def _distinct(enum: EnumDescriptor) -> Mapping[str, str]:
    """Return what is stored for values, by their names; raises InvalidTypeError for two that are alike."""
    stored = _labels(enum)
    twice = _twice(stored.values())
    if twice is not None:
        raise InvalidTypeError(
            f'two values of {enum.name} are stored as "{twice}"', "give each its own label"
        )
    return stored


def _twice(labels: Iterable[str]) -> str | None:
    return next((label for label, times in Counter(labels).items() if times > 1), None)


def enum_type_name(enum_type: str, default_schema: str) -> tuple[str, str]:
    """Return the schema and name of a PostgreSQL enum that the options call `name` or `schema.name`."""
    schema, _, name = enum_type.rpartition(".")
    return schema or default_schema, name


def enum_as_number(enum: EnumDescriptor, sql: SqlType) -> ValueType:
    """Return the type of an enum stored by its number."""
    if sql.name not in ("smallint", "integer") or sql.modifiers:
        raise InvalidTypeError(
            f"an enum can't be stored as {sql}", "use text, smallint or integer, or enum_type"
        )
    small = sql.name == "smallint"
    if small and any(not -(2**15) <= number < 2**15 for number in enum.values_by_number):
        raise InvalidTypeError("the enum has numbers outside smallint", "use integer")
    return ValueType(
        sql=sql.name,
        engine=postgresql.SMALLINT() if small else postgresql.INTEGER(),
        kind=ValueKind.ENUM,
        encode=_known_number(enum),
        decode=_known_number(enum),
        parse=lambda text: number_of(enum, text),
    )


def _stored(enum: EnumDescriptor, stored: Mapping[str, str], sql: str, engine: TypeEngine[Any]) -> ValueType:
    labels = _first(enum, stored)
    numbers = {stored[value.name]: value.number for value in enum.values if value.name in stored}

    def encode(number: int) -> str:
        label = labels.get(number)
        if label is not None:
            return label
        if number in enum.values_by_number:
            name = enum.values_by_number[number].name
            raise InvalidValueError(f"{name} stands for no value, and isn't stored", "UNKNOWN_ENUM_VALUE")
        raise InvalidValueError(f"{enum.name} has no number {number}", "UNKNOWN_ENUM_VALUE")

    def decode(label: str) -> int:
        try:
            return numbers[label]
        except KeyError:
            raise InvalidValueError(f"the stored name is none of {enum.name}", "UNKNOWN_ENUM_VALUE") from None

    return ValueType(sql, engine, ValueKind.ENUM, encode, decode, lambda text: encode(number_of(enum, text)))


def number_of(enum: EnumDescriptor, text: str) -> int:
    """Return the number of a value written by name; raises InvalidValueError where there is no such name."""
    value = enum.values_by_name.get(text)
    if value is None:
        raise InvalidValueError(f"is no value of {enum.name}", "UNKNOWN_ENUM_VALUE")
    return int(value.number)


def _known_number(enum: EnumDescriptor) -> Callable[[int], int]:
    known = frozenset(enum.values_by_number)

    def check(number: int) -> int:
        if number in known:
            return number
        raise InvalidValueError(f"{enum.name} has no number {number}", "UNKNOWN_ENUM_VALUE")

    return check
