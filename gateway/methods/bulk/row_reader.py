"""The rows of a request, chunk by chunk: checked, without their duplicates, as columns of driver values."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any

from google.protobuf.message import Message

from gateway.db.bulk.copy_format import SLICE, Chunk
from gateway.db.bulk.merge import numbered_by_postgresql, repeated_key
from gateway.db.bulk.outcomes import Outcome, Outcomes
from gateway.errors import FieldViolation, InvalidArgument
from gateway.methods.bulk.column_readers import Column, ColumnReader
from gateway.methods.event_loop_turns import Turns, are_slow
from gateway.request.relations.trees import held_relations, not_written, relation_fields
from gateway.request.rows import MAX_VIOLATIONS, not_allowed, unwritable_fields
from gateway.request.unreadable import ERASED, erased_reader
from gateway.request.validation import broken_rules, concerns_row, rules_of
from gateway.schema.identity import identity_of
from gateway.schema.model import Field
from gateway.schema.unknown_fields import UNKNOWN_FIELD, has_unknown, unknown_numbers
from gateway.schema.values import InvalidValueError, ValueKind
from gateway.sql.bulk.shape import BulkShape

UNWRITABLE = InvalidValueError("holds characters that the database's encoding lacks", "INVALID_TEXT")
KEYS_SLICE = 1_000
"""Keys that are read before others get their turn."""
SLICE_BYTES = 1024 * 1024
"""Bytes of rows that are read, or encoded, before others get their turn."""
SLOW_SLICE_BYTES = 16 * 1024
"""The same for rows with documents, lists or decimals, whose elements or digits are converted one by one."""
FIRST_CHUNK = 10_000
LARGEST_CHUNK = 48_000
GROWTH = 4
"""While PostgreSQL writes a chunk the next one is read; the first is staged while it is read. Few chunks are
best, for a small table is hashed anew for each; PostgreSQL takes about four times as long to write a row as
it takes to read one. A rest that is hardly longer than a chunk belongs to it."""

Keys = dict[int, Column]
"""The columns of the key by their place among those that are staged."""
Lacking = Callable[[Iterable[str]], Awaitable[frozenset[str]]]


class RowReader:
    """Reads rows for one shape.

    Args:
        shape: what is written.
        path: the request's field that holds the rows.

    """

    def __init__(self, shape: BulkShape, path: str) -> None:
        self._readers = [ColumnReader(field) for field in shape.staged]
        self._keys = [i for i, field in enumerate(shape.staged) if field.column in shape.target]
        numbers = (i for i, field in enumerate(shape.staged) if field.column in shape.always)
        self._refused = [i for i in numbers if i not in self._keys]
        self._table = shape.resource.table
        self._finds_duplicates = shape.compares_in_python
        self._whole = shape.refers_to_itself or not shape.compares_in_python
        self._slice_bytes = SLOW_SLICE_BYTES if _are_slow(shape.staged) else SLICE_BYTES
        self._path = path
        self._erased = erased_reader(shape.resource)
        self._unwritable = shape.resource.unwritable
        self._relations = relation_fields(shape.resource)
        self._rules = rules_of(shape.resource.message)
        self._concerns_row = concerns_row(shape.resource)

    async def keys(self, rows: Sequence[Message], tally: Outcomes, *, last_wins: bool) -> Keys:
        """Return the columns of the key; settle in `tally` rows whose key is wrong, or another one's."""
        keys: Keys = {i: [] for i in self._keys}
        identities: list[Column] = [[] for _ in self._keys]
        for start in range(0, len(rows), KEYS_SLICE):
            part = rows[start : start + KEYS_SLICE]
            for i, column in zip(self._keys, identities, strict=True):
                reader = self._readers[i]
                values, errors = reader.read(part)
                keys[i] += values
                column.extend(_identities(reader.field, values))
                self._note(
                    tally, reader.field.name, {start + place: error for place, error in errors.items()}
                )
            await asyncio.sleep(0)
        if self._finds_duplicates:
            await _settle_duplicates(identities, tally, last_wins=last_wins)
        return keys

    async def slices(
        self, rows: Sequence[Message], keys: Keys, tally: Outcomes, places: range | None = None
    ) -> AsyncGenerator[Chunk]:
        """Yield the open rows in small parts; those that are found wrong are settled in `tally`."""
        places = places or range(len(rows))
        turns = Turns()
        for part in self._slices_of(rows, places):
            chunk = self._slice(rows, keys, tally, tally.open(part))
            await turns.give()
            yield chunk
            await asyncio.sleep(0)

    async def refuse_unwritable(
        self, rows: Sequence[Message], keys: Keys, tally: Outcomes, lacking: Lacking
    ) -> None:
        """Settle in `tally` the open rows with texts that the database's encoding can't hold.

        Args:
            rows: the rows.
            keys: the columns of the key; those that can't be written are None afterwards.
            tally: where failures go.
            lacking: returns those of some characters that the encoding lacks.

        """
        async for chunk in self.slices(rows, keys, tally):
            lacks = await lacking({c for column in chunk.columns for c in _unusual("".join(_texts(column)))})
            if not lacks:
                continue
            for i, column in enumerate(chunk.columns):
                errors = {
                    index: UNWRITABLE
                    for index, value in zip(chunk.indexes, column, strict=True)
                    if not lacks.isdisjoint("".join(_texts([value])))
                }
                self._note(tally, self._readers[i].field.name, errors)
                if i in keys:
                    for index in errors:
                        keys[i][index] = None

    def chunks(self, rows: Sequence[Message], keys: Keys, tally: Outcomes) -> Iterator[AsyncGenerator[Chunk]]:
        """Return the open rows in chunks that grow, each of them in slices as above."""
        return (self.slices(rows, keys, tally, places) for places in self._parts(len(rows)))

    async def whole(self, rows: Sequence[Message], keys: Keys, tally: Outcomes) -> Chunk:
        """Return the open rows; those that are found wrong are settled in `tally`."""
        indexes: list[int] = []
        columns: list[Column] = [[] for _ in self._readers]
        async for part in self.slices(rows, keys, tally):
            indexes += part.indexes
            for column, values in zip(columns, part.columns, strict=True):
                column.extend(values)
        return Chunk(indexes, columns)

    def _parts(self, count: int) -> Iterator[range]:
        start, size = 0, count if self._whole else FIRST_CHUNK
        while start < count:
            stop = count if count - start < 2 * size else start + size
            yield range(start, stop)
            start, size = stop, min(GROWTH * size, LARGEST_CHUNK)

    def _slices_of(self, rows: Sequence[Message], places: range) -> Iterator[range]:
        start, size = places.start, 0
        for place in places:
            size += rows[place].ByteSize()
            if place - start == SLICE - 1 or size >= self._slice_bytes:
                yield range(start, place + 1)
                start, size = place + 1, 0
        if start < places.stop:
            yield range(start, places.stop)

    def _slice(self, rows: Sequence[Message], keys: Keys, tally: Outcomes, indexes: list[int]) -> Chunk:
        messages = [rows[index] for index in indexes]
        self._note_unknown(tally, indexes, messages)
        self._note_erased(tally, indexes, messages)
        self._note_unwritable(tally, indexes, messages)
        self._note_held(tally, indexes, messages)
        self._note_broken_rules(tally, indexes, messages)
        columns: list[Column] = []
        for i, reader in enumerate(self._readers):
            if i in keys:
                known = keys[i]
                columns.append([known[index] for index in indexes])
                continue
            values, errors = reader.read(messages)
            columns.append(values)
            self._note(tally, reader.field.name, {indexes[place]: error for place, error in errors.items()})
        self._refuse_numbers(tally, indexes, columns)
        return _without_refused(indexes, columns, tally)

    def _refuse_numbers(self, tally: Outcomes, indexes: list[int], columns: list[Column]) -> None:
        for i in self._refused:
            error = numbered_by_postgresql(self._readers[i].field.column, self._table)
            for index, number in zip(indexes, columns[i], strict=True):
                if number is not None:
                    tally.fail(index, error)

    def _note_unknown(self, tally: Outcomes, indexes: list[int], messages: list[Message]) -> None:
        for index, message in zip(indexes, messages, strict=True):
            if has_unknown(message):
                for number in unknown_numbers(message)[:MAX_VIOLATIONS]:
                    self._note(tally, str(number), {index: UNKNOWN_FIELD})

    def _note_erased(self, tally: Outcomes, indexes: list[int], messages: list[Message]) -> None:
        if self._erased is None:
            return
        for index, message in zip(indexes, messages, strict=True):
            for name in sorted(self._erased(message, ""))[:MAX_VIOLATIONS]:
                self._note(tally, name, {index: ERASED})

    def _note_unwritable(self, tally: Outcomes, indexes: list[int], messages: list[Message]) -> None:
        if not self._unwritable:
            return
        for index, message in zip(indexes, messages, strict=True):
            for name in unwritable_fields(message, self._unwritable)[:1]:
                tally.fail(index, not_allowed(f"{self._path}[{index}].{name}"))

    def _note_held(self, tally: Outcomes, indexes: list[int], messages: list[Message]) -> None:
        if not self._relations:
            return
        for index, message in zip(indexes, messages, strict=True):
            for name in held_relations(message, self._relations):
                tally.fail(index, not_written(f"{self._path}[{index}].{name}"))
                break

    def _note_broken_rules(self, tally: Outcomes, indexes: list[int], messages: list[Message]) -> None:
        if self._rules is None:
            return
        for index, message in zip(indexes, messages, strict=True):
            try:
                found = self._rules.broken(message, f"{self._path}[{index}]")
            except InvalidArgument as error:
                tally.fail(index, error)
                continue
            broken = [one for one in found if not one.fields or self._concerns_row(one.fields[0])]
            if broken:
                tally.fail(index, broken_rules(broken))

    def _note(self, tally: Outcomes, name: str, errors: dict[int, InvalidValueError]) -> None:
        for index, error in errors.items():
            path = f"{self._path}[{index}].{name}"
            violation = FieldViolation(path, error.description, error.reason)
            earlier = tally.failures.get(index)
            known = earlier.violations if earlier else ()
            reason = earlier.reason if earlier else error.reason
            message = f"{name}: {error.description}" if earlier is None else "several fields are wrong"
            tally.failures[index] = InvalidArgument(message, reason=reason, violations=[*known, violation])
            tally.settle([index], Outcome.FAILED)


def _without_refused(indexes: list[int], columns: list[Column], tally: Outcomes) -> Chunk:
    """Return the chunk without the rows that were refused while it was read."""
    good = tally.open(indexes)
    if len(good) == len(indexes):
        return Chunk(indexes, columns)
    outcomes = tally.outcomes
    places = [place for place, index in enumerate(indexes) if not outcomes[index]]
    return Chunk(good, [[column[place] for place in places] for column in columns])


def _texts(column: Sequence[Any]) -> Iterator[str]:
    for value in column:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from _texts(value)


def _unusual(text: str) -> set[str]:
    """Return the characters of a text that not every encoding has."""
    return set() if text.isascii() else {character for character in set(text) if not character.isascii()}


def _are_slow(fields: Sequence[Field]) -> bool:
    return are_slow(fields) or any(field.type.kind is ValueKind.DECIMAL for field in fields)


def _identities(field: Field, values: Column) -> Column:
    """Return values that are equal where those of a key are, and whose hashes nobody can choose."""
    identity = identity_of(field.type)
    return values if identity is None else [None if value is None else identity(value) for value in values]


async def _settle_duplicates(columns: Sequence[Column], tally: Outcomes, *, last_wins: bool) -> None:
    """Leave one row of each key open. A row without a whole key is nobody's duplicate."""
    tuples: Sequence[Any] = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
    if len(set(tuples)) == len(tuples):
        return
    whole = len(columns) > 1
    seen: dict[Any, int] = {}
    turns, error = Turns(), repeated_key()
    for index in tally.open(range(len(tuples))):
        await turns.give()
        key = tuples[index]
        if (None in key) if whole else (key is None):
            continue
        if key in seen and not last_wins:
            tally.fail(index, error)
            continue
        if key in seen:
            tally.settle([seen[key]], Outcome.SUPERSEDED)
        seen[key] = index
