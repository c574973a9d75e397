"""The rows that are kept, in the order in which they were asked for last."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from sys import getsizeof
from time import monotonic
from typing import Any, NamedTuple

from gateway.request.calls.log_position import ANYWHERE, LogPosition

Row = Sequence[Any]
_SLOTS = 4096
_ENTRY_BYTES = 400


class Kept(NamedTuple):
    """A row that is kept.

    Args:
        row: the driver's.
        position: of the log, which the row has.
        until: when its time is over, by the cache's clock.
        size: about how many bytes it takes.

    """

    row: Row
    position: LogPosition
    until: float
    size: int


class _Key(NamedTuple):
    """How a row is found.

    Args:
        table: `schema.table`.
        changes: of the table that were heard of before it was read.
        row: its identity.
        how: the statement that read it, with its arguments.

    """

    table: str
    changes: int
    row: Hashable
    how: Hashable


class Stamp(NamedTuple):
    """Changes of a table, and of a row there, that were heard of; rows share counters."""

    table: int
    row: int


@dataclass(slots=True)
class CacheCounts:
    """What became of reads, and of rows, by table.

    Args:
        hits: reads that a row was kept for.
        misses: others that might have been.
        dropped: rows that had to give way to others.

    """

    hits: Counter[str] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)
    dropped: int = 0


class RowCache:
    """Keeps rows by table, identity and statement with its arguments: so none is another caller's.

    Args:
        max_bytes: of all rows, about.
        clock: seconds.

    """

    def __init__(self, max_bytes: int, clock: Callable[[], float] = monotonic) -> None:
        self.counts = CacheCounts()
        self.bytes = 0
        self._max_bytes = max_bytes
        self._clock = clock
        self._rows: OrderedDict[_Key, Kept] = OrderedDict()
        self._of_row: dict[tuple[str, Hashable], set[_Key]] = {}
        self._changes: Counter[str] = Counter()
        self._row_changes = [0] * _SLOTS

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, table: str, row: Hashable, how: Hashable, needed: LogPosition) -> Row | None:
        """Return a row that has a position; None where none is kept."""
        key = _Key(table, self._changes[table], row, how)
        kept = self._rows.get(key)
        if kept is not None and kept.until <= self._clock():
            self._drop(key)
            kept = None
        if kept is None or not (needed == ANYWHERE or kept.position.holds(needed)):
            self.counts.misses[table] += 1
            return None
        self._rows.move_to_end(key)
        self.counts.hits[table] += 1
        return kept.row

    def stamp(self, table: str, row: Hashable) -> Stamp:
        """Return what `put` compares with: to be asked before the row is read."""
        return Stamp(self._changes[table], self._row_changes[_slot(table, row)])

    def put(
        self,
        table: str,
        row: Hashable,
        how: Hashable,
        read: Row,
        position: LogPosition,
        *,
        seconds: float,
        stamp: Stamp,
    ) -> None:
        """Keep a row, unless it was changed since its stamp."""
        if stamp != self.stamp(table, row):
            return
        key = _Key(table, stamp.table, row, how)
        self._drop(key)
        size = _ENTRY_BYTES + getsizeof(read) + sum(map(getsizeof, read))
        self._rows[key] = Kept(read, position, self._clock() + seconds, size)
        self._of_row.setdefault((table, row), set()).add(key)
        self.bytes += size
        while self.bytes > self._max_bytes:
            self.counts.dropped += 1
            self._drop(next(iter(self._rows)))

    def changed(self, table: str, row: Hashable) -> None:
        """Forget a row, however it was read, and what is being read of it now."""
        self._row_changes[_slot(table, row)] += 1
        for key in tuple(self._of_row.get((table, row), ())):
            self._drop(key)

    def all_changed(self, table: str) -> None:
        """Forget all rows of a table. They go when others need their place, or their time is over."""
        self._changes[table] += 1

    def _drop(self, key: _Key) -> None:
        kept = self._rows.pop(key, None)
        if kept is None:
            return
        self.bytes -= kept.size
        keys = self._of_row[key.table, key.row]
        keys.discard(key)
        if not keys:
            del self._of_row[key.table, key.row]


def _slot(table: str, row: Hashable) -> int:
    return hash((table, row)) % _SLOTS
