"""The reader of header blocks, with a memory: a client sends the same bytes again and again."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from hpack import HPACKError, OversizedHeaderListError
from hpack.table import table_entry_size

from gateway.transport.wire.http2.errors import ErrorCode, Http2Error
from gateway.transport.wire.http2.header_blocks.decoder import FieldDecoder
from gateway.transport.wire.http2.header_blocks.varying import MAX_GROWTH, cut, names_in, places, read_value
from gateway.transport.wire.request import Header

# At the level of debug it would log every header, metadata that is secret among them.
logging.getLogger("hpack").setLevel(logging.INFO)

Known = TypeVar("Known")

_REMEMBERED_BLOCK = 4096
_REMEMBERED_BYTES = 65_536
_OVERHEAD = 1024
"""Bytes that what is made of a block takes, about."""


class HeaderReader(Generic[Known]):
    """Reads the header blocks of one connection.

    What a block says depends on its bytes and the dynamic table alone. A client repeats the same bytes for
    each call of a method, but for its deadline and the ids of its trace: so what was made of a block is
    remembered for as long as the table stays as it is, for blocks that differ in those values alone too.

    Args:
        limit: the most bytes of a header list, as RFC 9113, 6.5.2 counts them.
        make: what is made of the headers; remembered, so it has to be immutable.
        vary: what is made where the headers at some places, counted from the last, have other values; None
            for what `make` has to look at.
        changed: called for each block that changes the dynamic table.

    """

    def __init__(
        self,
        limit: int,
        make: Callable[[list[Header]], Known],
        vary: Callable[[Known, Mapping[int, bytes]], Known | None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._tell_changed = changed
        self._limit = limit
        self._decoder = FieldDecoder(limit)
        self._make = make
        self._vary = vary
        self._known: dict[bytes, Known] = {}
        self._alike: dict[tuple[bytes, ...], tuple[Known, Sequence[int]]] = {}
        self._names: dict[tuple[bytes, ...], None] = {}
        self._size = 0
        self._changed = False

    def read(self, block: bytes) -> Known:
        """Return what is made of a header block; raises Http2Error, and what `make` raises."""
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
            self._forget()
            self._tell_changed()
        return headers

    def _read_alike(self, block: bytes, names: Sequence[bytes]) -> Known | None:
        """Return what is made of a block that is like a remembered one but for the values of some names."""
        parts = cut(block, names)
        remembered = None if parts is None else self._alike.get(parts.pieces)
        if parts is None or remembered is None:
            return None
        known, at = remembered
        texts = [text for text in map(read_value, parts.values) if text is not None]
        return self._vary(known, dict(zip(at, texts, strict=True))) if len(texts) == len(at) else None

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
        if sum(table_entry_size(*header) for header in headers) + MAX_GROWTH <= self._limit:
            self._alike[parts.pieces] = made, at
            self._names[names] = None

    def _forget(self) -> None:
        self._known.clear()
        self._alike.clear()
        self._names.clear()
        self._size = 0
