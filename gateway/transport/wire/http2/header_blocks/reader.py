"""The reader of header blocks, with a memory: a client sends the same bytes again and again."""

import logging
from collections.abc import Callable, Hashable, Sequence
from typing import Generic

from hpack import HPACKError, OversizedHeaderListError
from hpack.table import table_entry_size

from gateway.transport.wire.http2.errors import ErrorCode, Http2Error
from gateway.transport.wire.http2.header_blocks.alike import (
    Alike,
    Known,
    OfCallers,
    OfOneCaller,
    Read,
    Vary,
)
from gateway.transport.wire.http2.header_blocks.decoder import FieldDecoder
from gateway.transport.wire.http2.header_blocks.varying import (
    CREDENTIAL,
    DEADLINE,
    MAX_GROWTH,
    cut,
    names_in,
    places,
)
from gateway.transport.wire.request import Header

# At the level of debug it would log every header, metadata that is secret among them.
logging.getLogger("hpack").setLevel(logging.INFO)

_REMEMBERED_BLOCK = 4096
_REMEMBERED_BYTES = 65_536
_OVERHEAD = 1024
"""Bytes that what is made of a block takes, about."""
_SHARED_BLOCK = 512


class HeaderReader(Generic[Known]):
    """Reads the header blocks of one connection.

    What a block says depends on its bytes and the dynamic table alone. A client repeats the same bytes for
    each call of a method, but for its deadline, the ids of its trace and who calls: so what was made of a
    block is remembered for as long as the table stays as it is, for blocks that differ in those values alone
    too. Who calls is told beside it, as a client may call for many users.

    Args:
        limit: the most bytes of a header list, as RFC 9113, 6.5.2 counts them.
        usual: the same of blocks that are read by what others say that are like them.
        make: what is made of the headers, but for who calls; remembered, so it has to be immutable.
        vary: what is made where the headers at some places, counted from the last, have other values, as they
            are written; None for what `make` has to look at.
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
        changed: Callable[[], None] = lambda: None,
        shared: dict[Hashable, Known] | None = None,
    ) -> None:
        self._tell_changed = changed
        self._shared = {} if shared is None else shared
        self._has_table = True
        self._usual = usual
        self._decoder = FieldDecoder(limit)
        self._make = make
        self._vary = vary
        self._known: dict[bytes, Read[Known]] = {}
        self._alike: dict[tuple[bytes, ...], Alike[Known]] = {}
        self._last: Alike[Known] | None = None
        self._names: dict[tuple[bytes, ...], None] = {}
        self._size = 0
        self._changed = False

    def read(self, block: bytes) -> Read[Known]:
        """Return what is made of a header block; raises Http2Error, and what `make` raises."""
        # Before all others: a client mostly calls what it called last, and to look a block up takes its hash.
        last = None if self._last is None else self._last.read(block)
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

    def _read_alike(self, block: bytes, names: Sequence[bytes]) -> Read[Known] | None:
        """Return what is made of a block that is like a remembered one but for the values of some names."""
        parts = cut(block, names)
        alike = None if parts is None else self._alike.get(parts.pieces)
        if alike is None:
            return None
        self._last = alike
        return alike.read(block)

    def _learn(self, block: bytes) -> Read[Known]:
        headers = self.headers(block)
        made = self._make(headers)
        if not self._changed and len(block) <= _REMEMBERED_BLOCK:
            self._size += len(block) + _OVERHEAD
            if self._size > _REMEMBERED_BYTES:
                self._forget()
            self._known[block] = made
            self._learn_alike(block, headers, made)
        return made

    def _learn_alike(self, block: bytes, headers: list[Header], made: Read[Known]) -> None:
        names = names_in(block)
        parts = cut(block, names) if names else None
        at = None if parts is None else places(block, parts, headers)
        # Longer values must not take a list past its limit unseen.
        room = self._usual - MAX_GROWTH - sum(table_entry_size(*header) for header in headers)
        if parts is None or at is None or room < 0:
            return
        # Of what is made of them the credential is no part.
        caller = [name for name, _ in headers].index(CREDENTIAL) if made[1] else 0
        varying = {headers[place][0]: place + (place < caller - len(headers)) for place in at}
        alike = self._alike_of(parts.pieces, varying, made, room)
        if alike is not None:
            self._alike[parts.pieces] = self._last = alike
            self._names[names] = None

    def _alike_of(
        self, pieces: tuple[bytes, ...], at: dict[bytes, int], made: Read[Known], room: int
    ) -> Alike[Known] | None:
        """Return the blocks that are like one but for the values of headers at some places."""
        known, credential = made
        comes_again = at.keys() <= {DEADLINE, CREDENTIAL} and sum(map(len, pieces)) <= _SHARED_BLOCK
        # Without a table a block says the same in every connection.
        shared = self._shared if comes_again and not self._has_table else None
        if CREDENTIAL not in at:
            # What is shared says nothing of who calls.
            shared = None if credential else shared
            return OfOneCaller(pieces, [*at.values()], known, self._vary, shared, credential)
        if not credential:
            return None  # it is empty, or there is another one
        place = [*at].index(CREDENTIAL)
        others = [one for name, one in at.items() if name != CREDENTIAL]
        return OfCallers(pieces, others, known, self._vary, shared, place, room + len(credential))

    def _forget(self) -> None:
        self._known.clear()
        self._alike.clear()
        self._names.clear()
        self._last = None
        self._size = 0
