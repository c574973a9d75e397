"""The functions of the filter language, as data (AIP-160 lets each service define its own).

A condition stands by itself: `startsWith(field, "x")`, also written `field.startsWith("x")`. A function of a
value stands left of a comparator: `length(field) > 3`. What gives a value stands right of one: `ago(7d)`.
How PostgreSQL computes a function of a value is said in gateway.sql.filters.functions, by `computed`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.dialects import postgresql

from gateway.schema.types.calendar import date
from gateway.schema.types.numbers import INT64, integer
from gateway.schema.types.sql_types import SqlType
from gateway.schema.types.texts import text as text_type
from gateway.schema.values import ValueKind, ValueType

TEXT = text_type(SqlType("text"))
"""What functions make of texts."""
DOCUMENT = ValueType("jsonb", postgresql.JSONB(), ValueKind.JSON)
"""A value in a Struct or a JSON document, which may be anything."""
LIST = ValueType("jsonb", postgresql.JSONB(), ValueKind.JSON, equality=False)
"""A list in a stored message, or as one."""
DOCUMENT_TEXT = "document_text"
"""How SQL computes the text that such a value is; NULL where it is none."""
WHOLE = integer(INT64, SqlType("bigint"))
"""Lengths and counts."""
# What EXTRACT gives: the year of an infinite time is infinite.
_PART = integer(INT64, SqlType("numeric"))
_DATE = date(SqlType("date"))


@dataclass(frozen=True, slots=True)
class Computed:
    """What a function makes of values of some kinds.

    Args:
        takes: the kinds.
        computed: how SQL computes it: a name in gateway.sql.filters.functions.
        gives: the type of the result.

    """

    takes: tuple[ValueKind, ...]
    computed: str
    gives: ValueType


@dataclass(frozen=True, slots=True)
class ValueFunction:
    """A function of one value.

    Args:
        overloads: what it makes of which kinds.
        takes: the same in words, for errors.
        alike: whether what it is compared with goes through it too, so that `lower(a) = "B"` ignores case.

    """

    overloads: tuple[Computed, ...]
    takes: str
    alike: bool = False


def _of_text(computed: str) -> ValueFunction:
    return ValueFunction((Computed((ValueKind.TEXT,), computed, TEXT),), "a text", alike=True)


def _of_day(computed: str) -> ValueFunction:
    kinds = (ValueKind.TIMESTAMP, ValueKind.DATE)
    return ValueFunction((Computed(kinds, computed, _PART),), "a Timestamp or Date")


FUNCTIONS: Mapping[str, ValueFunction] = {
    "lower": _of_text("lower"),
    "upper": _of_text("upper"),
    "fold": _of_text("fold"),
    "length": ValueFunction(
        (
            Computed((ValueKind.TEXT,), "characters", WHOLE),
            Computed((ValueKind.BYTES,), "octets", WHOLE),
            Computed((ValueKind.ARRAY,), "elements", WHOLE),
            Computed((ValueKind.JSON,), "size", WHOLE),
        ),
        "a text, bytes or a list",
    ),
    "date": ValueFunction((Computed((ValueKind.TIMESTAMP,), "date", _DATE),), "a Timestamp"),
    "year": _of_day("year"),
    "month": _of_day("month"),
    "day": _of_day("day"),
    "weekday": _of_day("weekday"),
    "hour": ValueFunction(
        (Computed((ValueKind.TIMESTAMP, ValueKind.TIME), "hour", _PART),), "a Timestamp or TimeOfDay"
    ),
}
"""Functions of a value. Times are seen in UTC; a weekday is 1 (Monday) to 7."""
COMPUTED: Mapping[str, ValueType] = {
    DOCUMENT_TEXT: TEXT,
    **{one.computed: one.gives for function in FUNCTIONS.values() for one in function.overloads},
}
"""The types of what is computed of values, by how SQL computes it."""
ALIKE = frozenset(
    one.computed for function in FUNCTIONS.values() if function.alike for one in function.overloads
)
"""How SQL computes those that what they are compared with goes through too."""
PATTERNS: Mapping[str, Callable[[str], str]] = {
    "startsWith": lambda text: f"{text}%",
    "endsWith": lambda text: f"%{text}",
    "contains": lambda text: f"%{text}%",
}
"""Conditions on a text: the LIKE pattern of each, around its argument's."""
MATCHES = "matches"
"""The condition that a text has a part which a regular expression describes."""
CONDITIONS = (*PATTERNS, MATCHES)
EXISTS = "exists"
"""The condition that a relation holds a row which meets all of another: `exists(flights, carrier = UA)`."""
COUNT = "count"
"""The function that counts the rows of a relation, or some of them: `count(flights, carrier = UA) > 3`."""
LITERALS: Mapping[str, ValueKind] = {
    "timestamp": ValueKind.TIMESTAMP,
    "duration": ValueKind.DURATION,
    "date": ValueKind.DATE,
}
"""What marks a literal's type: `timestamp("…")`."""
NOW = "now"
TIMES: Mapping[str, int] = {"ago": -1, "fromNow": 1}
"""Times relative to the request's, by the sign of their span."""
FIELD = "field"
"""What a field is compared with another by: `origin = field(destination)`."""
GIVES_VALUE = (*(f'{name}("…")' for name in LITERALS), "now()", "ago(7d)", "fromNow(7d)", "field(other)")
"""What stands right of a comparator, for errors."""
