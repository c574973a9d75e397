"""Header blocks that are alike but for values that differ from call to call, such as deadlines.

A client without a dynamic table sends each field whole: the blocks of two calls of a method then differ in
the text of `grpc-timeout`, in the ids of a trace, in who calls, and in nothing else.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, overload

from hpack import HPACKError
from hpack.hpack import decode_integer
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

from gateway.auth.remembered import Remembered
from gateway.transport.wire.caller_headers import CONSISTENCY, CREDENTIAL, CallerHeaders
from gateway.transport.wire.headers import only
from gateway.transport.wire.http2.header_blocks.decoder import HUFFMAN, LONG, read_string
from gateway.transport.wire.http2.header_blocks.huffman import decode_huffman
from gateway.transport.wire.request import Header
from gateway.transport.wire.targets import QUERY_BYTE

DEADLINE = b"grpc-timeout"
"""The header whose values come again."""
READ_LATER = b"traceparent"
"""The header that most calls are answered without: its value is read when somebody looks at it."""
NAMES = (DEADLINE, READ_LATER, b"x-request-id", CREDENTIAL, CONSISTENCY)
"""The headers whose values differ from call to call."""

PATH = b":path"
"""The pseudo-header that says what is asked for, where that isn't one of a few methods."""
_INDEXED, _ADDED, _RESIZE = 0x80, 0x40, 0x20
_GOES_ON = 0x80
_LONGEST_LENGTH = 4
"""Bytes that a value's length is read of: it is within a block."""
_huffman = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
# What needs no further look: no line break, no space to strip, and little of it.
_SIMPLE = re.compile(rb"[!-~]{1,128}")
_SIMPLE_PATH = re.compile(rb"/%b{0,1023}" % QUERY_BYTE)
_SIMPLE_CREDENTIAL = re.compile(rb"[!-~](?:[ -~]*[!-~])?")
MAX_TOLD = 2048
"""Bytes of a caller's header, as it is written, that `read_credential` and `read_consistency` are to read."""
_END_OF_CREDENTIAL = 16
_credentials = Remembered[bytes, tuple[bytes, CallerHeaders | None]](1024)
"""Credentials as they are written, and as text, by their last bytes."""
_CONSISTENCIES = 1024
"""How many texts that say how fresh reads are to be are kept."""
MAX_PATH = 1024
"""Bytes of a path, as it is written, that `read_path` is to read."""
_SHORT = 16
"""Bytes of a value, as it is written, that is read once: deadlines come again, ids don't."""
SHORTEST_CODE = 5
"""Bits of the most frequent letters in Huffman's code."""
MAX_GROWTH = LONG * 8 // SHORTEST_CODE * (len(NAMES) - 1)
"""Bytes by which the headers of blocks can differ that are alike, but for a credential."""


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
    """Return what look like NAMES in a block, as they are written there, in their order.

    What looks like one within the value of another is none: a token may hold any bytes.
    """
    names, at = [], 0
    while (found := _NAME.search(block, at)) is not None:
        names.append(found[0])
        end = end_of_value(block, found.end())
        if end is None:
            break
        at = end
    return tuple(names)


def cut(block: bytes, names: Iterable[bytes]) -> CutBlock | None:
    """Cut a block around the values after some names; None where it doesn't hold them so."""
    pieces, values, at = [], [], 0
    for name in names:
        found = block.find(name, at)
        start = found + len(name)
        if found < 0 or (end := end_of_value(block, start)) is None:
            return None
        pieces.append(block[at:start])
        values.append(block[start:end])
        at = end
    pieces.append(block[at:])
    return None if at > len(block) else CutBlock(tuple(pieces), values)


def end_of_value(block: bytes, start: int) -> int | None:
    """Return where a value ends that begins at a place of a block; None for one that is cut off."""
    if start >= len(block):
        return None
    length = block[start] & LONG
    if length < LONG:
        end = start + length + 1
    elif start + 2 < len(block) and block[start + 2] < _GOES_ON <= block[start + 1]:
        # Of a token of 255 bytes and more, as most are: spelled out, as this takes a fifth.
        end = start + length + (block[start + 1] & LONG) + (block[start + 2] << 7) + 3
    else:
        length, size = decode_integer(block[start : start + _LONGEST_LENGTH], 7)
        end = start + length + size
    return end if end <= len(block) else None


def length_of_value(block: bytes, start: int) -> bytes:
    """Return the bytes that say how long a value of a block is, and how it is written."""
    end = start + 1
    if block[start] & LONG == LONG:
        while block[end] & _GOES_ON:
            end += 1
        end += 1
    return block[start:end]


def read_value(written: bytes) -> bytes | None:
    """Return the text of a header's value; None for one that has to be looked at by who knows more."""
    return (_read_short if len(written) <= _SHORT else _read)(written)


def read_credential(written: bytes) -> CallerHeaders | None:
    """Return the text that says who calls, as `read_value` does another one; None of more than one string.

    It is found by its end, which tokens differ in, as to hash all of one takes longer than to compare it.
    """
    end = written[-_END_OF_CREDENTIAL:]
    known = _credentials.get(end)
    if known is not None and known[0] == written:
        return known[1]
    return _learn_credential(end, written)


def _learn_credential(end: bytes, written: bytes) -> CallerHeaders | None:
    text = _text(written, _SIMPLE_CREDENTIAL) if end_of_value(written, 0) == len(written) else None
    told = None if text is None else CallerHeaders(credential=text)
    _credentials.add(end, (written, told))
    return told


@lru_cache(_CONSISTENCIES)
def read_consistency(written: bytes) -> CallerHeaders | None:
    """Return the text that says how fresh reads are to be, as `read_credential` does that of who calls."""
    text = _text(written, _SIMPLE) if end_of_value(written, 0) == len(written) else None
    return None if text is None else CallerHeaders(consistency=text)


def read_path(written: bytes) -> bytes | None:
    """Return the text of a path; None for one that has to be looked at."""
    if written[0] & LONG == LONG:
        return _text(written, _SIMPLE_PATH, comes_again=False) if len(written) <= MAX_PATH else None
    # Spelled out, as each call of REST passes here.
    text = written[1:]
    try:
        path = decode_huffman(text) if written[0] & HUFFMAN else text
    except HPACKError:
        return None
    return path if _SIMPLE_PATH.fullmatch(path) else None


def _read(written: bytes) -> bytes | None:
    return _text(written, _SIMPLE)


def _text(written: bytes, simple: re.Pattern[bytes], *, comes_again: bool = True) -> bytes | None:
    try:
        read = read_string(written, 0, comes_again=comes_again)
    except HPACKError:
        return None
    return read[0] if read is not None and simple.fullmatch(read[0]) else None


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

    def only(self, name: bytes) -> bytes:
        """Return the value of a header that comes once, as `only` does, and read no other."""
        for place, written in zip(self._at, self._written, strict=True):
            if self._like[place][0] == name:
                return read_value(written) or b""
        return only(self._like, name)

    def _headers(self) -> Sequence[Header]:
        if self._read is None:
            headers = list(self._like)
            for place, written in zip(self._at, self._written, strict=True):
                name = headers[place][0]
                headers[place] = name, read_value(written) or b""
            self._read = headers
        return self._read


def read_only(headers: Sequence[Header], name: bytes) -> bytes:
    """Return the value of a header that comes once, as `only` does; of those that vary no other is read."""
    return headers.only(name) if isinstance(headers, VariedHeaders) else only(headers, name)


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


def start_of_path(block: bytes, headers: Sequence[Header]) -> int | None:
    """Return where in a block the value of the path begins; None where it is in a table, or isn't there."""
    for header, start in zip(headers, _value_starts(block), strict=True):
        if header[0] == PATH:
            return start or None
    return None


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


# RFC 7541, appendix A: authorization is in the static table; fields of neither kind are added to the other.
_INDEXED_CREDENTIAL = (b"\x0f\x08", b"\x1f\x08")
_SPELLED = [one for name in NAMES for one in _spellings(name)]
_NAME = re.compile(b"|".join(map(re.escape, (*_SPELLED, *_INDEXED_CREDENTIAL))))
