"""Writes header blocks that need no state: static entries and literals."""

from collections.abc import Iterable

from hpack.hpack import encode_integer
from hpack.table import HeaderTable

from gateway.transport.wire.request import Header


def write_block(headers: Iterable[Header]) -> bytes:
    """Return headers as a block that neither needs nor changes a dynamic table (RFC 7541, 6.1 and 6.2.2)."""
    return b"".join(_field(name, value) for name, value in headers)


def _field(name: bytes, value: bytes) -> bytes:
    index, values = HeaderTable.STATIC_TABLE_MAPPING.get(name, (0, {}))
    if value in values:
        return _integer(0x80, 7, values[value])
    written = _integer(0, 4, index) if index else b"\x00" + _string(name)
    return written + _string(value)


def _string(text: bytes) -> bytes:
    return _integer(0, 7, len(text)) + text


def _integer(pattern: int, bits: int, number: int) -> bytes:
    encoded = encode_integer(number, bits)
    encoded[0] |= pattern
    return bytes(encoded)
