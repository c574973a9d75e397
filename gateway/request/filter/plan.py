"""The plan of a filter: a shape, which makes a statement, and the values it is run with.

A shape holds no value of the filter, only the places of its binds, so all filters that differ in their
literals alone share one statement. Its records are frozen and compare by content; whole numbers in them are
those of binds, and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

from gateway.auth.principal import ANONYMOUS, Principal
from gateway.schema.model import Relation, Resource
from gateway.schema.values import ValueKind, ValueType

FILTER = "filter"
"""What the names of the parameters of a request's filter begin with."""


class Compare(Enum):
    """The comparators, as SQL spells them."""

    EQ = "="
    NE = "<>"
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


@dataclass(frozen=True, slots=True)
class Column:
    """A column, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Element:
    """The element that the enclosing `AnyElement` looks at."""


@dataclass(frozen=True, slots=True)
class Json:
    """A value inside a jsonb value.

    Args:
        root: the jsonb value.
        steps: the bind of the keys that lead to it.
        kind: what it is cast to; JSON for a message, map or list; OTHER where only the stored value tells.
        parent: the bind of the keys to the message that holds it, where that message being there means its
            zero value (a field without presence is left out of the stored text); None where absent is absent.
        zero: the bind of that value's text.
        single: whether it is a float of single precision, and compares as one.

    """

    root: "Operand"
    steps: int
    kind: ValueKind
    parent: int | None = None
    zero: int | None = None
    single: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """What a function makes of a value.

    Args:
        function: its name among those that gateway.sql.filters.functions writes.
        operand: the value.

    """

    function: str
    operand: "Operand"


@dataclass(frozen=True, slots=True, eq=False)
class Hop:
    """The way by a relation to the rows that it holds. There is one for each relation of a schema.

    Args:
        relation: the relation.
        source: the resource that has it.
        target: the resource of the rows, with all columns.
        conditions: what rows have to be for the caller, and for the schema. Each is asked of those alone that
            meet what stands before it.
        values: of the conditions' binds.

    """

    relation: Relation
    source: Resource
    target: Resource
    conditions: tuple["Predicate", ...] = ()
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class RowCount:
    """How many rows a relation holds that meet the condition, if there is one.

    Args:
        hop: the way to them.
        held: the hop's conditions, with the filter's binds.
        condition: what they are counted by beside.

    """

    hop: Hop
    held: tuple["Predicate", ...]
    condition: "Predicate | None" = None


Operand: TypeAlias = Column | Element | Json | Called | RowCount

_DAY = 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class RelativeTime:
    """A time, or its date in UTC, by its distance from the time of whoever asks.

    Args:
        micros: after it, in microseconds.
        is_date: whether it is the date.

    """

    micros: int
    is_date: bool = False

    def at(self, now: int) -> tuple[int]:
        """Return the driver value when it is asked at `now`, in microseconds since 2000."""
        time = now + self.micros
        return (time // _DAY if self.is_date else time,)


@dataclass(frozen=True, slots=True, eq=False)
class OfCaller:
    """A value of whoever asks.

    Args:
        type: what it is compared as.
        read: returns it, as the driver binds it; None where it is unknown.

    """

    type: ValueType
    read: Callable[[Principal], Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`operand op bind`. Unknown where the operand is NULL."""

    operand: Operand
    op: Compare
    bind: int


@dataclass(frozen=True, slots=True)
class OneOf:
    """`operand = ANY (bind)`: the bind is a list. Unknown where the operand is NULL."""

    operand: Operand
    bind: int


@dataclass(frozen=True, slots=True)
class FieldComparison:
    """`left op right`, of two values of the row. Unknown where one of them is NULL."""

    left: Operand
    op: Compare
    right: Operand


@dataclass(frozen=True, slots=True)
class DynamicComparison:
    """`operand op bind` for a jsonb value of unknown type: NULL unless it has the literal's type, `kind`."""

    operand: Operand
    op: Compare
    bind: int
    kind: ValueKind


@dataclass(frozen=True, slots=True)
class Like:
    """The text matches the pattern in the bind."""

    operand: Operand
    bind: int
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class Matches:
    """The text has a part that the regular expression in the bind describes."""

    operand: Operand
    bind: int
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class Distance:
    """`operand` is that far from a place, in metres on the spheroid. Unknown where the operand is NULL.

    Args:
        operand: a place.
        op: nearer, farther.
        place: the bind of the other place.
        metres: the bind of the distance.

    """

    operand: Operand
    op: Compare
    place: int
    metres: int


@dataclass(frozen=True, slots=True)
class Box:
    """`operand` lies between two latitudes, and two longitudes. Unknown where the operand is NULL.

    Args:
        operand: a place.
        middle: the bind of the box's middle.
        metres: the bind of a distance from there that nothing of the box is beyond.
        latitudes: the binds of the southern and the northern one.
        longitudes: the binds of the western and the eastern one.
        others: as `longitudes`, of the box behind the antimeridian.

    """

    operand: Operand
    middle: int
    metres: int
    latitudes: tuple[int, int]
    longitudes: tuple[int, int]
    others: tuple[int, int]


@dataclass(frozen=True, slots=True)
class IsNull:
    """There is no value."""

    operand: Operand


@dataclass(frozen=True, slots=True)
class NotEmpty:
    """The text, bytes, array, or jsonb text, list or object holds something.

    False, never unknown, where it is NULL.
    """

    operand: Operand


@dataclass(frozen=True, slots=True)
class Contains:
    """The array holds the bind's value."""

    column: Column
    bind: int


@dataclass(frozen=True, slots=True)
class AnyElement:
    """One element of the array, or of the jsonb list, meets the condition."""

    operand: Operand
    condition: "Predicate"


@dataclass(frozen=True, slots=True)
class AnyOnPath:
    """One of the values at the end of the jsonpath in the bind meets the condition.

    A list on the way stands for its elements. Never unknown.
    """

    operand: Operand
    path: int
    condition: "Predicate"


@dataclass(frozen=True, slots=True)
class HasKey:
    """The jsonb object has the bind's key."""

    operand: Operand
    bind: int


@dataclass(frozen=True, slots=True)
class Search:
    """One of the text columns matches the bind's pattern, whatever its case. Never unknown."""

    columns: tuple[str, ...]
    bind: int


@dataclass(frozen=True, slots=True)
class Given:
    """What the bind says, which is a boolean: it is known before, of whoever asks."""

    bind: int


@dataclass(frozen=True, slots=True)
class OneRow:
    """The one row that a relation holds meets the condition.

    Where it holds none, all columns there are NULL, as of a row that a LEFT JOIN doesn't find.

    Args:
        hop: the way to it.
        held: the hop's conditions, with the filter's binds.
        condition: what it has to meet.

    """

    hop: Hop
    held: tuple["Predicate", ...]
    condition: "Predicate"


@dataclass(frozen=True, slots=True)
class AnyRow:
    """One of the rows that a relation holds meets the condition, if there is one. Never unknown.

    Args:
        hop: the way to them.
        held: the hop's conditions, with the filter's binds.
        condition: what one of them has to meet.

    """

    hop: Hop
    held: tuple["Predicate", ...]
    condition: "Predicate | None" = None


@dataclass(frozen=True, slots=True)
class And:
    """All conditions hold."""

    items: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One condition holds."""

    items: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The condition is false. Unknown where it is unknown."""

    item: "Predicate"


Predicate: TypeAlias = (
    And
    | Or
    | Not
    | Comparison
    | OneOf
    | FieldComparison
    | DynamicComparison
    | Like
    | Matches
    | Distance
    | Box
    | IsNull
    | NotEmpty
    | Contains
    | AnyElement
    | AnyOnPath
    | HasKey
    | Search
    | Given
    | OneRow
    | AnyRow
)


@dataclass(frozen=True, slots=True)
class Filter:
    """A checked filter.

    Args:
        shape: what it asks; None where it asks nothing.
        values: the driver value of each bind, or what tells it of the request's time, or of its caller.
        is_relative: whether one of them is relative to the request's time.

    """

    shape: Predicate | None
    values: tuple[Any, ...]
    is_relative: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_relative", any(isinstance(one, RelativeTime) for one in self.values))

    def arguments(self, now: int = 0, caller: Principal = ANONYMOUS, prefix: str = FILTER) -> dict[str, Any]:
        """Return the values by the names of their parameters, which begin with `prefix`.

        `now` is in microseconds since 2000.
        """
        return {bind_name(i, prefix): driver_value(one, now, caller) for i, one in enumerate(self.values)}


def driver_value(value: Any, now: int, caller: Principal) -> Any:
    """Return the driver value of a bind, as it is when `caller` asks at `now`."""
    if isinstance(value, RelativeTime):
        return value.at(now)
    return value.read(caller) if isinstance(value, OfCaller) else value


def bind_name(bind: int, prefix: str = FILTER) -> str:
    """Return the name of a bind's parameter."""
    return f"{prefix}_{bind}"
