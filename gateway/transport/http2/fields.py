"""The fields of header blocks (RFC 7541): hpack decodes them, but the usual ones go a shorter way."""

from hpack import Decoder, HPACKDecodingError, OversizedHeaderListError
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable, table_entry_size

from gateway.transport.asgi.headers import Header

# First bytes of a field that is in the table (6.1), and of one that is added under a name from it (6.2.1),
# with an index that is in the byte itself.
_INDEXED = range(0x81, 0xFF)
_ADDED = range(0x41, 0x7F)
_HUFFMAN = 0x80
_LONG = 0x7F
_RESIZE_MASK, _RESIZE = 0xE0, 0x20


class _CountingTable(HeaderTable):
    """A dynamic table that counts what is added to it."""

    def __init__(self) -> None:
        super().__init__()
        self.additions = 0

    def add(self, name: bytes, value: bytes) -> None:
        self.additions += 1
        super().add(name, value)


class FieldDecoder:
    """Decodes the header blocks of one connection.

    A client that sends deadlines adds a field to the table with each call, so that no two blocks are the
    same: they hold little but fields from the table, for which hpack takes twenty microseconds.

    Args:
        limit: the most bytes of a header list, as RFC 9113, 6.5.2 counts them.

    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._decoder = Decoder(limit)
        self._decoder.header_table = self._table = _CountingTable()

    def decode(self, block: bytes) -> tuple[list[Header], bool]:
        """Return the headers of a block, and whether it changed the table; raises hpack's errors."""
        before = self._table.additions
        headers, at = self._usual(block)
        if at < len(block):
            headers += self._others(block[at:], headers)
        return headers, self._table.additions != before or _resizes(block)

    def _usual(self, block: bytes) -> tuple[list[Header], int]:
        """Return the headers before the first that is unusual, and where that begins."""
        table, headers, at, size = self._table, list[Header](), 0, 0
        while at < len(block):
            first = block[at]
            if first in _INDEXED:
                header = table.get_by_index(first & 0x7F)
                at += 1
            elif first in _ADDED and (read := _short_string(block, at + 1)) is not None:
                header = table.get_by_index(first & 0x3F)[0], read[0]
                table.add(*header)
                at = read[1]
            else:
                break
            headers.append(header)
            size += table_entry_size(*header)
            if size > self._limit:
                raise OversizedHeaderListError("too many headers")
        return headers, at

    def _others(self, block: bytes, before: list[Header]) -> list[Header]:
        """Return the headers of the rest of a block, read by hpack."""
        if before and _resizes(block):
            raise HPACKDecodingError("a change of the table's size in the middle of a block")
        self._decoder.max_header_list_size = self._limit - sum(table_entry_size(*one) for one in before)
        return list(self._decoder.decode(block, raw=True))


def _short_string(block: bytes, at: int) -> tuple[bytes, int] | None:
    """Return a string (5.2) and where it ends; None for one that is long, or cut off."""
    head = block[at : at + 1]
    if not head or head[0] & _LONG == _LONG:
        return None
    end = at + 1 + (head[0] & _LONG)
    if end > len(block):
        return None
    text = block[at + 1 : end]
    return (decode_huffman(text) if head[0] & _HUFFMAN else text), end


def _resizes(block: bytes) -> bool:
    """Whether the block begins with a change of the table's size, which may stand there alone (4.2)."""
    return block[:1] != b"" and block[0] & _RESIZE_MASK == _RESIZE
