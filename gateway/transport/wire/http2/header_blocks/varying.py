"""Header blocks that are alike but for values that differ from call to call, such as deadlines.

A client without a dynamic table sends each field whole: the blocks of two calls of a method then differ in
the text of `grpc-timeout` and in the ids of a trace, and in nothing else.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, overload

from hpack import HPACKError
from hpack.hpack import decode_integer
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

from gateway.transport.wire.http2.header_blocks.decoder import HUFFMAN, LONG, read_string
from gateway.transport.wire.request import Header

READ_LATER = b"traceparent"
"""The header that most calls are answered without: its value is read when somebody looks at it."""
NAMES = (b"grpc-timeout", READ_LATER, b"x-request-id")
"""The headers whose values differ from call to call."""

_INDEXED, _ADDED, _RESIZE = 0x80, 0x40, 0x20
_huffman = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
# What needs no further look: no line break, no space to strip, and little of it.
_SIMPLE = re.compile(rb"[!-~]{1,128}")
_SHORT = 16
"""Bytes of a value, as it is written, that is read once: deadlines come again, ids don't."""
_SHORTEST_CODE = 5
"""Bits of the most frequent letters in Huffman's code."""
MAX_GROWTH = LONG * 8 // _SHORTEST_CODE * len(NAMES)
"""Bytes by which the headers of blocks can differ that are alike."""


class CutBlock(NamedTuple):
    """A header block, cut around the values that may vary.

    Args:
        pieces: what is before, between and after the values.
        values: the strings, as they are written.

    """

    pieces: tuple[bytes, ...]
    values: list[bytes]

    @property
    def starts(self) -> Sequence[int]:
        """Where in the block the values begin."""
        at, starts = 0, []
        for piece, value in zip(self.pieces, self.values, strict=False):
            starts.append(at + len(piece))
            at = starts[-1] + len(value)
        return starts


def names_in(block: bytes) -> tuple[bytes, ...]:
    """Return what look like NAMES in a block, as they are written there, in their order."""
    return tuple(_NAME.findall(block))


def cut(block: bytes, names: Iterable[bytes]) -> CutBlock | None:
    """Cut a block around the values after some names; None where it doesn't hold them so."""
    pieces, values, at = [], [], 0
    for name in names:
        found = block.find(name, at)
        start = found + len(name)
        if found < 0 or start == len(block) or (size := block[start] & LONG) == LONG:
            return None
        pieces.append(block[at:start])
        at = start + size + 1
        values.append(block[start:at])
    pieces.append(block[at:])
    return None if at > len(block) else CutBlock(tuple(pieces), values)


def read_value(written: bytes) -> bytes | None:
    """Return the text of a value; None for one that has to be looked at by who knows more."""
    return (_read_short if len(written) <= _SHORT else _read)(written)


def _read(written: bytes) -> bytes | None:
    try:
        read = read_string(written, 0)
    except HPACKError:
        return None
    return read[0] if read is not None and _SIMPLE.fullmatch(read[0]) else None


_read_short = lru_cache(1024)(_read)


class VariedHeaders(Sequence[Header]):
    """Headers like others but for some values, which are read when somebody looks at any.

    One that is no value for the eyes of others, or none at all, is empty: who asks for it goes without.

    Args:
        like: the others.
        at: the places of those that differ, counted from the last.
        written: their values, as they are written.

    """

    __slots__ = ("_at", "_like", "_read", "_written")

    def __init__(self, like: Sequence[Header], at: Sequence[int], written: Sequence[bytes]) -> None:
        self._like = like
        self._at = at
        self._written = written
        self._read: Sequence[Header] | None = None

    def __len__(self) -> int:
        return len(self._like)

    @overload
    def __getitem__(self, place: int) -> Header: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Header]: ...

    def __getitem__(self, place: int | slice) -> Header | Sequence[Header]:
        return self._headers()[place]

    def __iter__(self) -> Iterator[Header]:
        return iter(self._headers())

    def _headers(self) -> Sequence[Header]:
        if self._read is None:
            headers = list(self._like)
            for place, written in zip(self._at, self._written, strict=True):
                headers[place] = headers[place][0], read_value(written) or b""
            self._read = headers
        return self._read


def places(block: bytes, found: CutBlock, headers: Sequence[Header]) -> Sequence[int] | None:
    """Return the places of the headers whose values were cut out; None where those are no such values.

    Places count from the last header, which has -1: what comes before the first may be taken away.

    What a block says up to a place depends on its bytes up to there alone, as long as the dynamic table is
    the same. So where a value begins in one block, it begins in each that has the same bytes before.
    """
    by_start = {start: number for number, start in enumerate(_value_starts(block)) if start}
    numbers = [by_start.get(start) for start in found.starts]
    known = [number for number in numbers if number is not None]
    names = [headers[number][0] for number in known]
    is_sound = len(known) == len(numbers) and len(set(names)) == len(names) and set(names) <= set(NAMES)
    return [number - len(headers) for number in known] if is_sound else None


def _value_starts(block: bytes) -> Iterator[int]:
    """Yield for each field where its value begins; 0 for one that is in a table (RFC 7541, 6)."""
    at = 0
    while at < len(block):
        first = block[at]
        if first & _INDEXED:
            at = _after_integer(block, at, 7)[1]
            yield 0
        elif not first & _ADDED and first & _RESIZE:
            at = _after_integer(block, at, 5)[1]
        else:
            index, at = _after_integer(block, at, 6 if first & _ADDED else 4)
            at = at if index else _after_string(block, at)
            yield at
            at = _after_string(block, at)


def _after_integer(block: bytes, at: int, bits: int) -> tuple[int, int]:
    number, size = decode_integer(block[at:], bits)
    return number, at + size


def _after_string(block: bytes, at: int) -> int:
    size, content = _after_integer(block, at, 7)
    return content + size


def _spellings(name: bytes) -> Iterator[bytes]:
    """Yield the strings for a name: with its length before it, plain and by Huffman's code."""
    coded = _huffman.encode(name)
    yield bytes([len(name)]) + name
    yield bytes([len(coded) | HUFFMAN]) + coded


_NAME = re.compile(b"|".join(re.escape(one) for name in NAMES for one in _spellings(name)))
