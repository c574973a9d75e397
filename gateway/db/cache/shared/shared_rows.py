"""Rows that gateways keep together: how a process looks for them, keeps them, and tells of changes."""

import os
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from math import inf
from time import monotonic, time
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.db.cache.row_cache import Found, Way
from gateway.db.cache.shared.access import StoreAccess
from gateway.db.cache.shared.connection import CONNECT_SECONDS, Command, StoreConnection
from gateway.db.cache.shared.link import StoreLink
from gateway.db.cache.shared.scripts import FILL, LOOK, TELL
from gateway.db.cache.shared.sealed_rows import Place, RowSeal, Sealed
from gateway.db.cache.shared.told_changes import ToldChange, ToldChanges
from gateway.db.cache.shared.values import pack, unpack
from gateway.request.calls.log_position import UNTOLD, LogPosition
from gateway.sql.statement import Statement

if TYPE_CHECKING:
    from asyncio import Future

_ROW_MS = 10_000
"""For so long a row that was looked for may be kept, once it was read."""
_TABLE_MS = 86_400_000
_MOST_BYTES = 1 << 16
"""A larger row isn't shared: others would wait for it."""
_UNKNOWN = b"9" * 30
_SHAPES = 4096


class Sought(NamedTuple):
    """What was found of a row.

    Args:
        place: where.
        versions: of its table and of the row, which they must still have when it is kept.
        found: the row; None where it isn't kept.

    """

    place: Place
    versions: tuple[bytes, bytes]
    found: Found | None


@dataclass(slots=True)
class SharedCounts:
    """What became of reads that looked there, and of rows.

    Args:
        hits: reads that were answered so, by table.
        misses: others, by table.
        filled: rows that were kept.
        refused: rows that weren't, as they may have been changed meanwhile.

    """

    hits: Counter[str] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)
    filled: int = 0
    refused: int = 0


class SharedRows:
    """Rows in a store, which may fail, forget and be written by others at any time.

    Args:
        access: to the store.
        timeout: the longest wait for its answer, in seconds.
        seconds: how long rows are kept, by table.
        told: writes what others are told.

    """

    def __init__(
        self,
        access: StoreAccess,
        timeout: float,
        seconds: Mapping[str, float],
        told: ToldChanges,
    ) -> None:
        self.counts = SharedCounts()
        self.link = StoreLink(access.name, access.connect, timeout, self._settle)
        self._make_seal = access.make_seal
        self._seconds = seconds
        self._told = told
        self._seal: RowSeal | None = None
        self._shapes: dict[str, tuple[str, ...]] = {}
        self._untold: set[str] = set()
        """Tables of which the store doesn't know all changes of this process."""

    async def find(self, way: Way, statement: Statement) -> Sought | None:
        """Return what is found of a row; None where the store doesn't answer, or can't keep it."""
        connection = self.link.connection
        place = None if connection is None else self._place(way, statement)
        if connection is None or place is None:
            return None
        look = connection.run(LOOK, (place.row, place.table), place.how, _version(), _ROW_MS, _TABLE_MS)
        match await self.link.ask(look):
            case [bytes(table), bytes(row), None]:
                return Sought(place, (table, row), None)
            case [bytes(table), bytes(row), bytes(data)]:
                return Sought(place, (table, row), self._opened(place, data, self._seconds[way.table]))
        return None

    def fill(self, sought: Sought, found: Found, *, of_replica: bool) -> "Future[Any] | None":
        """Keep a row that was looked for; return what ends when that is done.

        Args:
            sought: what was found of it before it was read.
            found: as it was read.
            of_replica: whether it may lack changes that were told before.

        """
        connection, seal, left = self.link.connection, self._seal, found.until - monotonic()
        values = pack(found.row)
        if connection is None or seal is None or values is None or len(values) > _MOST_BYTES or left <= 0:
            return None
        place, milliseconds = sought.place, int(left * 1000)
        sealed = seal.seal(place, Sealed(_now() + milliseconds, found.position, values))
        position = _text(found.position) if of_replica else b""
        given = (*sought.versions, place.how, sealed, milliseconds, position)
        filled = self.link.ask(connection.run(FILL, (place.row, place.table), *given))
        filled.add_done_callback(self._count)
        return filled

    def changed(self, table: str, row: Hashable, position: LogPosition | None) -> "Future[Any] | None":
        """Tell of the change of a row; return what ends when that is done: None where it can't be told now.

        Args:
            table: its table.
            row: its identity.
            position: of the log after the change; None where that isn't known.

        """
        packed = pack((row,))
        if packed is None:
            return self.all_changed(table, position)
        return self._tell(ToldChange(table, row, position), lambda seal: seal.row(table, packed))

    def all_changed(self, table: str, position: LogPosition | None) -> "Future[Any] | None":
        """Tell of changes of any rows of a table: see `changed`."""
        return self._tell(ToldChange(table, None, position), lambda seal: seal.table(table))

    def _tell(self, change: ToldChange, name: Callable[[RowSeal], bytes]) -> "Future[Any] | None":
        connection, seal = self.link.connection, self._seal
        if connection is None or seal is None:
            self._untold.add(change.table)
            return None
        told = self.link.ask(self._telling(connection, seal, name(seal), change))
        told.add_done_callback(lambda done: self._note(change.table, done))
        return told

    def _telling(self, connection: StoreConnection, seal: RowSeal, key: bytes, change: ToldChange) -> Command:
        milliseconds, message = int(self._seconds[change.table] * 1000), self._told.write(seal, change)
        given = (_version(), _change(change.position), milliseconds, seal.channel, message)
        return connection.run(TELL, (key,), *given)

    async def _settle(self, connection: StoreConnection) -> None:
        """Tell of what couldn't be told before; raises one of LOST."""
        seal = self._seal = self._make_seal(connection.server)
        while self._untold:
            tables, self._untold = self._untold, set()
            tell = [
                self._telling(connection, seal, seal.table(one), ToldChange(one, None, None))
                for one in tables
            ]
            try:
                await connection.exchange(tell, CONNECT_SECONDS)
            except BaseException:
                self._untold |= tables
                raise

    def _note(self, table: str, told: "Future[Any]") -> None:
        if told.cancelled() or told.result() is None:
            self._untold.add(table)

    def _count(self, filled: "Future[Any]") -> None:
        if not filled.cancelled() and filled.result() is not None:
            self.counts.filled += filled.result() == 1
            self.counts.refused += filled.result() == 0

    def _place(self, way: Way, statement: Statement) -> Place | None:
        """Return where a row is kept; None of one that can't be named."""
        row, how = pack((way.row,)), pack((self._shape(statement), way.how))
        if row is None or how is None or self._seal is None:
            return None
        return Place(self._seal.row(way.table, row), self._seal.table(way.table), self._seal.how(how))

    def _shape(self, statement: Statement) -> tuple[str, ...]:
        """Return what values a statement's rows have; gateways of several schemas may share its text."""
        found = self._shapes.get(statement.text)
        if found is None:
            if len(self._shapes) >= _SHAPES:
                self._shapes.clear()
            shape = tuple(f"{one.name} {one.type.sql}" for one in statement.fields)
            found = self._shapes[statement.text] = shape
        return found

    def _opened(self, place: Place, data: bytes, seconds: float) -> Found | None:
        """Return a row that was kept; None of one that was altered, or whose time is over."""
        sealed = None if self._seal is None else self._seal.open(place, data)
        left = 0 if sealed is None else min((sealed.until - _now()) / 1000, seconds)
        if sealed is None or left <= 0:
            return None
        return Found(unpack(sealed.values), sealed.position, -inf, monotonic() + left)


def _version() -> bytes:
    return os.urandom(12)


def _now() -> int:
    """Return milliseconds since 1970: gateways on several machines have no other clock in common."""
    return int(time() * 1000)


def _change(position: LogPosition | None) -> bytes:
    """Return a change's position as text; where that isn't known it is after all others."""
    return _UNKNOWN if position is None or position == UNTOLD else _text(position)


def _text(position: LogPosition) -> bytes:
    """Return a position as text that compares as positions do; one of a later timeline is later."""
    return b"%010d%020d" % (position.timeline, position.lsn)
