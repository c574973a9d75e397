"""Header blocks: HPACK (RFC 7541), read with a memory, and written so that no state is needed."""

import logging
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from hpack import HPACKError, OversizedHeaderListError
from hpack.hpack import encode_integer
from hpack.table import HeaderTable

from gateway.transport.asgi.headers import Header
from gateway.transport.http2.faults import ConnectionFault, ErrorCode
from gateway.transport.http2.fields import FieldDecoder

# At the level of debug it would log every header, metadata that is secret among them.
logging.getLogger("hpack").setLevel(logging.INFO)

Known = TypeVar("Known")

_REMEMBERED_BLOCKS = 64
_REMEMBERED_BYTES = 512


class HeaderReader(Generic[Known]):
    """Reads the header blocks of one connection.

    What a block says depends on its bytes and the dynamic table alone. A client soon has all that it repeats
    in the table, and then sends the same few bytes for each call: so what was made of a block is remembered
    for as long as the table stays as it is.

    Args:
        limit: the most bytes of a header list, as RFC 9113, 6.5.2 counts them.
        make: what is made of the headers; remembered, so it has to be immutable.

    """

    def __init__(self, limit: int, make: Callable[[list[Header]], Known]) -> None:
        self._decoder = FieldDecoder(limit)
        self._make = make
        self._known: dict[bytes, Known] = {}
        self._changed = False

    def read(self, block: bytes) -> Known:
        """Return what is made of a header block; raises ConnectionFault, and what `make` raises."""
        known = self._known.get(block)
        return self._learn(block) if known is None else known

    def headers(self, block: bytes) -> list[Header]:
        """Return the headers of a block; raises ConnectionFault: the table is out of step after that."""
        try:
            headers, self._changed = self._decoder.decode(block)
        except OversizedHeaderListError as error:
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "too many headers") from error
        except (HPACKError, ValueError, IndexError) as error:
            raise ConnectionFault(ErrorCode.COMPRESSION_ERROR, "a header block that can't be read") from error
        if self._changed:
            self._known.clear()
        return headers

    def _learn(self, block: bytes) -> Known:
        made = self._make(self.headers(block))
        if not self._changed and len(block) <= _REMEMBERED_BYTES:
            if len(self._known) == _REMEMBERED_BLOCKS:
                self._known.clear()
            self._known[block] = made
        return made


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
