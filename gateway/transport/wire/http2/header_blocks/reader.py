"""The reader of header blocks, with a memory."""

import logging
from collections.abc import Callable, Hashable, Sequence
from typing import Generic

from hpack import HPACKError, OversizedHeaderListError

from gateway.transport.wire.caller_headers import CallerHeaders
from gateway.transport.wire.http2.errors import ErrorCode, Http2Error
from gateway.transport.wire.http2.header_blocks.alike import Known, Read, Vary
from gateway.transport.wire.http2.header_blocks.decoder import FieldDecoder
from gateway.transport.wire.http2.header_blocks.remembered import RememberedBlocks
from gateway.transport.wire.http2.header_blocks.varying import (
    PATH,
    end_of_value,
    read_path,
    start_of_path,
)
from gateway.transport.wire.request import Header

# At the level of debug it would log every header, metadata that is secret among them.
logging.getLogger("hpack").setLevel(logging.INFO)

SharedBlocks = tuple[dict[Hashable, Known], dict[Hashable, Known]]
"""What was made of blocks of all connections: of whole ones, and of those whose path was cut out."""
WithPath = Callable[[Known, CallerHeaders, bytes], Known | None]

_REMEMBERED_BLOCK = 4096
_ANY_PATH = b"/"
_NO_VALUE = b"\0"
"""An empty string, as it is written."""
_CALLED = (b":method", b"POST")
"""Of requests whose paths come again: they name methods."""
_PATHS = 8
"""How many beginnings of blocks, up to their paths, are remembered: a client has one for each HTTP method."""


class HeaderReader(Generic[Known]):
    """Reads the header blocks of one connection.

    What a block says depends on its bytes and the dynamic table alone. A client repeats the same bytes for
    each call of a method, but for its deadline, the ids of its trace and who calls: so what was made of a
    block is remembered for as long as the table stays as it is, for blocks that differ in those values alone
    too. The headers in which callers differ are told beside it, as a client may call for many users. And for
    REST, blocks that differ in their paths.

    Args:
        limit: the most bytes of a header list, as RFC 9113, 6.5.2 counts them.
        usual: the same of blocks that are read by what others say that are like them.
        make: what is made of the headers, but for the caller's; remembered, so it has to be immutable.
        vary: what is made where the headers at some places, counted from the last, have other values, as they
            are written; None for what `make` has to look at.
        with_path: makes, of what is made of the path `/`, what is made of another path, beside a caller's
            headers; None for what `make` has to look at. Without it none is asked.
        changed: called for each block that changes the dynamic table.
        shared: what was made of blocks without a table, of all connections with the same limits and `make`;
            it holds nothing that says who calls.

    """

    def __init__(
        self,
        limit: int,
        usual: int,
        make: Callable[[list[Header]], Read[Known]],
        vary: Vary[Known],
        *,
        with_path: WithPath[Known] | None = None,
        changed: Callable[[], None] = lambda: None,
        shared: SharedBlocks[Known] | None = None,
    ) -> None:
        self._tell_changed = changed
        self._has_table = True
        self._decoder = FieldDecoder(limit)
        self._make = make
        self._with_path = with_path
        whole, pathless = ({}, {}) if shared is None else shared
        self._whole = RememberedBlocks(usual, vary, whole)
        # Apart, as a block may itself have an empty path.
        self._pathless = RememberedBlocks(usual, vary, pathless)
        self._paths: dict[bytes, None] = {}
        self._last_around: tuple[bytes, bytes, Read[Known]] | None = None
        """What is before the path of the last block, and after it, and what was made of them."""
        self._changed = False

    def read(self, block: bytes) -> Read[Known]:
        """Return what is made of a header block; raises Http2Error, and what `make` raises."""
        made = self._whole.read(block)
        if made is None and self._paths:
            made = self._read_path(block)
        return self._learn(block) if made is None else made

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

    def _read_path(self, block: bytes) -> Read[Known] | None:
        """Return what is made of a block that has another path than a remembered one."""
        for before in self._paths:
            start = len(before)
            if not block.startswith(before) or (end := end_of_value(block, start)) is None:
                continue
            made = self._read_around(before, block[end:])
            path = None if made is None else read_path(block[start:end])
            if made is None or path is None or self._with_path is None:
                continue
            known, told = made
            varied = self._with_path(known, told, path)
            if varied is not None:
                return varied, told
        return None

    def _read_around(self, before: bytes, after: bytes) -> Read[Known] | None:
        """Return what is made of a block but for its path: mostly what was made of the last one."""
        last = self._last_around
        if last is not None and last[1] == after and last[0] == before:
            return last[2]
        made = self._pathless.read(before + _NO_VALUE + after)
        if made is not None:
            self._last_around = before, after, made
        return made

    def _learn(self, block: bytes) -> Read[Known]:
        headers = self.headers(block)
        made = self._make(headers)
        if not self._changed and len(block) <= _REMEMBERED_BLOCK:
            start = None if _CALLED in headers else start_of_path(block, headers)
            if start is None or self._with_path is None:
                self._whole.learn(block, headers, made, has_table=self._has_table)
            else:
                self._learn_path(block, start, headers)
        return made

    def _learn_path(self, block: bytes, start: int, headers: Sequence[Header]) -> None:
        """Remember a block for all that have another path at the same place."""
        before, end = block[:start], end_of_value(block, start)
        if len(self._paths) >= _PATHS:
            self._paths.clear()
        self._paths[before] = None
        pathless = [(name, _ANY_PATH if name == PATH else value) for name, value in headers]
        made = self._make(pathless)
        self._pathless.learn(before + _NO_VALUE + block[end:], pathless, made, has_table=self._has_table)

    def _forget(self) -> None:
        self._whole.forget()
        self._pathless.forget()
        self._paths.clear()
        self._last_around = None
