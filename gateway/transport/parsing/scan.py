"""The scan of a large request: cuts it into slices that are quick to parse, and refuses what is too much."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.config.settings import LimitSettings
from gateway.errors import FieldViolation, InvalidArgument, OutOfRange, RowgateError
from gateway.request.rows import too_many_rows
from gateway.transport.parsing.weight import (
    Malformed,
    NestedBound,
    TooManyElements,
    group_end,
    layout_of,
    number_end,
    read_varint,
    weigh,
)

SLICE = 65_536
"""Bytes that are parsed at once, whatever they hold: at most 32,768 elements, in a few milliseconds."""
MEMORY_FACTOR = 2.5
"""A parsed request takes at most so many times `max_request_bytes`, its strings included."""

_LENGTH, _START_GROUP = 2, 3


class RequestScan:
    """Scans requests of one type.

    Args:
        message: the type.
        limits: of bytes, rows and elements.
        rows: the field that holds a bulk method's rows; None where there is none.

    """

    def __init__(self, message: Descriptor, limits: LimitSettings, rows: FieldDescriptor | None) -> None:
        self.fields = {field.number: field for field in message.fields}
        self.rows = rows
        self.limits = limits
        self.max_memory = int(MEMORY_FACTOR * limits.max_request_bytes)
        self.layout = layout_of(message)
        self.nested = {
            number: NestedBound(part.layout)
            for number, part in self.layout.parts.items()
            if part.layout is not None
        }

    def name(self, number: int) -> str:
        """Return what a field is called."""
        field = self.fields.get(number)
        return "an unknown field" if field is None else field.name

    def slices(self, body: bytes) -> Iterator[bytes]:
        """Yield the request in slices of whole fields; each has been found good.

        Parsing one after the other makes the same message as parsing them all: so protobuf is defined.
        Raises Malformed, InvalidArgument for too many rows or elements, OutOfRange for too many bytes.
        """
        try:
            yield from _Scan(self, body).slices()
        except IndexError:
            raise Malformed from None
        except TooManyElements:
            raise _too_many("an unknown field", self.limits.max_row_elements) from None


class _Run(NamedTuple):
    """Fields that follow each other and are alike.

    Args:
        last: where the last of them begins.
        stop: where it ends.
        number: their number.
        times: how many they are.

    """

    last: int
    stop: int
    number: int
    times: int


class _Scan:
    """The scan of one request."""

    def __init__(self, kind: RequestScan, body: bytes) -> None:
        self._kind = kind
        self._body = body
        self._counts: Counter[int] = Counter()
        self._memory = 0
        self._guessed = 0

    def slices(self) -> Iterator[bytes]:
        body, start = self._body, 0
        while start < len(body):
            large, stop, numbers = self._advance(start)
            self._count(numbers)
            self._weigh(start, large, numbers)
            yield body[start:stop]
            start = stop

    def _advance(self, start: int) -> tuple[int, int, Counter[int]]:
        """Return where the slice that begins at `start` ends, and how often it holds each field.

        First of all where its last field begins, if that is a large one: it has been weighed by itself.
        """
        total = len(self._body)
        target = min(start + SLICE, total)
        found: Counter[int] = Counter()
        pos = start
        while pos < target:
            run = self._take(pos, target)
            pos = run.stop
            found[run.number] += run.times
            if pos > total:
                raise Malformed
            if pos - run.last > SLICE:
                self._weigh_large(run, self._counts[run.number] + found[run.number] - 1)
                return run.last, pos, found
        return pos, pos, found

    def _take(self, pos: int, target: int) -> _Run:
        """Return a field, or all that follow each other and are alike."""
        body = self._body
        tag, content = read_varint(body, pos)
        if tag & 7 == _START_GROUP:
            stop = group_end(body, content, tag >> 3, self._kind.limits.max_row_elements)
        elif tag & 7 != _LENGTH:
            stop = number_end(body, content, tag & 7)
        elif content - pos == 1:
            return self._take_all(pos, target, tag)
        else:
            size, content = read_varint(body, content)
            stop = content + size
        return _Run(pos, stop, tag >> 3, 1)

    def _take_all(self, pos: int, target: int, tag: int) -> _Run:
        # The rows of a request are nearly all of it: this is where the time of a scan goes.
        body, count, last = self._body, 0, pos
        while pos < target and body[pos] == tag:
            last = pos
            size = body[pos + 1]
            if size < 128:  # noqa: PLR2004 - the last byte of a varint
                pos += 2 + size
            elif (high := body[pos + 2]) < 128:  # noqa: PLR2004 - as above
                pos += 3 + (size & 127 | high << 7)
            else:
                size, content = read_varint(body, pos + 1)
                pos = content + size
            count += 1
        return _Run(last, pos, tag >> 3, count)

    def _count(self, numbers: Counter[int]) -> None:
        self._counts.update(numbers)
        kind, limits = self._kind, self._kind.limits
        for number in numbers:
            is_rows = kind.rows is not None and number == kind.rows.number
            if self._counts[number] <= (limits.bulk_max_rows if is_rows else limits.max_row_elements):
                continue
            if is_rows:
                raise too_many_rows(kind.name(number), limits.bulk_max_rows)
            raise _too_many(kind.name(number), limits.max_row_elements)

    def _weigh_large(self, run: _Run, index: int) -> None:
        """Weigh a field that is larger than a slice, which is as large as a row may be at most."""
        kind, limits = self._kind, self._kind.limits
        field = kind.fields.get(run.number)
        is_element = field is not None and field.is_repeated
        path = f"{kind.name(run.number)}[{index}]" if is_element else kind.name(run.number)
        size = run.stop - run.last
        if size > limits.max_row_bytes:
            raise _too_large(path, size, limits.max_row_bytes)
        try:
            self._add(weigh(self._body, kind.layout, run.last, run.stop, limits.max_row_elements))
        except TooManyElements:
            raise _too_many(path, limits.max_row_elements) from None

    def _weigh(self, start: int, stop: int, numbers: Counter[int]) -> None:
        """Add what a slice takes: a bound of it, as long as those sum up to little, else its weight."""
        kind = self._kind
        bound = self._bound(start, stop, numbers)
        if self._guessed + bound <= kind.max_memory // 4:
            self._guessed += bound
            self._add(stop - start + bound)
        else:
            self._add(weigh(self._body, kind.layout, start, stop, stop - start))

    def _add(self, memory: int) -> None:
        self._memory += memory
        limit = self._kind.max_memory
        if self._memory > limit:
            raise InvalidArgument(
                f"the request would take more than {limit} bytes of memory: "
                "send fewer rows, or fewer elements in their lists, maps and messages",
                reason="TOO_MANY_ELEMENTS",
                metadata={"limit_bytes": str(limit)},
            )

    def _bound(self, start: int, stop: int, numbers: Counter[int]) -> int:
        kind, bound = self._kind, 0
        for number, times in numbers.items():
            part, below = kind.layout.parts.get(number), kind.nested.get(number)
            if below is not None:
                bound += below(self._body, start, stop)
            if part is not None:
                bound += part.cost * times + part.packed_cost * (stop - start)
        return bound


def _too_many(path: str, most: int) -> RowgateError:
    return InvalidArgument(
        f"{path}: has more than {most} elements in its lists, maps and messages",
        reason="TOO_MANY_ELEMENTS",
        metadata={"limit": str(most)},
        violations=[FieldViolation(path, f"has more than {most} elements", "TOO_MANY_ELEMENTS")],
    )


def _too_large(path: str, size: int, limit: int) -> RowgateError:
    text = f"has {size} bytes, more than the limit of {limit}"
    return OutOfRange(
        f"{path}: {text}",
        reason="ROW_TOO_LARGE",
        metadata={"size_bytes": str(size), "limit_bytes": str(limit)},
        violations=[FieldViolation(path, text, "ROW_TOO_LARGE")],
    )
