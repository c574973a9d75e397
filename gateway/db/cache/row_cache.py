"""The rows that are kept, in the order in which they were asked for last."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from math import inf
from sys import getsizeof
from time import monotonic
from typing import Any, NamedTuple

from gateway.request.calls.log_position import UNTOLD, LogPosition

Row = Sequence[Any]
_SLOTS = 4096
_ENTRY_BYTES = 400


class Way(NamedTuple):
    """How a row is found.

    Args:
        table: `schema.table`.
        row: its identity.
        how: the statement that reads it, with its arguments.

    """

    table: str
    row: Hashable
    how: Hashable


class Stamp(NamedTuple):
    """Changes that were heard of before a row was read; rows share counters.

    Args:
        table: of its table.
        row: of the row.
        at: when it was asked for, by the cache's clock.

    """

    table: int
    row: int
    at: float


class Found(NamedTuple):
    """A row as it was read.

    Args:
        row: the driver's.
        position: of the log, which the row has.
        current_at: when the primary had it so; -inf where that isn't known, as others read it.
        until: when its time is over.

    """

    row: Row
    position: LogPosition
    current_at: float
    until: float


class Kept(NamedTuple):
    """A row that is kept.

    Args:
        found: as it was read.
        at: when it was kept.
        size: about how many bytes it takes.

    """

    found: Found
    at: float
    size: int


class _Change(NamedTuple):
    """The last change that was heard of.

    Args:
        at: when.
        position: of the log after it; None where that isn't known.

    """

    at: float
    position: LogPosition | None


_NEVER = _Change(-inf, None)


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
        self._rows: OrderedDict[tuple[int, Way], Kept] = OrderedDict()
        self._of_row: dict[tuple[str, Hashable], set[tuple[int, Way]]] = {}
        self._changes: Counter[str] = Counter()
        self._row_changes = [0] * _SLOTS
        self._last_changes: dict[str, _Change] = {}
        self._last_row_changes = [_NEVER] * _SLOTS

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, way: Way, fits: Callable[[Kept], bool]) -> Row | None:
        """Return a row that fits; None where none is kept."""
        key = (self._changes[way.table], way)
        kept = self._rows.get(key)
        if kept is not None and kept.found.until <= self._clock():
            self._drop(key)
            kept = None
        if kept is None or not fits(kept):
            self.counts.misses[way.table] += 1
            return None
        self._rows.move_to_end(key)
        self.counts.hits[way.table] += 1
        return kept.found.row

    def stamp(self, way: Way) -> Stamp:
        """Return what `put` compares with: to be asked before the row is read."""
        return Stamp(self._changes[way.table], self._row_changes[_slot(way.table, way.row)], self._clock())

    def put(self, way: Way, found: Found, stamp: Stamp) -> bool:
        """Keep a row, unless it was changed since its stamp; return whether it is kept.

        One that isn't known to be of the primary may be older than a change that was heard of before.
        """
        if stamp[:2] != self.stamp(way)[:2] or (found.current_at == -inf and self._may_lack(way, found)):
            return False
        key = (stamp.table, way)
        self._drop(key)
        size = _ENTRY_BYTES + getsizeof(found.row) + sum(map(getsizeof, found.row))
        self._rows[key] = Kept(found, self._clock(), size)
        self._of_row.setdefault((way.table, way.row), set()).add(key)
        self.bytes += size
        while self.bytes > self._max_bytes:
            self.counts.dropped += 1
            self._drop(next(iter(self._rows)))
        return True

    def changed(self, table: str, row: Hashable, position: LogPosition | None) -> None:
        """Forget a row, however it was read, and what is being read of it now.

        Args:
            table: its table.
            row: its identity.
            position: of the log after the change; None where that isn't known.

        """
        slot = _slot(table, row)
        self._row_changes[slot] += 1
        self._last_row_changes[slot] = self._later(self._last_row_changes[slot], position)
        for key in tuple(self._of_row.get((table, row), ())):
            self._drop(key)

    def all_changed(self, table: str, position: LogPosition | None) -> None:
        """Forget all rows of a table. They go when others need their place, or their time is over."""
        self.forget(table)
        self._last_changes[table] = self._later(self._last_changes.get(table, _NEVER), position)

    def forget(self, table: str) -> None:
        """Forget all rows of a table, and what is being read of them: changes may not have been heard of."""
        self._changes[table] += 1

    def _later(self, last: _Change, position: LogPosition | None) -> _Change:
        """Return the last change, of which a row has to have the later position."""
        if position is not None and last.position is not None and last.position.holds(position):
            position = last.position
        return _Change(self._clock(), None if position == UNTOLD else position)

    def _may_lack(self, way: Way, found: Found) -> bool:
        """Whether a row may lack a change that was heard of, and be asked for when its time were over."""
        last = (
            self._last_changes.get(way.table, _NEVER),
            self._last_row_changes[_slot(way.table, way.row)],
        )
        seconds = found.until - self._clock()
        return any(
            self._clock() - change.at < seconds
            and not (change.position is not None and found.position.holds(change.position))
            for change in last
        )

    def _drop(self, key: tuple[int, Way]) -> None:
        kept = self._rows.pop(key, None)
        if kept is None:
            return
        self.bytes -= kept.size
        row = key[1][:2]
        keys = self._of_row[row]
        keys.discard(key)
        if not keys:
            del self._of_row[row]


def _slot(table: str, row: Hashable) -> int:
    return hash((table, row)) % _SLOTS
