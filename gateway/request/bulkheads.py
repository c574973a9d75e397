"""Bulkheads: one table, connection or kind of method holds its share of a common limit at most."""

from dataclasses import dataclass

from gateway.schema.model import Method


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """A kind of method on a table. Told apart by identity: there is one object for each method.

    Args:
        table: the table's name; empty where there is none.
        kind: the kind of method; empty where it is none of the standard ones.

    """

    table: str = ""
    kind: str = ""

    @classmethod
    def of(cls, method: Method) -> "Operation":
        """Return what a method does."""
        return cls(f"{method.resource.schema}.{method.resource.table}", method.kind.name)


_KIND = "kind of method"
UNKNOWN = Operation()
"""What is bound to no method: it counts against the limit alone."""


def share_of(limit: int) -> int:
    """Return the most that one table or one connection may hold: about five eighths.

    It is less than a kind's share, so that a table that is locked, or a caller that asks for all there is,
    leaves something to others of the same kind.
    """
    return limit - limit // 4 - limit // 8


def share_of_kind(limit: int) -> int:
    """Return the most that one kind of method may hold: all but the last quarter.

    A limit below four has no quarter that could be kept: there it is the whole limit.
    """
    return limit - limit // 4


class Compartment:
    """What one table, or one kind of method, holds of the limit."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = 0


class Bulkheads:
    """Counts who holds how much of a limit. The limit itself is the owner's to keep.

    Args:
        limit: what is shared.

    """

    __slots__ = ("_compartments", "_connections", "_of", "kind_share", "share")

    def __init__(self, limit: int) -> None:
        self.share = share_of(limit)
        self.kind_share = share_of_kind(limit)
        self._compartments: dict[tuple[str, str], Compartment] = {}
        self._of: dict[Operation, tuple[Compartment, Compartment]] = {}
        self._connections: dict[str, int] = {}

    def full(self, operation: Operation, connection: str) -> str:
        """Return which of table, kind and connection holds its share already; empty where none does."""
        share = self.share
        table, kind = self._of.get(operation) or self._add(operation)
        if connection and self._connections.get(connection, 0) >= share:
            return "connection"
        if table.held >= share and operation.table:
            return "table"
        if kind.held >= self.kind_share and operation.kind:
            return _KIND
        return ""

    def share_of(self, full: str) -> int:
        """Return the share of what `full` returned."""
        return self.kind_share if full == _KIND else self.share

    def take(self, operation: Operation, connection: str) -> None:
        """Count one more, whether or not it is full."""
        table, kind = self._of.get(operation) or self._add(operation)
        table.held += 1
        kind.held += 1
        connections = self._connections
        connections[connection] = connections.get(connection, 0) + 1

    def give_back(self, operation: Operation, connection: str) -> None:
        """Count one less."""
        table, kind = self._of[operation]
        table.held -= 1
        kind.held -= 1
        connections = self._connections
        left = connections[connection] - 1
        if left:
            connections[connection] = left
        else:
            del connections[connection]

    def clear(self) -> None:
        """Count from nothing again."""
        self._connections.clear()
        for compartment in self._compartments.values():
            compartment.held = 0

    def _add(self, operation: Operation) -> tuple[Compartment, Compartment]:
        names = ("table", operation.table), ("kind", operation.kind)
        table, kind = (self._compartments.setdefault(name, Compartment()) for name in names)
        self._of[operation] = table, kind
        return table, kind
