"""Orders and keyset pages: the rows after a row, without OFFSET."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Text,
    and_,
    bindparam,
    cast,
    collate,
    false,
    func,
    literal_column,
    or_,
    true,
    tuple_,
)

from gateway.request.pages.order import Order, Term, order_columns
from gateway.schema.model import Resource
from gateway.sql.binds import bound, comparable, compared
from gateway.sql.filters.places import distance_between

Condition = ColumnElement[bool]
Member = tuple[ColumnElement[Any], ColumnElement[Any]]
"""What is compared of a row, and of the bound one."""

Nulls = tuple[bool, ...]
"""For each column of the order, whether the row that a page follows holds NULL there."""


def order_clause(order: Order, table: FromClause) -> list[ColumnElement[Any]]:
    """Return the ORDER BY. NULLs stay where PostgreSQL puts them: last ascending, first descending."""
    sorted_by = [_by(table.c[term.column], term) for term in order]
    return [one.desc() if term.descending else one.asc() for one, term in zip(sorted_by, order, strict=True)]


def _by(value: ColumnElement[Any], term: Term) -> ColumnElement[Any]:
    if term.near:
        distance = distance_between(value, cast(bindparam(term.near, type_=Text), value.type))
        return distance + literal_column("0") if term.unindexed else distance
    return collate(cast(value, Text), "C") if term.as_text else value


def is_nearest_first(order: Order) -> bool:
    """Whether an index has rows by their distance from a place, the nearest first."""
    first = order[0]
    return bool(first.near) and not first.descending and not first.unindexed


def after_name(place: int) -> str:
    """Return the parameter's name of the value of the order's column in `place`."""
    return f"after_{place}"


def after_values(values: Sequence[Any]) -> dict[str, Any]:
    """Return the values of a page's first bound by the names of their parameters; NULLs are in the text."""
    return {after_name(i): value for i, value in enumerate(values) if value is not None}


def where_after(order: Order, nulls: Nulls, resource: Resource, table: FromClause) -> Condition:
    """Return the condition of the rows that come after the bound row in the order.

    Where the order has one direction, and no NULL can come later, this is one row comparison, which an index
    on the columns answers as a range. Else it is the disjunction of "equal so far, then later"; its first
    column's bound is repeated in front where that is sound, so that an index can start there.
    """
    keyset = _Keyset(order, nulls, resource, table)
    return keyset.row_comparison() if keyset.is_plain() else keyset.disjunction()


class _Keyset:
    def __init__(self, order: Order, nulls: Nulls, resource: Resource, table: FromClause) -> None:
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
        columns = [self._column(term) for term in self._order]
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
        column = self._column(term)
        if self._nulls[place]:
            return column.is_not(None)
        if term.descending:
            return column < self._value(place)
        later = column > self._value(place)
        return or_(later, column.is_(None)) if self._nullable(term) else later

    def _same(self, place: int) -> Condition:
        column = self._column(self._order[place])
        return column.is_(None) if self._nulls[place] else column == self._value(place)

    def _from_first(self) -> Condition:
        term = self._order[0]
        column = self._column(term)
        if self._nulls[0]:
            return true() if term.descending else column.is_(None)
        if term.descending:
            return column <= self._value(0)
        return true() if self._nullable(term) else column >= self._value(0)

    def _value(self, place: int) -> ColumnElement[Any]:
        term = self._order[place]
        return _by(bound(self._fields[term.column].type, after_name(place)), term)

    def _column(self, term: Term) -> ColumnElement[Any]:
        return _by(comparable(self._fields[term.column], self._table), term)

    def _nullable(self, term: Term) -> bool:
        return self._fields[term.column].nullable


def where_from(order: Order, nulls: Nulls, resource: Resource, table: FromClause) -> Condition:
    """Return the condition of the rows at the bound row's place in the order, or after it.

    It is for rows without a key: several may be at one place, and those that were told have to be counted.
    Each run of terms in one direction is a row comparison, so the text grows with the columns, not with their
    square.
    """
    places = _Places(order, nulls, resource, table)
    directions = groupby(order, attrgetter("descending"))
    *runs, last = [_Run(places.of(terms), descending=descending) for descending, terms in directions]
    same = [run.same() for run in runs]
    later = [and_(*same[:i], run.later()) for i, run in enumerate(runs)]
    return or_(*later, and_(*same, last.later(or_same=True)))


class _Run:
    """Terms of one direction.

    Args:
        members: what is compared, one after another. None of it is NULL.
        descending: the direction.

    """

    def __init__(self, members: Iterable[Member], *, descending: bool) -> None:
        stored, given = zip(*members, strict=True)
        self._stored, self._given = tuple_(*stored), tuple_(*given)
        self._descending = descending

    def same(self) -> Condition:
        return self._stored == self._given

    def later(self, *, or_same: bool = False) -> Condition:
        stored, given = self._stored, self._given
        if self._descending:
            return stored <= given if or_same else stored < given
        return stored >= given if or_same else stored > given


class _Places:
    """What a row's place in an order is compared by, without NULLs, which PostgreSQL's row comparison can't.

    A column that may be NULL is two members: whether it is, as NULLs count as larger than any value; and its
    value, or the bound one instead of NULL.
    """

    def __init__(self, order: Order, nulls: Nulls, resource: Resource, table: FromClause) -> None:
        self._names = {column: after_name(i) for i, column in enumerate(order_columns(order))}
        self._nulls = dict(zip(self._names, nulls, strict=True))
        self._resource = resource
        self._table = table

    def of(self, terms: Iterable[Term]) -> Iterator[Member]:
        """Yield the members of some terms."""
        for term in terms:
            field = self._resource.by_column[term.column]
            column = comparable(field, self._table)
            # PostgreSQL takes the word of whoever declares a foreign table.
            may_be_null = field.nullable or self._resource.is_view
            if may_be_null:
                yield column.is_(None), true() if self._nulls[term.column] else false()
            if not self._nulls[term.column]:
                given = bound(field.type, self._names[term.column])
                # By itself a parameter that is cast to text is a text.
                given = _by(cast(given, compared(field.type)) if term.as_text else given, term)
                stored = _by(column, term)
                yield func.coalesce(stored, given) if may_be_null else stored, given
