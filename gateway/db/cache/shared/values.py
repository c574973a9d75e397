"""Values of rows and of their keys as bytes: in every process the same values have the same bytes."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from asyncpg.pgproto.pgproto import UUID as DRIVERS_UUID

_AS_THEY_ARE = frozenset({type(None), bool, int, str})


def pack(values: Sequence[Any]) -> bytes | None:
    """Return values as bytes; None where one is of a type that isn't known here, or no JSON text holds it."""
    try:
        return orjson.dumps([_packed(one) for one in values])
    except TypeError:  # of which orjson's errors are a kind
        return None


def unpack(data: bytes) -> tuple[Any, ...]:
    """Return the values that were packed."""
    return tuple(_unpacked(one) for one in orjson.loads(data))


def _packed(value: Any) -> Any:
    if type(value) in _AS_THEY_ARE:
        return value
    tag, packed = _TAGS[type(value)] if type(value) in _TAGS else _unknown(value)
    return [tag, packed(value)]


def _unpacked(value: Any) -> Any:
    return _TYPES[value[0]](value[1]) if type(value) is list else value


def _unknown(value: Any) -> Any:
    raise TypeError(type(value))


def _all_packed(values: Sequence[Any]) -> list[Any]:
    return [_packed(one) for one in values]


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


_TAGS: Mapping[type, tuple[str, Callable[[Any], Any]]] = {
    float: ("f", float.hex),
    bytes: ("b", lambda value: value.decode("latin-1")),
    Decimal: ("d", str),
    DRIVERS_UUID: ("u", str),
    UUID: ("u", str),
    list: ("l", _all_packed),
    tuple: ("t", _all_packed),
}
_TYPES: Mapping[str, Callable[[Any], Any]] = {
    "f": float.fromhex,
    "b": _bytes,
    "d": Decimal,
    "u": DRIVERS_UUID,
    "l": lambda values: [_unpacked(one) for one in values],
    "t": lambda values: tuple(_unpacked(one) for one in values),
}
