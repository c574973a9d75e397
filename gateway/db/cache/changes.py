"""What calls change of the rows that are kept."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from gateway.db.cache.row_cache import RowCache
from gateway.request.calls.call import Call


@dataclass(frozen=True, slots=True)
class Changes:
    """What calls of a method change.

    Args:
        table: that of its rows; empty where nothing is kept of it.
        others: tables whose rows may change with them.

    """

    table: str
    others: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """All of these tables."""
        return self.others | {self.table} if self.table else self.others


class Changed:
    """Drops what calls change, when they have changed it, or may have.

    Args:
        cache: the rows.
        of_methods: what each method's calls change, by its full name.
        rest: what those of others may change.

    """

    def __init__(self, cache: RowCache, of_methods: Mapping[str, Changes], rest: Changes) -> None:
        self._cache = cache
        self._of_methods = of_methods
        self._rest = rest

    def by(self, call: Call) -> None:
        """Drop all that a call may have changed."""
        for table in self._of_methods.get(call.method, self._rest).all:
            self._cache.all_changed(table)

    def row(self, row: Hashable, call: Call) -> None:
        """Drop a row that a call has changed, or may have, and what may have changed with it."""
        changes = self._of_methods.get(call.method, self._rest)
        if row is None:
            return self.by(call)
        self._cache.changed(changes.table, row)
        for table in changes.others:
            self._cache.all_changed(table)
        return None
