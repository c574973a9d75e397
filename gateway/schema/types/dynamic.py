"""Struct, Value and ListValue → JSON, many times faster than the general way, and exact (struct.proto)."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from gateway.schema.values import ValueFault


def _struct(value: Any) -> dict[str, Any]:
    return {name: _value(held) for name, held in value.fields.items()}


def _list(value: Any) -> list[Any]:
    return [_value(held) for held in value.values]


def _number(number: float) -> float | int:
    if not math.isfinite(number):
        raise ValueFault("holds NaN or infinity, which JSON can't", "INVALID_JSON")
    # -0.0 stays a float: as an integer it would lose its sign before it is seen and refused.
    return int(number) if number.is_integer() and number else number


def _null(number: int) -> None:
    if number:
        raise ValueFault("holds a null_value that is no NULL_VALUE", "UNKNOWN_ENUM_VALUE")


def _value(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind is None:
        raise ValueFault("holds a google.protobuf.Value without a kind", "INVALID_JSON")
    return _KINDS[kind](getattr(value, kind))


_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "null_value": _null,
    "number_value": _number,
    "string_value": str,
    "bool_value": bool,
    "struct_value": _struct,
    "list_value": _list,
}

DYNAMIC: Mapping[str, Callable[[Any], Any]] = {
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": _value,
    "google.protobuf.ListValue": _list,
}
"""What makes plain Python of each message."""


def spell(plain: Any) -> str:
    """Return plain Python as compact JSON."""
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
