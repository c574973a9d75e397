"""The fields of header blocks (RFC 7541): hpack decodes them, but the usual ones go a shorter way."""

from functools import lru_cache

from hpack import Decoder, HPACKDecodingError, OversizedHeaderListError
from hpack.hpack import decode_integer
from hpack.table import HeaderTable, table_entry_size

from gateway.transport.wire.http2.header_blocks.huffman import decode_huffman
from gateway.transport.wire.request import Header

# First bytes of a field that is in the table, with an index that is in the byte itself (6.1), of one that is
# added to it (6.2.1), and of one that is not (6.2.2 and 6.2.3).
_INDEXED = range(0x81, 0xFF)
_ADDED = range(0x40, 0x80)
_LITERAL = range(0x20)
HUFFMAN = 0x80
LONG = 0x7F
_ENTRY_OVERHEAD = 32
"""What an entry takes beside its name and value (RFC 7541, 4.1)."""
_LONGEST_INTEGER = 10
_REMEMBERED_STRING = 2048
_RESIZE_MASK, _RESIZE = 0xE0, 0x20


class _CountingTable(HeaderTable):
    """A dynamic table that counts how often it is changed."""

    def __init__(self) -> None:
        super().__init__()
        self.changes = 0

    def add(self, name: bytes, value: bytes) -> None:
        super().add(name, value)
        # Clients go on adding to a table of no size, which stays empty. In any other one it depends on the
        # value's length what becomes of it.
        self.changes += self.maxsize >= _ENTRY_OVERHEAD


class FieldDecoder:
    """Decodes the header blocks of one connection.

    Where a client sends what differs from call to call, no two blocks are the same, and each has to be
    decoded: for the dozen of short fields that it holds hpack takes tens of microseconds.

    Args:
        limit: the most bytes of a header list, as RFC 9113, 6.5.2 counts them.

    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._decoder = Decoder(limit)
        self._decoder.header_table = self._table = _CountingTable()

    @property
    def has_table(self) -> bool:
        """Whether there is a dynamic table: one of so little size holds nothing, whatever is added to it."""
        return self._table.maxsize >= _ENTRY_OVERHEAD

    def decode(self, block: bytes) -> tuple[list[Header], bool]:
        """Return the headers of a block, and whether it changed the table; raises hpack's errors."""
        before = self._table.changes
        headers, at = self._usual(block)
        if at < len(block):
            headers += self._others(block[at:], headers)
        return headers, self._table.changes != before or _resizes(block)

    def _usual(self, block: bytes) -> tuple[list[Header], int]:
        """Return the headers before the first that is unusual, and where that begins."""
        table, headers, at, size = self._table, list[Header](), 0, 0
        while at < len(block):
            first = block[at]
            if first in _INDEXED:
                header = table.get_by_index(first & 0x7F)
                at += 1
            elif first in _LITERAL and (field := self._literal(block, at, 4)) is not None:
                header, at = field
            elif first in _ADDED and (field := self._literal(block, at, 6)) is not None:
                header, at = field
                table.add(*header)
            else:
                break
            headers.append(header)
            size += table_entry_size(*header)
            if size > self._limit:
                raise OversizedHeaderListError("too many headers")
        return headers, at

    def _literal(self, block: bytes, at: int, bits: int) -> tuple[Header, int] | None:
        """Return a field that has its own value, and where it ends; None for one that is cut off."""
        index, size = decode_integer(block[at : at + _LONGEST_INTEGER], bits)
        at += size
        if index:
            name = self._table.get_by_index(index)[0]
        elif (read := read_string(block, at)) is not None:
            name, at = read
        else:
            return None
        value = read_string(block, at)
        return None if value is None else ((name, value[0]), value[1])

    def _others(self, block: bytes, before: list[Header]) -> list[Header]:
        """Return the headers of the rest of a block, read by hpack."""
        if before and _resizes(block):
            raise HPACKDecodingError("a change of the table's size in the middle of a block")
        self._decoder.max_header_list_size = self._limit - sum(table_entry_size(*one) for one in before)
        return list(self._decoder.decode(block, raw=True))


def read_string(block: bytes, at: int, *, comes_again: bool = True) -> tuple[bytes, int] | None:
    """Return a string (5.2), remembered where it comes again, and where it ends; None for one cut off."""
    head = block[at : at + 1]
    if not head:
        return None
    if head[0] & LONG == LONG:
        size, length = decode_integer(block[at : at + _LONGEST_INTEGER], 7)
    else:
        size, length = head[0] & LONG, 1
    end = at + length + size
    if end > len(block):
        return None
    text = block[at + length : end]
    if not head[0] & HUFFMAN:
        return text, end
    return (_decode if comes_again and size <= _REMEMBERED_STRING else decode_huffman)(text), end


@lru_cache(1024)
def _decode(text: bytes) -> bytes:
    """Return a string that Huffman's code was used for; a client repeats most of its own."""
    return decode_huffman(text)


def _resizes(block: bytes) -> bool:
    """Whether the block begins with a change of the table's size, which may stand there alone (4.2)."""
    return block[:1] != b"" and block[0] & _RESIZE_MASK == _RESIZE
