"""Scalars of ProtoJSON: each reader makes of plain Python what a message's field takes, or raises JsonError.

Where json_format takes whatever Python makes a number of (`"1_000"`, `" 1"`, `"infinity"`, True), or drops
what is no base64, only what the specification knows is taken.
"""

import math
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from gateway.schema.protojson.errors import JsonError

Read: TypeAlias = Callable[[Any], Any]
"""Makes of a JSON value what the constructor of a message takes."""

FLOAT_MAX = (2 - 2**-23) * 2.0**127
"""The largest single float. Its shortest digits are rounded up, so they are larger than it."""
_FLOAT_END = FLOAT_MAX + 2.0**103
"""What lies between rounds to the largest float, as every float does to its nearest."""

_WHOLE = re.compile(r"-?[0-9]{1,400}")
_NUMBER = re.compile(r"-?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,4})?")
_NOT_FINITE: Mapping[Any, float] = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_URL_SAFE = str.maketrans("-_", "+/")


def _int(low: int, high: int) -> Read:
    def read(value: Any) -> int:
        number = value if type(value) is int else _whole(value, low)
        if low <= number <= high:
            return number
        raise JsonError(f"is not within {low} and {high}")

    return read


def _whole(value: Any, low: int) -> int:
    """Return the whole number that a text or a float stands for."""
    if type(value) is str:
        if _WHOLE.fullmatch(value):
            return int(value)
        value = float(value) if _NUMBER.fullmatch(value) else None
    elif value == low == -(2**63):
        # A float this large is the nearest one to numbers that are out of range, too.
        value = None
    if type(value) is float and value.is_integer():
        return int(value)
    raise JsonError("is no whole number")


def double(value: Any) -> float:
    """Return a number as it is, and what a text says that is one."""
    if type(value) is float:
        return value
    try:
        if type(value) is int:
            return float(value)
        if type(value) is str:
            number = _NOT_FINITE[value] if value in _NOT_FINITE else _finite(value)
            if number is not None:
                return number
    except OverflowError:
        pass
    raise JsonError("is no number")


def _finite(text: str) -> float | None:
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def _single(value: Any) -> float:
    number = double(value)
    if abs(number) < _FLOAT_END or not math.isfinite(number):
        return max(-FLOAT_MAX, min(number, FLOAT_MAX)) if math.isfinite(number) else number
    raise JsonError("is past the largest float")


def _bool(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise JsonError("is neither true nor false")


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    raise JsonError("is no text")


def _bytes(value: Any) -> bytes:
    """Decode base64 of either alphabet, padded or not."""
    if type(value) is not str:
        raise JsonError("is no base64")
    padding = -len(value) % 4
    try:
        return b64decode((value + "=" * padding if padding else value).translate(_URL_SAFE), validate=True)
    except ValueError:
        raise JsonError("is no base64") from None


def read_enum(enum: EnumDescriptor) -> Read:
    """Return what reads an enum's names and numbers; where it is closed, those that it knows."""
    names: dict[Any, int] = {value.name: value.number for value in enum.values}
    numbers = frozenset(names.values())
    is_closed = enum.is_closed
    if enum.full_name == "google.protobuf.NullValue":
        names[None] = 0

    def read(value: Any) -> int:
        if type(value) in (str, type(None)) and value in names:
            return names[value]
        if type(value) is not int and not (type(value) is str and _WHOLE.fullmatch(value)):
            raise JsonError(f"is no value of {enum.full_name}")
        number = _INT32(value)
        if is_closed and number not in numbers:
            raise JsonError(f"is no value of {enum.full_name}")
        return int(number)

    return read


def read_key(key: FieldDescriptor) -> Read:
    """Return what reads the key of a map, which JSON has as a text."""
    return _key_of_bool if key.type == FieldDescriptor.TYPE_BOOL else SCALARS[key.type]


def _key_of_bool(name: str) -> bool:
    if name not in ("true", "false"):
        raise JsonError("is neither true nor false")
    return name == "true"


_INT32 = _int(-(2**31), 2**31 - 1)
_INT64 = _int(-(2**63), 2**63 - 1)
_UINT32 = _int(0, 2**32 - 1)
_UINT64 = _int(0, 2**64 - 1)
SCALARS: Mapping[int, Read] = {
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_SINT64: _INT64,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    FieldDescriptor.TYPE_UINT64: _UINT64,
    FieldDescriptor.TYPE_FIXED64: _UINT64,
    FieldDescriptor.TYPE_BOOL: _bool,
    FieldDescriptor.TYPE_FLOAT: _single,
    FieldDescriptor.TYPE_DOUBLE: double,
    FieldDescriptor.TYPE_STRING: _text,
    FieldDescriptor.TYPE_BYTES: _bytes,
}
"""The readers of scalars, by the type of their field."""
