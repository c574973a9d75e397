"""The reader of header blocks, with a memory: a client sends the same bytes again and again."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from hpack import HPACKError, OversizedHeaderListError
from hpack.table import table_entry_size

from gateway.transport.wire.http2.errors import ErrorCode, Http2Error
from gateway.transport.wire.http2.header_blocks.decoder import FieldDecoder
from gateway.transport.wire.http2.header_blocks.varying import (
    CREDENTIAL,
    DEADLINE,
    MAX_CREDENTIAL_GROWTH,
    MAX_GROWTH,
    cut,
    end_of_value,
    length_of_value,
    names_in,
    places,
)
from gateway.transport.wire.request import Header

# At the level of debug it would log every header, metadata that is secret among them.
logging.getLogger("hpack").setLevel(logging.INFO)

Known = TypeVar("Known")

_SIZES = 512
"""How many sizes of blocks that are alike are remembered."""
_REMEMBERED_BLOCK = 4096
_REMEMBERED_BYTES = 65_536
_OVERHEAD = 1024
"""Bytes that what is made of a block takes, about."""
_SHARED = 4096
"""How many blocks are remembered for all connections: clients send the same few thousand deadlines."""
_SHARED_BLOCK = 512


class _Span(NamedTuple):
    """A value of a block of some size.

    Args:
        piece: what is before it.
        at: where that begins.
        start: where the value does, as it is written.
        length: its first bytes, which say how long it is, and how it is written.
        end: where it ends.

    """

    piece: bytes
    at: int
    start: int
    length: bytes
    end: int


@dataclass(frozen=True, slots=True)
class _Alike(Generic[Known]):
    """Blocks that are alike but for some values.

    Args:
        pieces: what is before each of the values.
        end: what is after the last.
        at: the values' places among the headers, counted from the last header.
        known: what was made of one of the blocks.
        comes_again: whether the values are of those that come again.

    """

    pieces: Sequence[bytes]
    end: bytes
    at: Sequence[int]
    known: Known
    comes_again: bool
    spans: dict[int, Sequence[_Span]] = field(default_factory=dict)
    """Where the values were in the last block of a size: mostly they are there in the next one too."""

    def values_in(self, block: bytes) -> Sequence[bytes] | None:
        """Return the values that a block has, as they are written; None for another kind of block."""
        spans = self.spans.get(len(block))
        if spans is None or not block.endswith(self.end):
            return self._find(block)
        values = []
        for piece, at, start, length, end in spans:
            if not (block.startswith(length, start) and block.startswith(piece, at)):
                return self._find(block)
            values.append(block[start:end])
        return values

    def _find(self, block: bytes) -> Sequence[bytes] | None:
        spans, at, size = [], 0, len(block)
        for piece in self.pieces:
            start = at + len(piece)
            if not block.startswith(piece, at) or (end := end_of_value(block, start)) is None:
                return None
            spans.append(_Span(piece, at, start, length_of_value(block, start), end))
            at = end
        if at + len(self.end) != size or not block.endswith(self.end):
            return None
        if len(self.spans) >= _SIZES:
            self.spans.clear()
        self.spans[size] = spans
        return [block[span.start : span.end] for span in spans]


class HeaderReader(Generic[Known]):
    """Reads the header blocks of one connection.

    What a block says depends on its bytes and the dynamic table alone. A client repeats the same bytes for
    each call of a method, but for its deadline and the ids of its trace: so what was made of a block is
    remembered for as long as the table stays as it is, for blocks that differ in those values alone too.

    Args:
        limit: the most bytes of a header list, as RFC 9113, 6.5.2 counts them.
        make: what is made of the headers; remembered, so it has to be immutable.
        vary: what is made where the headers at some places, counted from the last, have other values, as they
            are written; None for what `make` has to look at.
        changed: called for each block that changes the dynamic table.
        shared: what was made of blocks without a table, of all connections with the same limit and `make`.

    """

    def __init__(
        self,
        limit: int,
        make: Callable[[list[Header]], Known],
        vary: Callable[[Known, Sequence[int], Sequence[bytes]], Known | None],
        changed: Callable[[], None] = lambda: None,
        shared: dict[bytes, Known] | None = None,
    ) -> None:
        self._tell_changed = changed
        self._shared = {} if shared is None else shared
        self._has_table = True
        self._limit = limit
        self._decoder = FieldDecoder(limit)
        self._make = make
        self._vary = vary
        self._known: dict[bytes, Known] = {}
        self._alike: dict[tuple[bytes, ...], _Alike[Known]] = {}
        self._last: _Alike[Known] | None = None
        self._names: dict[tuple[bytes, ...], None] = {}
        self._size = 0
        self._changed = False

    def read(self, block: bytes) -> Known:
        """Return what is made of a header block; raises Http2Error, and what `make` raises."""
        # Before all others: a client mostly calls what it called last, and to look a block up takes its hash.
        last = None if self._last is None else self._vary_by(self._last, block)
        if last is not None:
            return last
        known = self._known.get(block)
        if known is not None:
            return known
        for names in self._names:
            known = self._read_alike(block, names)
            if known is not None:
                return known
        return self._learn(block)

    def headers(self, block: bytes) -> list[Header]:
        """Return the headers of a block; raises Http2Error: the table is out of step after that."""
        try:
            headers, self._changed = self._decoder.decode(block)
        except OversizedHeaderListError as error:
            raise Http2Error(ErrorCode.ENHANCE_YOUR_CALM, "too many headers") from error
        except (HPACKError, ValueError, IndexError) as error:
            raise Http2Error(ErrorCode.COMPRESSION_ERROR, "a header block that can't be read") from error
        if self._changed:
            self._has_table = self._decoder.has_table
            self._forget()
            self._tell_changed()
        return headers

    def _read_alike(self, block: bytes, names: Sequence[bytes]) -> Known | None:
        """Return what is made of a block that is like a remembered one but for the values of some names."""
        parts = cut(block, names)
        alike = None if parts is None else self._alike.get(parts.pieces)
        if alike is None:
            return None
        self._last = alike
        return self._vary_by(alike, block)

    def _vary_by(self, alike: _Alike[Known], block: bytes) -> Known | None:
        # Without a table a block says the same in every connection.
        is_shared = alike.comes_again and not self._has_table
        if is_shared and (known := self._shared.get(block)) is not None:
            return known
        written = alike.values_in(block)
        varied = None if written is None else self._vary(alike.known, alike.at, written)
        if is_shared and varied is not None and len(block) <= _SHARED_BLOCK:
            if len(self._shared) >= _SHARED:
                self._shared.clear()
            self._shared[block] = varied
        return varied

    def _learn(self, block: bytes) -> Known:
        headers = self.headers(block)
        made = self._make(headers)
        if not self._changed and len(block) <= _REMEMBERED_BLOCK:
            self._size += len(block) + _OVERHEAD
            if self._size > _REMEMBERED_BYTES:
                self._forget()
            self._known[block] = made
            self._learn_alike(block, headers, made)
        return made

    def _learn_alike(self, block: bytes, headers: list[Header], made: Known) -> None:
        names = names_in(block)
        parts = cut(block, names) if names else None
        at = None if parts is None else places(block, parts, headers)
        if parts is None or at is None:
            return
        # Longer values must not take a list past its limit unseen.
        growth = MAX_GROWTH + MAX_CREDENTIAL_GROWTH * any(headers[place][0] == CREDENTIAL for place in at)
        if sum(table_entry_size(*header) for header in headers) + growth <= self._limit:
            comes_again = all(headers[place][0] == DEADLINE for place in at)
            alike = _Alike(parts.pieces[:-1], parts.pieces[-1], at, made, comes_again)
            self._alike[parts.pieces] = self._last = alike
            self._names[names] = None

    def _forget(self) -> None:
        self._known.clear()
        self._alike.clear()
        self._names.clear()
        self._last = None
        self._size = 0
