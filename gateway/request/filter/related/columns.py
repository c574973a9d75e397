"""The columns that a filter speaks of: of its own table, and of those that relations lead to."""

from collections.abc import Iterator
from typing import Any

from gateway.request.filter.plan import (
    And,
    AnyElement,
    AnyOnPath,
    AnyRow,
    Column,
    Contains,
    Element,
    FieldComparison,
    Given,
    Hop,
    Json,
    Not,
    OneRow,
    Operand,
    Or,
    Predicate,
    RowCount,
    Search,
)

RelatedColumn = tuple[str, str]
"""The full name of a resource's message, and a column of it."""


def columns_of(shape: Predicate | Operand) -> frozenset[str]:  # noqa: C901, PLR0911 - one line per record
    """Return the columns of its own table that a shape speaks of; of a relation those that it goes by."""
    match shape:
        case Column(name):
            return frozenset({name})
        case Search(columns, _):
            return frozenset(columns)
        case And(items) | Or(items):
            return frozenset().union(*map(columns_of, items))
        case Not(item):
            return columns_of(item)
        case AnyElement(operand, condition) | AnyOnPath(operand, _, condition):
            return columns_of(operand) | columns_of(condition)
        case FieldComparison(left, _, right):
            return columns_of(left) | columns_of(right)
        case Contains(column, _):
            return columns_of(column)
        case Json(root):
            return columns_of(root)
        case Element() | Given():
            return frozenset()
        case OneRow(hop) | AnyRow(hop) | RowCount(hop):
            return frozenset(hop.relation.columns)
        case _:
            return columns_of(shape.operand)


def related_columns_of(shape: Any) -> frozenset[RelatedColumn]:
    """Return the columns of other resources that a shape names, but for those of their rows' rules."""
    if isinstance(shape, OneRow | AnyRow | RowCount):
        return frozenset(_of_rows(shape.hop, shape.condition))
    parts = shape if isinstance(shape, tuple) else _parts(shape)
    return frozenset().union(*map(related_columns_of, parts))


def _of_rows(hop: Hop, condition: Predicate | None) -> Iterator[RelatedColumn]:
    named = columns_of(condition) if condition is not None else frozenset[str]()
    for column in {*hop.relation.references, *named}:
        yield str(hop.target.message.full_name), column
    yield from related_columns_of(condition) if condition is not None else ()


def related_resources_of(shape: Any) -> frozenset[str]:
    """Return the full names of the resources that relations lead to, in what holds of their rows, too."""
    if isinstance(shape, OneRow | AnyRow | RowCount):
        below = related_resources_of((*shape.held, shape.condition))
        return below | {str(shape.hop.target.message.full_name)}
    parts = shape if isinstance(shape, tuple) else _parts(shape)
    return frozenset().union(*map(related_resources_of, parts))


def _parts(shape: Any) -> Iterator[Any]:
    """Yield what a record of a plan is made of."""
    for name in getattr(shape, "__dataclass_fields__", ()):
        yield getattr(shape, name)
