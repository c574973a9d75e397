"""Enums: by name as text, by number, or as a PostgreSQL enum."""

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import EnumDescriptor
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from gateway.schema.tables.naming import MAX_BYTES, quote
from gateway.schema.types.sql_types import InvalidTypeError, SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType


def names_of(enum: EnumDescriptor) -> tuple[str, ...]:
    """Return the enum's names as stored, one per number: an alias's first name stands for it."""
    return tuple(name for _, name in sorted(_first_names(enum).items()))


def _first_names(enum: EnumDescriptor) -> dict[int, str]:
    # `values_by_number` lists a number once for each of its names.
    return {value.number: value.name for value in reversed(enum.values)}


def enum_as_text(enum: EnumDescriptor) -> ValueType:
    """Return the type of an enum stored by its value's name."""
    return _by_name(enum, "text", postgresql.TEXT())


def enum_as_enum(enum: EnumDescriptor, enum_type: str, default_schema: str) -> ValueType:
    """Return the type of an enum stored as the PostgreSQL enum `name` or `schema.name`."""
    names = names_of(enum)
    for label in names:
        if len(label.encode()) > MAX_BYTES:
            raise InvalidTypeError(
                f"{label} is longer than a label of a PostgreSQL enum", "store the enum as text"
            )
    schema, name = enum_type_name(enum_type, default_schema)
    spelled = quote(name) if schema == "public" else f"{quote(schema)}.{quote(name)}"
    return _by_name(enum, spelled, postgresql.ENUM(*names, name=name, schema=schema))


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


def _by_name(enum: EnumDescriptor, sql: str, engine: TypeEngine[Any]) -> ValueType:
    names = _first_names(enum)
    numbers = {value.name: value.number for value in enum.values}
    describe = f"{enum.name} has no number"

    def encode(number: int) -> str:
        try:
            return names[number]
        except KeyError:
            raise InvalidValueError(f"{describe} {number}", "UNKNOWN_ENUM_VALUE") from None

    def decode(name: str) -> int:
        try:
            return numbers[name]
        except KeyError:
            raise InvalidValueError(f"the stored name is none of {enum.name}", "UNKNOWN_ENUM_VALUE") from None

    return ValueType(sql, engine, ValueKind.ENUM, encode, decode, lambda text: names[number_of(enum, text)])


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
