"""google.protobuf's wrappers: a scalar that can be told from unset."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gateway.schema.values import ValueType


def wrapped(scalar: ValueType) -> ValueType:
    """Return the type of a wrapper around a scalar of that type."""
    return replace(scalar, encode=_unwrap(scalar.encode), decode=_wrap(scalar.decode))


def _unwrap(encode: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    if encode is None:
        return lambda message: message.value
    return lambda message: encode(message.value)


def _wrap(decode: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    if decode is None:
        return lambda value: {"value": value}
    return lambda value: {"value": decode(value)}
