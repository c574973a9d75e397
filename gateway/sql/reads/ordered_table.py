"""A table beside the columns of other rows that its own are ordered by: to each one row at most is joined."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, select, true

from gateway.request.filter.plan import Hop
from gateway.request.pages.order import Order
from gateway.request.pages.related_orders import RelatedField
from gateway.schema.model import Field, Resource
from gateway.sql.filters.conditions import where_held
from gateway.sql.filters.related import are_related, rows_of

_NAME = "rowgate_o"
"""What the names of joined tables begin with; numbers follow."""


@dataclass(frozen=True, slots=True)
class OrderedTable:
    """Rows with all that they are ordered by. It has columns as a table has.

    Args:
        resource: what the rows are, with fields for what is of others.
        c: the columns.
        source: what they are selected from.
        more: the names of the columns that are of other rows.

    """

    resource: Resource
    c: Any
    source: Any
    more: frozenset[str] = frozenset()


def ordered_table(resource: Resource, table: Any, order: Order, name: str = "") -> OrderedTable:
    """Return a resource's table with what an order asks of other rows.

    Args:
        resource: what the rows are.
        table: theirs.
        order: the order.
        name: what the names of its parameters begin with.

    """
    fields = order_fields(order)
    if not fields:
        return OrderedTable(resource, table.c, table)
    columns: dict[str, ColumnElement[Any]] = dict(table.c.items())
    source: Any = table
    for i, (column, related) in enumerate(_related(order)):
        source, rows = _joined(source, table, related, f"{_NAME}{i}_", related.prefix(name))
        columns[column] = rows.c[related.field.column]
    whole = replace(resource, fields=(*resource.fields, *fields))
    return OrderedTable(whole, columns, source, frozenset(field.column for field in fields))


def named(value: ColumnElement[Any], name: str, table: OrderedTable) -> ColumnElement[Any]:
    """Return a column as it is selected: under the order's name for it where it is another row's."""
    return value.label(name) if name in table.more else value


def order_fields(order: Order) -> tuple[Field, ...]:
    """Return the fields that an order has of other rows, by the names that its terms call them."""
    return tuple(related.column(name) for name, related in _related(order))


def _related(order: Order) -> Iterator[tuple[str, RelatedField]]:
    for term in order:
        if term.related is not None:
            yield term.column, term.related


def _joined(source: Any, table: Any, related: RelatedField, name: str, prefix: str) -> tuple[Any, Any]:
    """Return what rows are selected from with those that relations lead to, and the last of them."""
    rows = table
    for depth, (hop, held) in enumerate(related.hops):
        found = rows_of(hop, depth, name)
        conditions = (*are_related(hop, rows, found), *where_held(hop, held, found, prefix))
        if _is_joined(hop):
            source, rows = source.outerjoin(found, and_(*conditions)), found
            continue
        first = select(found).where(*conditions).limit(1).lateral(f"{name}{depth}_row")
        source, rows = source.outerjoin(first, true()), first
    return source, rows


def _is_joined(hop: Hop) -> bool:
    """Whether a join finds one row at most. That a view's key is one nothing proves."""
    return hop.relation.is_unique and not hop.target.is_view
