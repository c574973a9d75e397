"""Columns of driver values → rows in the binary format of COPY.

The driver's own way takes rows, encodes half a megabyte of them and then waits until PostgreSQL has read it,
so that one idles while the other works. Here rows are made in small parts, as fast as there, and PostgreSQL
reads each part while the next one is made.

https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format": a row is the number of its columns,
then each value behind its length, which is -1 for NULL.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, repeat
from typing import Any

from gateway.db.bulk.binary_values import Wire, wire_of
from gateway.schema.model import Field
from gateway.sql.bulk.shape import may_be_unset

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
SLICE = 250
"""Rows that are read or encoded before others get their turn: other calls, and the statement under way."""

Column = Sequence[Any]
_NULL = b"\xff\xff\xff\xff"
_packer = lru_cache(1024)(struct.Struct)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows, column by column.

    Args:
        indexes: their places in the request, ascending.
        columns: the driver values of each staged field, in the fields' order.

    """

    indexes: Sequence[int]
    columns: Sequence[Column]

    def parts(self) -> Iterator["Chunk"]:
        """Return the rows in parts, none of which keeps other calls from their turn for long."""
        for start in range(0, len(self.indexes), SLICE):
            part = slice(start, start + SLICE)
            yield Chunk(self.indexes[part], [column[part] for column in self.columns])


class CopyRows:
    """Encodes rows of some fields, behind columns of integers that are the caller's.

    Args:
        fields: the fields.
        codes: `struct`'s formats of the integers' columns.

    """

    def __init__(self, fields: Sequence[Field], codes: Sequence[str]) -> None:
        self._codes = codes
        wires = [wire_of(field) for field in fields]
        # Values of one size first: those that follow each other are packed together.
        places = range(len(fields))
        order = sorted(places, key=lambda place: (not wires[place].code, may_be_unset(fields[place])))
        self.names = [fields[place].column for place in order]
        """The fields' columns, in the order of the rows."""
        self._wires = [(place, wires[place]) for place in order]
        self._count = len(codes) + len(fields)

    def encode(self, integers: Sequence[Iterable[int]], columns: Sequence[Column], count: int) -> bytes:
        """Return `count` rows; the columns are in the order of the fields."""
        tracks: list[list[bytes]] = []
        run = _Run("h", [repeat(self._count)])
        for code, values in zip(self._codes, integers, strict=True):
            run.add(code, values)
        for place, wire in self._wires:
            column = columns[place]
            if not wire.code:
                bodies, lengths = _bodies(wire, column)
                run.add_lengths(lengths)
                tracks += [run.pack(), bodies]
            elif None in column:
                tracks += [run.pack(), _with_nulls(wire, column)] if run.args else [_with_nulls(wire, column)]
            else:
                run.add(wire.code, chain.from_iterable(column) if wire.wrapped else column)
                continue
            run = _Run()
        return _interleaved([*tracks, run.pack()] if run.args else tracks, count)


class _Run:
    """Values of fixed size that follow each other in a row, packed together."""

    def __init__(self, code: str = "", args: Iterable[Iterable[Any]] = ()) -> None:
        self.args = list(args)
        self._code = code

    def add(self, code: str, values: Iterable[Any]) -> None:
        self._code += f"i{code}"
        self.args += [repeat(struct.calcsize(f">{code}")), values]

    def add_lengths(self, lengths: Iterable[int]) -> None:
        """Add the lengths of the values that follow the run."""
        self._code += "i"
        self.args.append(lengths)

    def pack(self) -> list[bytes]:
        return list(map(_packer(f">{self._code}").pack, *self.args))


def _bodies(wire: Wire, column: Column) -> tuple[list[bytes], list[int]]:
    body = wire.body
    if None not in column:
        bodies = list(map(body, column))
        return bodies, list(map(len, bodies))
    bodies = [b"" if value is None else body(value) for value in column]
    return bodies, [-1 if value is None else len(one) for value, one in zip(column, bodies, strict=True)]


def _with_nulls(wire: Wire, column: Column) -> list[bytes]:
    """Return values of one size, each behind its length."""
    packer = _packer(f">i{wire.code}")
    size, pack = packer.size - len(_NULL), packer.pack
    if wire.wrapped:
        return [_NULL if value is None else pack(size, value[0]) for value in column]
    return [_NULL if value is None else pack(size, value) for value in column]


def _interleaved(tracks: Sequence[list[bytes]], count: int) -> bytes:
    step = len(tracks)
    parts = [b""] * (count * step)
    for place, track in enumerate(tracks):
        parts[place::step] = track
    return b"".join(parts)
