"""What was made of header blocks of one connection: a client sends the same bytes again and again."""

from collections.abc import Hashable, Sequence
from typing import Generic

from hpack.table import table_entry_size

from gateway.transport.wire.caller_headers import (
    CONSISTENCY,
    CREDENTIAL,
    NONE_OF_CALLER,
    CallerHeaders,
)
from gateway.transport.wire.http2.header_blocks.alike import (
    Alike,
    Known,
    OfCallers,
    OfOneCaller,
    Read,
    Tell,
    Vary,
)
from gateway.transport.wire.http2.header_blocks.varying import (
    DEADLINE,
    MAX_GROWTH,
    MAX_TOLD,
    SHORTEST_CODE,
    cut,
    names_in,
    places,
    read_consistency,
    read_credential,
)
from gateway.transport.wire.request import Header

_REMEMBERED_BYTES = 65_536
_OVERHEAD = 1024
"""Bytes that what is made of a block takes, about."""
_SHARED_BLOCK = 512


class RememberedBlocks(Generic[Known]):
    """Knows blocks by their bytes, and others that differ from them in some values alone.

    Args:
        usual: the most bytes of a header list that is read by what others say that are like it.
        vary: what is made where the headers at some places, counted from the last, have other values, as they
            are written; None for what has to be read.
        shared: what was made of blocks without a table, of all connections; it holds nothing that says who
            calls.

    """

    def __init__(self, usual: int, vary: Vary[Known], shared: dict[Hashable, Known]) -> None:
        self._usual = usual
        self._vary = vary
        self._shared = shared
        self._known: dict[bytes, Read[Known]] = {}
        self._alike: dict[tuple[bytes, ...], Alike[Known]] = {}
        self._last: Alike[Known] | None = None
        self._names: dict[tuple[bytes, ...], None] = {}
        self._size = 0

    def read(self, block: bytes) -> Read[Known] | None:
        """Return what is made of a block; None for one that isn't known."""
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
        return None

    def learn(self, block: bytes, headers: Sequence[Header], made: Read[Known], *, has_table: bool) -> None:
        """Remember what was made of a block's headers; `has_table`: they may depend on a table."""
        self._size += len(block) + _OVERHEAD
        if self._size > _REMEMBERED_BYTES:
            self.forget()
        self._known[block] = made
        names = names_in(block)
        parts = cut(block, names) if names else None
        at = None if parts is None else places(block, parts, headers)
        # Longer values must not take a list past its limit unseen.
        room = self._usual - MAX_GROWTH - sum(table_entry_size(*header) for header in headers)
        if parts is None or at is None or room < 0:
            return
        # Of what is made of them the caller's headers are no part.
        told = dict(made[1].headers())
        left_out = [number - len(headers) for number, (name, _) in enumerate(headers) if name in told]
        varying = {headers[place][0]: place + sum(place < one for one in left_out) for place in at}
        alike = self._alike_of(parts.pieces, varying, made, room, has_table=has_table)
        if alike is not None:
            self._alike[parts.pieces] = self._last = alike
            self._names[names] = None

    def forget(self) -> None:
        """Know nothing any more."""
        self._known.clear()
        self._alike.clear()
        self._names.clear()
        self._last = None
        self._size = 0

    def _read_alike(self, block: bytes, names: Sequence[bytes]) -> Read[Known] | None:
        """Return what is made of a block that is like a remembered one but for the values of some names."""
        parts = cut(block, names)
        alike = None if parts is None else self._alike.get(parts.pieces)
        if alike is None:
            return None
        self._last = alike
        return alike.read(block)

    def _alike_of(
        self,
        pieces: tuple[bytes, ...],
        at: dict[bytes, int],
        made: Read[Known],
        room: int,
        *,
        has_table: bool,
    ) -> Alike[Known] | None:
        """Return the blocks that are like one but for the values of headers at some places."""
        known, told = made
        of_caller = at.keys() & {CREDENTIAL, CONSISTENCY}
        if not of_caller <= dict(told.headers()).keys():
            return None  # one is empty, or there is another one
        same = CallerHeaders(
            b"" if CREDENTIAL in of_caller else told.credential,
            b"" if CONSISTENCY in of_caller else told.consistency,
        )
        comes_again = at.keys() <= {DEADLINE, *of_caller} and sum(map(len, pieces)) <= _SHARED_BLOCK
        # Without a table a block says the same in every connection. What is shared says nothing of who calls.
        shared = self._shared if comes_again and not has_table and same == NONE_OF_CALLER else None
        others = [place for name, place in at.items() if name not in of_caller]
        if not of_caller:
            return OfOneCaller(pieces, others, known, self._vary, shared, same)
        credentials = _credentials_of(room + len(told.credential))
        readers: dict[bytes, Tell] = {CREDENTIAL: credentials, CONSISTENCY: read_consistency}
        tell = {number: readers[name] for number, name in enumerate(at) if name in of_caller}
        return OfCallers(pieces, others, known, self._vary, shared, tell, same)


def _credentials_of(most: int) -> Tell:
    """Return what reads credentials of so many bytes at most."""
    if most >= MAX_TOLD * 8 // SHORTEST_CODE:
        return read_credential

    def tell(written: bytes) -> CallerHeaders | None:
        told = read_credential(written)
        return told if told is not None and len(told.credential) <= most else None

    return tell
