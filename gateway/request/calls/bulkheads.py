"""Bulkheads: one table, connection or kind of method holds its share of a common limit at most."""

from collections import Counter
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.schema.model import Method

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """A kind of method on a table. Told apart by identity: there is one object for each method.

    Args:
        table: the table's name; empty where there is none.
        kind: the kind of method; empty where it is none of the schema's.
        at_clients_pace: whether its calls last as long as their clients like, a connection with them.

    """

    table: str = ""
    kind: str = ""
    at_clients_pace: bool = False

    @classmethod
    def of(cls, method: Method) -> "Operation":
        """Return what a method does."""
        streams_rows = method.descriptor.server_streaming and not method.descriptor.client_streaming
        return cls(method.table_name, method.kind_name, streams_rows or method.kind_name == "SESSION")


CALLER, _KIND = "caller", "kind of method"
UNKNOWN = Operation()
"""What is bound to no method: it counts against the limit alone."""


def share_of(limit: int) -> int:
    """Return the most that one table may hold: about five eighths.

    It is less than a kind's share, so that a table that is locked leaves something to others of its kind.
    """
    return limit - limit // 4 - limit // 8


def share_of_connection(limit: int) -> int:
    """Return the most that one connection may hold of what others are refused for: about a half.

    It is less than a table's share, so that a caller that asks for all there is leaves something to others of
    the same table. Below eight there is no eighth that could be left.
    """
    return share_of(limit) - limit // 8


def share_of_kind(limit: int) -> int:
    """Return the most that one kind of method may hold: all but the last quarter.

    A limit below four has no quarter that could be kept: there it is the whole limit.
    """
    return limit - limit // 4


class Bulkheads(Generic[T]):
    """The holders of a limit's places, and who of them holds a share of it. The limit is the owner's to keep.

    No share can be full before as many places are held in all. So holders are counted by table, connection
    and kind from there on only, and below it one costs a place in a set.

    Args:
        limit: the places.
        owner: returns a holder's operation and connection.
        connection_share: the most that a connection may hold; as many as a table by default, which will do
            where those who wait for a place take turns by connection.

    """

    __slots__ = (
        *("_connections", "_counts", "_holders", "_kinds", "_owner", "_tables"),
        *("connection_share", "holders", "kind_share", "share"),
    )

    def __init__(
        self, limit: int, owner: Callable[[T], tuple[Operation, str]], connection_share: int | None = None
    ) -> None:
        self.share = share_of(limit)
        self.connection_share = self.share if connection_share is None else connection_share
        """The least of the shares."""
        self.kind_share = share_of_kind(limit)
        self._owner = owner
        self._holders: set[T] = set()
        self.holders: AbstractSet[T] = self._holders
        """Who holds a place: always the same set, as who asks it for each call asks no method of ours."""
        self._counts = False
        """Whether holders are counted by the following."""
        self._tables: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._connections: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._holders)

    def __iter__(self) -> Iterator[T]:
        return iter(self._holders)

    def __contains__(self, holder: T) -> bool:
        return holder in self._holders

    def full(self, operation: Operation, connection: str) -> str:
        """Return which of table, kind and connection holds its share already; empty where none does."""
        if len(self._holders) < self.connection_share:
            return ""
        if not self._counts:
            self._count_all()
        if connection and self._connections[connection] >= self.connection_share:
            return CALLER
        if operation.table and self._tables[operation.table] >= self.share:
            return "table"
        if operation.kind and self._kinds[operation.kind] >= self.kind_share:
            return _KIND
        return ""

    def share_of(self, full: str) -> int:
        """Return the share of what `full` returned."""
        if full == CALLER:
            return self.connection_share
        return self.kind_share if full == _KIND else self.share

    def take(self, holder: T) -> None:
        """Count one more, whether or not it is full."""
        self._holders.add(holder)
        if self._counts:
            self._count(holder, 1)

    def give_back(self, holder: T) -> None:
        """Count one less."""
        self._holders.remove(holder)
        if self._counts:
            if 2 * len(self._holders) < self.connection_share:
                self._forget()
            else:
                self._count(holder, -1)

    def _count_all(self) -> None:
        self._counts = True
        for holder in self._holders:
            self._count(holder, 1)

    def _count(self, holder: T, more: int) -> None:
        operation, connection = self._owner(holder)
        self._tables[operation.table] += more
        self._kinds[operation.kind] += more
        self._connections[connection] += more
        if not self._connections[connection]:
            del self._connections[connection]  # of which there may be any number

    def _forget(self) -> None:
        self._counts = False
        for counter in (self._tables, self._kinds, self._connections):
            counter.clear()
