"""Blocks that are alike but for some values: what is made of one is made of all."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from gateway.transport.wire.caller_headers import NONE_OF_CALLER, CallerHeaders, together
from gateway.transport.wire.http2.header_blocks.decoder import LONG
from gateway.transport.wire.http2.header_blocks.varying import MAX_TOLD, end_of_value, length_of_value

Known = TypeVar("Known")
Read = tuple[Known, CallerHeaders]
"""What is made of a block, the same whoever calls; and the headers in which callers differ."""
Tell = Callable[[bytes], CallerHeaders | None]
"""Reads the value of one of those, as it is written; None for one that has to be looked at."""
Vary = Callable[[Known, Sequence[int], Sequence[bytes]], Known | None]

_SIZES = 512
"""How many sizes of blocks that are alike are remembered."""
_SHARED = 4096
"""How much is remembered for all connections: clients send the same few thousand deadlines."""


class _Shortcut(NamedTuple, Generic[Known]):
    """What tells blocks in which the values of their caller, one or two, are the last of all that differ.

    Args:
        shared: what is known of such blocks.
        first: where the first value begins.
        steps: the bytes from a value's beginning to that of the next, but for its own, up to the caller's.
        between: the bytes between the caller's values; None where there is one.
        after: the bytes behind the last value.
        tell: reads the caller's last value.
        tell_first: reads the other one.

    """

    shared: dict[Hashable, Known]
    first: int
    steps: Sequence[int]
    between: int | None
    after: int
    tell: Tell
    tell_first: Tell


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
        at: the places of the values, but those of callers, among the headers, counted from the last.
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
    """Blocks of which each has the same headers of its caller, or none.

    Args:
        told: those.

    """

    told: CallerHeaders

    def read(self, block: bytes) -> Read[Known] | None:
        """Return what a block says; None for one of another kind, or that has to be looked at."""
        known = None if self.shared is None else self.shared.get(block)
        if known is None:
            values = self._values_in(block)
            known = None if values is None else self._vary(block, values)
        return None if known is None else (known, self.told)


@dataclass(frozen=True, slots=True)
class OfCallers(Alike[Known]):
    """Blocks of which each has headers of its caller; what else they say is known for all callers.

    It is found by the block without these headers' values, and where they were cut out: what begins behind
    the same bytes is a value of the same header, whoever calls.

    Args:
        tell: reads these values, by their numbers among all that differ.
        told: the headers of callers that are the same in all of the blocks.

    """

    tell: Mapping[int, Tell]
    told: CallerHeaders
    _shortcut: _Shortcut[Known] | None = field(init=False)

    def __post_init__(self) -> None:
        """Find out whether blocks can be read a shorter way."""
        object.__setattr__(self, "_shortcut", self._find_shortcut())

    def _find_shortcut(self) -> _Shortcut[Known] | None:
        first, *between, after = map(len, self.pieces)
        numbers = [*self.tell]
        are_last = numbers == [*range(len(between) + 1)][-len(numbers) :]
        if self.shared is None or self.told != NONE_OF_CALLER or not are_last:
            return None
        steps = [length + 1 for length in between[: numbers[0]]]
        apart = between[-1] if len(numbers) > 1 else None
        return _Shortcut(
            self.shared, first, steps, apart, after, self.tell[numbers[-1]], self.tell[numbers[0]]
        )

    def read(self, block: bytes) -> Read[Known] | None:
        """Return what a block says; None for one of another kind, or that has to be looked at."""
        shortcut = self._shortcut
        if shortcut is None:
            return self._look(block)
        # Spelled out, as each call of a known caller passes here.
        shared, start, steps, between, after, tell, _ = shortcut
        end = len(block) - after
        for step in steps:
            if start >= end:
                break
            # Where a value is longer, its length is in several bytes: `_look` finds its end.
            start += (block[start] & LONG) + step
        if between is not None:
            return self._recall_two(block, shortcut, start, end) or self._look(block)
        known = shared.get((start, block[:start] + block[end:]) if after else block[:start])
        if known is None or end - start > MAX_TOLD:
            return self._look(block)
        told = tell(block[start:end])
        return None if told is None else (known, told)

    def _recall_two(
        self, block: bytes, shortcut: _Shortcut[Known], start: int, end: int
    ) -> Read[Known] | None:
        """Return what is remembered of a block that has two values of its caller between two places."""
        shared, _, _, between, _, tell, tell_first = shortcut
        middle = end_of_value(block, start)
        if middle is None or between is None:
            return None
        second = middle + between
        known = shared.get((start, start + between, block[:start] + block[middle:second] + block[end:]))
        if known is None or end - start > MAX_TOLD:
            return None
        first, last = tell_first(block[start:middle]), tell(block[second:end])
        return None if first is None or last is None else (known, together(first, last))

    def _look(self, block: bytes) -> Read[Known] | None:
        values = self._values_in(block)
        if values is None:
            return None
        starts, rest, told = [], b"", self.told
        for number, value in enumerate(values):
            rest += self.pieces[number]
            if number not in self.tell:
                rest += value
                continue
            starts.append(len(rest))
            read = self.tell[number](value) if len(value) <= MAX_TOLD else None
            if read is None:
                return None
            told = together(told, read)
        rest += self.pieces[-1]
        # What ends where the only value begins is no whole block: it can't be taken for one.
        key = rest if starts == [len(rest)] else (*starts, rest)
        known = None if self.shared is None else self.shared.get(key)
        if known is None:
            others = [value for number, value in enumerate(values) if number not in self.tell]
            known = self._vary(key, others)
        return None if known is None else (known, told)
