"""Precision of times: `timestamp(3)` keeps milliseconds; what is finer would be rounded, and is refused.

https://www.postgresql.org/docs/current/datatype-datetime.html
"""

from collections.abc import Callable
from typing import Any

from gateway.schema.types.sql_types import InvalidTypeError, SqlType
from gateway.schema.values import InvalidValueError, ValueType

MICROSECONDS = 6
"""Decimals of a second that are kept where the type names no number."""

Encode = Callable[[Any], tuple[int, ...]]


def precision_of(sql: SqlType) -> int | None:
    """Return how many decimals of a second the type keeps; None for all of PostgreSQL's.

    Raises InvalidTypeError for a number that PostgreSQL doesn't take.
    """
    if not sql.modifiers:
        return None
    if len(sql.modifiers) > 1 or not 0 <= sql.modifiers[0] < MICROSECONDS:
        raise InvalidTypeError(f"{sql} is no type", f"the decimals of a second are 0 to {MICROSECONDS}")
    return sql.modifiers[0]


def exactly(sql: SqlType, encode: Encode) -> Encode:
    """Return `encode`, whose last number are microseconds, refusing those that the type would round."""
    decimals = precision_of(sql)
    if decimals is None:
        return encode
    step = 10 ** (MICROSECONDS - decimals)

    def exact(value: Any) -> tuple[int, ...]:
        encoded = encode(value)
        if encoded[-1] % step:
            raise InvalidValueError(f"is finer than {sql}, which is what is stored", "INEXACT")
        return encoded

    return exact


def keeps_microseconds(type_: ValueType) -> bool:
    """Return whether a type of times keeps all that PostgreSQL can."""
    return "(" not in type_.sql
