"""Orders and keyset pages: the rows after a row, without OFFSET."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, or_, true, tuple_

from gateway.request.order import Order, Term
from gateway.schema.model import Resource
from gateway.sql.binds import bound

Condition = ColumnElement[bool]

Nulls = tuple[bool, ...]
"""For each term of the order, whether the row that a page follows holds NULL there."""


def order_clause(order: Order, table: Table) -> list[ColumnElement[Any]]:
    """Return the ORDER BY. NULLs stay where PostgreSQL puts them: last ascending, first descending."""
    return [table.c[term.column].desc() if term.descending else table.c[term.column].asc() for term in order]


def after_name(place: int) -> str:
    """Return the parameter's name of the value in the order's `place`."""
    return f"after_{place}"


def after_values(values: Sequence[Any]) -> dict[str, Any]:
    """Return the values of a page's first bound by the names of their parameters; NULLs are in the text."""
    return {after_name(i): value for i, value in enumerate(values) if value is not None}


def where_after(order: Order, nulls: Nulls, resource: Resource, table: Table) -> Condition:
    """Return the condition of the rows that come after the bound row in the order.

    Where the order has one direction, and no NULL can come later, this is one row comparison, which an index
    on the columns answers as a range. Else it is the disjunction of "equal so far, then later"; its first
    column's bound is repeated in front where that is sound, so that an index can start there.
    """
    keyset = _Keyset(order, nulls, resource, table)
    return keyset.row_comparison() if keyset.is_plain() else keyset.disjunction()


class _Keyset:
    def __init__(self, order: Order, nulls: Nulls, resource: Resource, table: Table) -> None:
        self._order = order
        self._nulls = nulls
        self._fields = resource.by_column
        self._table = table

    def is_plain(self) -> bool:
        """Whether PostgreSQL's row comparison, unknown at the first NULL, says the same as the order.

        Descending, NULLs have gone by before any value; ascending, none may follow.
        """
        if any(self._nulls) or len({term.descending for term in self._order}) > 1:
            return False
        return self._order[0].descending or not any(self._nullable(term) for term in self._order)

    def row_comparison(self) -> Condition:
        columns = [self._table.c[term.column] for term in self._order]
        values = [self._value(i) for i in range(len(self._order))]
        if len(columns) == 1:
            return self._later(0)
        left, right = tuple_(*columns), tuple_(*values)
        return left < right if self._order[0].descending else left > right

    def disjunction(self) -> Condition:
        places = [i for i in range(len(self._order)) if self._can_be_later(i)]
        options = [and_(*(self._same(j) for j in range(i)), self._later(i)) for i in places]
        return and_(self._from_first(), or_(*options))

    def _can_be_later(self, place: int) -> bool:
        """Whether anything comes after the value there: nothing does after NULL, ascending."""
        return self._order[place].descending or not self._nulls[place]

    def _later(self, place: int) -> Condition:
        term = self._order[place]
        column = self._table.c[term.column]
        if self._nulls[place]:
            return column.is_not(None)
        if term.descending:
            return column < self._value(place)
        later = column > self._value(place)
        return or_(later, column.is_(None)) if self._nullable(term) else later

    def _same(self, place: int) -> Condition:
        column = self._table.c[self._order[place].column]
        return column.is_(None) if self._nulls[place] else column == self._value(place)

    def _from_first(self) -> Condition:
        term = self._order[0]
        column = self._table.c[term.column]
        if self._nulls[0]:
            return true() if term.descending else column.is_(None)
        if term.descending:
            return column <= self._value(0)
        return true() if self._nullable(term) else column >= self._value(0)

    def _value(self, place: int) -> ColumnElement[Any]:
        return bound(self._fields[self._order[place].column].type, after_name(place))

    def _nullable(self, term: Term) -> bool:
        return self._fields[term.column].nullable
