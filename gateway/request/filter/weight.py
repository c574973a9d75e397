"""The weight of a filter: what it costs to make a statement of it, which is bounded.

A statement is made once for each shape: whoever sends another shape each time has it made each time.
"""

from gateway.errors import InvalidArgument
from gateway.request.filter.plan import (
    And,
    AnyElement,
    AnyOnPath,
    AnyRow,
    Box,
    Called,
    Column,
    Contains,
    Distance,
    DynamicComparison,
    Element,
    FieldComparison,
    Given,
    Json,
    Not,
    NotEmpty,
    OneOf,
    OneRow,
    Operand,
    Or,
    Predicate,
    RowCount,
    Search,
)

MAX_WEIGHT = 512
"""The most that a filter weighs: a comparison of a column weighs 1."""
_NOT, _PRESENT, _FUNCTION, _INSIDE, _DYNAMIC, _LISTED, _ELEMENTS, _HOP = 1, 2, 3, 3, 3, 4, 6, 16
MAX_HOPS = MAX_WEIGHT // _HOP
"""The most relations that a filter goes through without weighing too much, whatever it asks behind them."""


def check_weight(shape: Predicate) -> None:
    """Raise InvalidArgument for a filter that weighs too much."""
    if weight_of(shape) > MAX_WEIGHT:
        raise too_heavy()


def too_heavy() -> InvalidArgument:
    """Return the error of a filter that weighs too much."""
    return InvalidArgument.field(
        "filter",
        f"weighs more than {MAX_WEIGHT} comparisons: a relation counts as {_HOP} of them, "
        f"reaching into lists as {_ELEMENTS}, a function as {_FUNCTION}",
        reason="FILTER_TOO_COMPLEX",
    )


def weight_of(shape: Predicate | Operand) -> int:  # noqa: C901, PLR0911, PLR0912 - one line per record
    """Return what a condition, or what is compared in it, weighs."""
    match shape:
        case And(items) | Or(items):
            return sum(map(weight_of, items))
        case Not(item):
            return _NOT + weight_of(item)
        case Search(columns, _):
            return 1 + len(columns)
        case AnyElement(operand, condition) | AnyOnPath(operand, _, condition):
            return _ELEMENTS + weight_of(operand) + weight_of(condition)
        case OneRow(_, held, condition) | AnyRow(_, held, condition) | RowCount(_, held, condition):
            return _HOP + sum(weight_of(one) for one in (*held, condition) if one is not None)
        case NotEmpty(operand):
            return _PRESENT + weight_of(operand)
        case DynamicComparison(operand):
            return 1 + _DYNAMIC + weight_of(operand)
        case OneOf(Called() as operand):
            return 1 + _LISTED + weight_of(operand)
        case FieldComparison(left, _, right):
            return 1 + weight_of(left) + weight_of(right)
        case Called(_, operand) | Distance(operand) | Box(operand):
            return _FUNCTION + weight_of(operand)
        case Json(root):
            return _INSIDE + weight_of(root)
        case Column() | Element():
            return 0
        case Contains() | Given():
            return 1
        case _:
            return 1 + weight_of(shape.operand)
