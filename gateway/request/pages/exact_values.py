"""Driver values ⇄ bytes, exactly: what a page token remembers of a row.

Each value is itself in JSON where JSON holds it exactly, and else a list of a letter and its text.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import Any
from uuid import UUID

_WRITE: Mapping[type, Callable[[Any], Any]] = {
    type(None): lambda value: value,
    bool: lambda value: value,
    int: lambda value: value,
    str: lambda value: value,
    float: lambda value: ["f", value.hex()],
    bytes: lambda value: ["b", b64encode(value).decode()],
    Decimal: lambda value: ["d", str(value)],
    UUID: lambda value: ["u", value.hex],
    IPv4Address: lambda value: ["a", str(value)],
    IPv6Address: lambda value: ["a", str(value)],
    IPv4Interface: lambda value: ["i", str(value)],
    IPv6Interface: lambda value: ["i", str(value)],
    IPv4Network: lambda value: ["n", str(value)],
    IPv6Network: lambda value: ["n", str(value)],
    tuple: lambda value: ["t", *map(_to_json, value)],
    list: lambda value: ["l", *map(_to_json, value)],
}
_READ: Mapping[str, Callable[..., Any]] = {
    "f": float.fromhex,
    "b": b64decode,
    "d": Decimal,
    "u": UUID,
    "a": ip_address,
    "i": ip_interface,
    "n": ip_network,
    "t": lambda *items: tuple(map(_from_json, items)),
    "l": lambda *items: list(map(_from_json, items)),
}
# json.dumps makes one for each call that doesn't take its defaults.
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def dump_values(values: Sequence[Any]) -> bytes:
    """Return driver values as bytes; raises TypeError for a value that is none."""
    return _ENCODER.encode([_to_json(value) for value in values]).encode()


def load_values(data: bytes) -> list[Any]:
    """Return the values that `dump_values` made the bytes of."""
    return [_from_json(item) for item in json.loads(data)]


def _to_json(value: Any) -> Any:
    for kind in type(value).__mro__:
        write = _WRITE.get(kind)
        if write is not None:
            return write(value)
    msg = f"{type(value).__name__} is no driver value"
    raise TypeError(msg)


def _from_json(item: Any) -> Any:
    if not isinstance(item, list):
        return item
    letter, *rest = item
    return _READ[letter](*rest)
