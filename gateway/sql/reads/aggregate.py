"""Statements that compute of groups of rows.

They stand in three steps: the rows with the values that are asked of them, the groups, and those of them that
are answered, in their order. A value of the request, as the time zone, so stands in one place, and PostgreSQL
sees that what is shown is what makes the groups.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    Table,
    and_,
    bindparam,
    case,
    cast,
    distinct,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.types import BigInteger, Integer, TypeEngine

from gateway.request.aggregates import Computed
from gateway.request.filter.plan import Predicate
from gateway.request.pages.order import Order
from gateway.schema.aggregation import Function, GroupKey
from gateway.schema.model import Field, Resource
from gateway.schema.tables.internal import OWN_COLUMNS
from gateway.schema.values import ValueKind
from gateway.sql.binds import comparable, compared, read_column
from gateway.sql.filters.conditions import where_filter
from gateway.sql.reads.order import Nulls, order_clause, where_after
from gateway.sql.reads.select import Rows, row_conditions
from gateway.sql.statement import Statement, compile_statement

HAVING = "having"
"""What the names of the parameters of a request's filter of groups begin with."""
TIME_ZONE = "time_zone"
"""The parameter's name of the request's time zone."""

Value = ColumnElement[Any]

_TEXT = postgresql.TEXT()
_DOUBLE: TypeEngine[float] = postgresql.DOUBLE_PRECISION()
_RANKED = (Function.VALUES, Function.FIRST, Function.LAST)
_CAST = (Function.SUM, Function.AVG)
_IN_DOUBLE = (*_CAST, Function.PERCENTILE)


@dataclass(frozen=True, slots=True)
class Groups:
    """What is computed, of which groups.

    Args:
        resource: the groups, as rows.
        keys: what makes them.
        computed: what is computed of each.
        having: the shape of the filter that they meet, if any.

    """

    resource: Resource
    keys: Sequence[GroupKey]
    computed: Sequence[Computed]
    having: Predicate | None = None


def select_groups(
    resource: Resource,
    table: Table,
    groups: Groups,
    fields: tuple[Field, ...],
    *,
    rows: Rows,
    order: Order,
    after: Nulls | None,
) -> Statement:
    """Return the statement that reads the first groups in an order, or those after one; `limit` is bound.

    Args:
        resource: what is aggregated.
        table: where its rows are.
        groups: what is computed.
        fields: those of the groups that are read.
        rows: which rows.
        order: the groups'.
        after: of the group that these follow, which of its values are NULL; None for the first.

    """
    query = _groups(resource, table, groups, rows)
    if rows.rule is not None:
        # PostgreSQL would ask conditions of groups of single rows, also of those that aren't there: one that
        # fails would tell of them.
        query = query.offset(literal_column("0"))
    found = query.subquery("rowgate_groups")
    answered = select(*(read_column(field, found) for field in fields)).select_from(found)
    if groups.having is not None:
        answered = answered.where(where_filter(groups.having, groups.resource, found, prefix=HAVING))
    if after is not None:
        answered = answered.where(where_after(order, after, groups.resource, found))
    answered = answered.order_by(*order_clause(order, found)).limit(bindparam("limit", type_=Integer))
    return compile_statement(answered, fields=fields, name=f"aggregate {resource.table}")


def _groups(resource: Resource, table: Table, groups: Groups, rows: Rows) -> Select[Any]:
    parts = [_Part(i, one, resource, table) for i, one in enumerate(groups.computed)]
    keys = [_key(key, table).label(key.field.column) for key in groups.keys]
    values = [value for part in parts for value in part.of_row()]
    read = select(*(keys + values or [literal_column("1")])).select_from(table)
    found = read.where(*row_conditions(resource, table, rows)).subquery("rowgate_rows")
    ranked = _ranked(found, [found.c[key.field.column] for key in groups.keys], parts)
    by = [ranked.c[key.field.column] for key in groups.keys]
    shown = [part.of_group(ranked).label(part.name) for part in parts]
    return select(*by, *shown).select_from(ranked).group_by(*by)


def _ranked(found: Subquery, keys: Sequence[Value], parts: Sequence["_Part"]) -> Subquery:
    """Return the rows with their places in the orders that are asked for, each among those of its group.

    So PostgreSQL sorts them, on disk if need be, and no array holds more of a group than is answered.
    """
    ranks = [part.rank(found, keys) for part in parts if part.is_ranked]
    return select(*found.c, *ranks).subquery("rowgate_ranked") if ranks else found


class _Part:
    """One value of each group: what it takes of rows, and what becomes of that."""

    def __init__(self, number: int, computed: Computed, resource: Resource, table: Table) -> None:
        self.name = computed.aggregate.field.column
        self._computed = computed
        self._aggregate = computed.aggregate
        self._function = computed.aggregate.function
        self._resource = resource
        self._table = table
        self._prefix = f"{OWN_COLUMNS}{number}"
        self._filter = f"of_{number}"
        """What the names of its filter's parameters begin with."""

    @property
    def is_ranked(self) -> bool:
        return self._function in _RANKED

    def of_row(self) -> Iterator[Value]:
        """Yield the columns of a row that it takes."""
        counts = self._counts()
        if not self.is_ranked:
            value = self._value()
            yield (value if counts is None else case((counts, value))).label(self._prefix)
            return
        value = self._value()
        if self._function is Function.VALUES:
            counts = value.is_not(None) if counts is None else and_(value.is_not(None), counts)
        yield value.label(self._prefix)
        yield func.coalesce(counts if counts is not None else literal_column("true"), False).label(
            f"{self._prefix} counts"
        )
        for i, term in enumerate(self._computed.order):
            column = comparable(self._resource.by_column[term.column], self._table)
            yield column.label(f"{self._prefix} by {i}")

    def _counts(self) -> Value | None:
        """Return whether a row counts; None where all do."""
        asked = self._computed.filter
        if asked.shape is None:
            return None
        return where_filter(
            asked.shape, self._resource, self._table, prefix=self._filter, constants=asked.values
        )

    def _value(self) -> Value:
        source = self._aggregate.source
        if source is None:
            return literal_column("1")
        value = comparable(source, self._table)
        if source.type.kind is not ValueKind.DURATION and self._aggregate.field.type.kind is ValueKind.FLOAT:
            in_double = self._function is Function.PERCENTILE or source.type.kind is ValueKind.FLOAT
            return cast(value, _DOUBLE) if in_double and self._function in _IN_DOUBLE else value
        # An array of a domain's values would be of the domain.
        is_cast = self.is_ranked and not source.type.text_cast
        return cast(value, compared(source.type)) if is_cast else value

    def rank(self, rows: FromClause, keys: Sequence[Value]) -> Value:
        """Return the row's place among those of its group that count."""
        terms = [rows.c[f"{self._prefix} by {i}"] for i in range(len(self._computed.order))]
        backwards = self._function is Function.LAST
        order = [
            (term.desc() if asked.descending is not backwards else term.asc()).nulls_last()
            for asked, term in zip(self._computed.order, terms, strict=True)
        ]
        if self._aggregate.distinct:
            order = [rows.c[self._prefix].asc()]
        place = func.dense_rank() if self._aggregate.distinct else func.row_number()
        partition = [*keys, rows.c[f"{self._prefix} counts"]]
        return place.over(partition_by=partition, order_by=order).label(f"{self._prefix} place")

    def of_group(self, rows: FromClause) -> Value:
        """Return what is computed of a group's rows."""
        value = rows.c[self._prefix]
        match self._function:
            case Function.COUNT | Function.COUNT_DISTINCT:
                counted = distinct(value) if self._function is Function.COUNT_DISTINCT else value
                return func.count(counted, type_=BigInteger)
            case Function.PERCENTILE | Function.PERCENTILE_DISCRETE:
                fraction = literal_column(repr(self._aggregate.fraction), _DOUBLE)
                is_between = self._function is Function.PERCENTILE
                made = func.pg_catalog.percentile_cont if is_between else func.pg_catalog.percentile_disc
                return made(fraction).within_group(value)
            case Function.VALUES | Function.FIRST | Function.LAST:
                return self._listed(rows, value)
        computed: Value = getattr(func.pg_catalog, self._function.value)(value)
        return cast(computed, compared(self._aggregate.field.type)) if self._function in _CAST else computed

    def _listed(self, rows: FromClause, value: Value) -> Value:
        place = rows.c[f"{self._prefix} place"]
        most = self._aggregate.limit if self._function is Function.VALUES else 1
        taken = and_(rows.c[f"{self._prefix} counts"], place <= literal_column(str(most)))
        each = distinct(value) if self._aggregate.distinct else value
        ordered = postgresql.aggregate_order_by(each, value if self._aggregate.distinct else place)
        listed = func.pg_catalog.array_agg(ordered, type_=ARRAY(value.type)).filter(taken)
        if self._function is Function.VALUES:
            return func.coalesce(listed, literal_column("'{}'"))
        return Grouping(listed)[literal_column("1")]


def _key(key: GroupKey, table: Table) -> Value:
    value = comparable(key.source, table)
    if not (key.truncate or key.part):
        return value
    is_date = key.source.type.kind is ValueKind.DATE
    zone = literal(key.time_zone, _TEXT) if key.time_zone else bindparam(TIME_ZONE, type_=_TEXT)
    if not is_date and not key.source.type.sql.endswith("with time zone"):
        value = func.pg_catalog.timezone(literal_column("'UTC'"), value)
    if key.field.type.kind is ValueKind.TIMESTAMP:
        return func.pg_catalog.date_trunc(_spelled(key.truncate), value, zone)
    local = cast(value, postgresql.TIMESTAMP()) if is_date else func.pg_catalog.timezone(zone, value)
    if key.part:
        return cast(func.pg_catalog.date_part(_spelled(key.part), local), postgresql.INTEGER())
    return cast(func.pg_catalog.date_trunc(_spelled(key.truncate), local), postgresql.DATE())


def _spelled(name: str) -> Value:
    return literal_column(f"'{name}'", _TEXT)
