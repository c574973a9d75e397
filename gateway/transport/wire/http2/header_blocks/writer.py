"""The writer of header blocks, which need no state: static entries and literals."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from hpack.hpack import encode_integer
from hpack.table import HeaderTable

from gateway.transport.wire.request import Header

_LONG = 0x7F
_SHORT_SIZES = tuple(bytes((size,)) for size in range(_LONG))


def write_block(headers: Iterable[Header]) -> bytes:
    """Return headers as a block that neither needs nor changes a dynamic table (RFC 7541, 6.1 and 6.2.2)."""
    return b"".join([_field(name, value) for name, value in headers])


def _field(name: bytes, value: bytes) -> bytes:
    written, values = _name(name)
    return values.get(value) or written + write_string(value)


@lru_cache(256)
def _name(name: bytes) -> tuple[bytes, Mapping[bytes, bytes]]:
    """Return a name as it is written before values, and the fields of its values in the static table."""
    index, values = HeaderTable.STATIC_TABLE_MAPPING.get(name, (0, {}))
    written = _integer(0, 4, index) if index else b"\x00" + write_string(name)
    return written, {value: _integer(0x80, 7, number) for value, number in values.items()}


def write_string(text: bytes) -> bytes:
    """Return a string, plain (5.2)."""
    size = len(text)
    return (_SHORT_SIZES[size] if size < _LONG else _integer(0, 7, size)) + text


def _integer(pattern: int, bits: int, number: int) -> bytes:
    encoded = encode_integer(number, bits)
    encoded[0] |= pattern
    return bytes(encoded)
