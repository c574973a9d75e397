"""Blocks that are alike but for some values: what is made of one is made of all."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from gateway.transport.wire.http2.header_blocks.decoder import LONG
from gateway.transport.wire.http2.header_blocks.varying import (
    MAX_CREDENTIAL,
    end_of_value,
    length_of_value,
    read_credential,
)

Known = TypeVar("Known")
Read = tuple[Known, bytes]
"""What is made of a block, the same whoever calls; and what says who does, empty where nothing does."""
Vary = Callable[[Known, Sequence[int], Sequence[bytes]], Known | None]

_SIZES = 512
"""How many sizes of blocks that are alike are remembered."""
_SHARED = 4096
"""How much is remembered for all connections: clients send the same few thousand deadlines."""


class _Span(NamedTuple):
    """A value of a block of some size.

    Args:
        before: what is before it, and its first bytes, which say how long it is, and how it is written.
        at: where that begins.
        start: where the value does, as it is written.
        end: where it ends.

    """

    before: bytes
    at: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Alike(ABC, Generic[Known]):
    """Blocks that are alike but for some values.

    Args:
        pieces: what is before, between and after the values.
        at: the values' places among the headers, counted from the last, but for who calls.
        known: what was made of one of the blocks.
        vary: makes what is known of another one; None for what has to be looked at.
        shared: where that is remembered, whoever calls; None where the values don't come again.

    """

    pieces: tuple[bytes, ...]
    at: Sequence[int]
    known: Known
    vary: Vary[Known]
    shared: dict[Hashable, Known] | None
    _spans: dict[int, Sequence[_Span]] = field(default_factory=dict, init=False)
    """Where the values were in the last block of a size: mostly they are there in the next one too."""

    @abstractmethod
    def read(self, block: bytes) -> Read[Known] | None:
        """Return what a block says; None for one of another kind, or that has to be looked at."""

    def _values_in(self, block: bytes) -> list[bytes] | None:
        """Return the values that a block has, as they are written; None for another kind of block."""
        spans = self._spans.get(len(block))
        if spans is None or not block.endswith(self.pieces[-1]):
            return self._find(block)
        values = []
        for before, at, start, end in spans:
            if not block.startswith(before, at):
                return self._find(block)
            values.append(block[start:end])
        return values

    def _find(self, block: bytes) -> list[bytes] | None:
        spans, at, size = [], 0, len(block)
        *pieces, last = self.pieces
        for piece in pieces:
            start = at + len(piece)
            if not block.startswith(piece, at) or (end := end_of_value(block, start)) is None:
                return None
            spans.append(_Span(piece + length_of_value(block, start), at, start, end))
            at = end
        if at + len(last) != size or not block.endswith(last):
            return None
        if len(self._spans) >= _SIZES:
            self._spans.clear()
        self._spans[size] = spans
        return [block[span.start : span.end] for span in spans]

    def _vary(self, key: Hashable, values: Sequence[bytes]) -> Known | None:
        """Return what is made of a block with other values, and remember it."""
        varied = self.vary(self.known, self.at, values)
        if self.shared is not None and varied is not None:
            if len(self.shared) >= _SHARED:
                self.shared.clear()
            self.shared[key] = varied
        return varied


@dataclass(frozen=True, slots=True)
class OfOneCaller(Alike[Known]):
    """Blocks of which none, or each, says that the same one calls.

    Args:
        credential: what says so; empty where nothing does.

    """

    credential: bytes

    def read(self, block: bytes) -> Read[Known] | None:
        """Return what a block says; None for one of another kind, or that has to be looked at."""
        known = None if self.shared is None else self.shared.get(block)
        if known is None:
            values = self._values_in(block)
            known = None if values is None else self._vary(block, values)
        return None if known is None else (known, self.credential)


@dataclass(frozen=True, slots=True)
class OfCallers(Alike[Known]):
    """Blocks of which each says who calls; what else they say is known for all callers.

    Args:
        place: of the value that says so, among the others.
        room: the most bytes of it.

    """

    place: int
    room: int

    def read(self, block: bytes) -> Read[Known] | None:
        """Return what a block says; None for one of another kind, or that has to be looked at."""
        is_last = self.place == len(self.pieces) - 2
        known = self._recall(block, self.shared) if is_last and self.shared is not None else None
        return self._look(block) if known is None else known

    def _recall(self, block: bytes, shared: dict[Hashable, Known]) -> Read[Known] | None:
        """Return what is remembered of a block whose last value says who calls; None of another one.

        The value is told by where it begins and by what is around it, which is the same whoever calls.
        """
        start, end = self._start(block), len(block) - len(self.pieces[-1])
        known = shared.get((start, block[:start] + block[end:]))
        return None if known is None else self._told(known, block[start:end])

    def _start(self, block: bytes) -> int:
        """Return where the credential begins, where the values before it are as short as they mostly are."""
        start = len(self.pieces[0])
        for piece in self.pieces[1 : self.place + 1]:
            if start < len(block):
                start += (block[start] & LONG) + 1 + len(piece)
        return start

    def _look(self, block: bytes) -> Read[Known] | None:
        values = self._values_in(block)
        if values is None:
            return None
        written = values.pop(self.place)
        start = sum(map(len, (*self.pieces[: self.place + 1], *values[: self.place])))
        key = (start, block[:start] + block[start + len(written) :])
        known = None if self.shared is None else self.shared.get(key)
        if known is None:
            known = self._vary(key, values)
        return None if known is None else self._told(known, written)

    def _told(self, known: Known, written: bytes) -> Read[Known] | None:
        credential = read_credential(written) if len(written) <= MAX_CREDENTIAL else None
        return None if credential is None or len(credential) > self.room else (known, credential)
