"""Statements that calls can share: one for a caller alone, and its like for many."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gateway.db.cached_rows import CachedRows
from gateway.db.statements.transaction import Row
from gateway.sql.statement import Statement
from gateway.sql.writes.row_arrays import RowsStatement, RowStatement

Args = Sequence[Any]
"""What one caller brings."""


class Kind(Protocol):
    """Calls that may share a statement. Told apart by identity: there is one object for each."""

    @property
    def name(self) -> str:
        """What its figures are called by: kinds of one name learn their concurrency together."""

    def alone(self, args: Args) -> tuple[Statement, Sequence[Any]]:
        """Return the statement, with its arguments, for a caller that shares with nobody."""

    def together(self, callers: Sequence[Args]) -> tuple[Statement, Sequence[Any]]:
        """Return the statement, with its arguments, for callers that share one, in their order."""

    def deal(self, rows: Sequence[Row], callers: Sequence[Args]) -> Sequence[Any]:
        """Return each caller's share of the rows of `together`, or of `alone` for one."""

    def weight(self, args: Args) -> int:
        """Return how many rows a caller asks for: a statement takes so many at most, or one caller's."""


class _Arrays:
    """Makes the arguments of a statement for many keys: an array for each name, beside its own constants.

    Args:
        many: the statement.
        names: what each key gives, in its order.

    """

    __slots__ = ("_constants", "_places")

    def __init__(self, many: Statement, names: Sequence[str]) -> None:
        self._places = [None if name in many.constants else names.index(name) for name in many.binds]
        self._constants = [many.constants.get(name) for name in many.binds]

    def __call__(self, keys: Sequence[Args]) -> Sequence[Any]:
        """Return the arguments, in bind order."""
        given = zip(self._places, self._constants, strict=True)
        return [one if place is None else [key[place] for key in keys] for place, one in given]


class KeyRead:
    """Reads of one row by key.

    Args:
        single: reads the row of one key.
        many: reads the rows of many, each key column bound as an array; its rows begin with the key's place
            in the arrays, from 1 (gateway.sql.reads.select.select_by_keys).
        cached: what makes its rows ones that may be kept; None where they aren't.

    """

    __slots__ = ("_arrays", "_many", "cached", "single")

    def __init__(self, single: Statement, many: Statement, cached: CachedRows | None = None) -> None:
        self.single = single
        self.cached = cached
        self._many = many
        self._arrays = _Arrays(many, single.binds)

    @property
    def name(self) -> str:
        """The name of the statement for many."""
        return self._many.name

    def alone(self, args: Args) -> tuple[Statement, Sequence[Any]]:
        """Return the statement for one key, given as arguments of `single`."""
        return self.single, args

    def together(self, callers: Sequence[Args]) -> tuple[Statement, Sequence[Any]]:
        """Return the statement for many keys; one alone is read by the cheaper one."""
        if len(callers) == 1:
            return self.single, callers[0]
        return self._many, self._arrays(callers)

    def deal(self, rows: Sequence[Row], callers: Sequence[Args]) -> Sequence[Row | None]:
        """Return each key's row, or None."""
        if len(callers) == 1:
            return (rows[0] if rows else None,)
        by_place = {row[0]: row[1:] for row in rows}
        return [by_place.get(place) for place in range(1, len(callers) + 1)]

    def weight(self, args: Args) -> int:  # noqa: ARG002 - whatever the key
        """Return one."""
        return 1


class KeysRead:
    """Reads of some rows by their keys. A caller brings keys, and gets the rows by the keys' places, from 1.

    Args:
        many: reads the rows of many keys, as that of KeyRead.
        key: the names of the key's columns, in the order of a caller's keys.

    """

    __slots__ = ("_arrays", "_many")

    def __init__(self, many: Statement, key: Sequence[str]) -> None:
        self._many = many
        self._arrays = _Arrays(many, key)

    @property
    def name(self) -> str:
        """The name of the statement."""
        return self._many.name

    def alone(self, args: Args) -> tuple[Statement, Sequence[Any]]:
        """Return the statement for one caller's keys."""
        return self.together([args])

    def together(self, callers: Sequence[Args]) -> tuple[Statement, Sequence[Any]]:
        """Return the statement for the keys of all."""
        return self._many, self._arrays([key for keys in callers for key in keys])

    def deal(self, rows: Sequence[Row], callers: Sequence[Args]) -> Sequence[Mapping[int, Row]]:
        """Return each caller's rows by the places of its keys."""
        owners = [(mine, place) for mine, keys in enumerate(callers) for place in range(1, len(keys) + 1)]
        dealt: list[dict[int, Row]] = [{} for _ in callers]
        for row in rows:
            mine, place = owners[row[0] - 1]
            dealt[mine][place] = row[1:]
        return dealt

    def weight(self, args: Args) -> int:
        """Return the number of keys."""
        return len(args)


class RowWrite:
    """Changes of one row, which either happen and return the row, or find nothing to do and return nothing.

    Args:
        single: changes one row.
        many: changes the rows of many callers, and leaves those out that are locked; its rows begin with the
            caller's place, from 0 (gateway.sql.writes.shared_writes). It takes the same values as `single`.
            None where callers share no statement.

    """

    __slots__ = ("_expected", "_many", "_places", "single")

    def __init__(self, single: RowStatement, many: RowsStatement | None = None) -> None:
        binds = single.statement.binds
        self.single = single
        self._many = many
        if many is None:
            self._places, self._expected = [], None
            return
        self._places = [binds.index(f"v{i}") for i in range(len(many.fields))]
        self._expected = binds.index("expected") if many.expects else None

    @property
    def is_shared(self) -> bool:
        """Whether callers may share a statement."""
        return self._many is not None

    @property
    def name(self) -> str:
        """The name of the statement for many, or else for one."""
        return (self._many or self.single).statement.name

    def alone(self, args: Args) -> tuple[Statement, Sequence[Any]]:
        """Return the statement for one row."""
        return self.single.statement, args

    def together(self, callers: Sequence[Args]) -> tuple[Statement, Sequence[Any]]:
        """Return the statement for many, also for one: it waits for no other transaction's row."""
        if self._many is None:
            raise AssertionError(self.name)
        columns = [[args[place] for args in callers] for place in self._places]
        at = self._expected
        expected = [args[at] for args in callers] if at is not None else ()
        return self._many.statement, self._many.of_columns(len(callers), columns, expected)

    def deal(self, rows: Sequence[Row], callers: Sequence[Args]) -> Sequence[Row | None]:
        """Return each caller's row; None where nothing was done."""
        dealt: list[Row | None] = [None] * len(callers)
        for row in rows:
            dealt[row[0]] = row[1:]
        return dealt

    def weight(self, args: Args) -> int:  # noqa: ARG002 - whatever the row
        """Return one."""
        return 1
