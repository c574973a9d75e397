"""The identity of keys: hashable values that are equal exactly where PostgreSQL takes the keys for one.

Where PostgreSQL alone can tell (citext, ranges and whatever else travels as text, and jsonb) one key may have
several identities: whoever relies on them has to let PostgreSQL have the last word.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from decimal import Decimal
from operator import attrgetter, eq
from typing import Any

from gateway.schema.model import Field
from gateway.schema.types.decimals import shortest
from gateway.schema.values import ValueKind, ValueType

Identity = Callable[[Any], Hashable]

_NAN = "NaN"
_DAYS_OF_MONTH = 30
_MICROSECONDS_OF_DAY = 86_400_000_000


def key_identity(fields: Sequence[Field]) -> Callable[[Iterable[Any]], tuple[Hashable, ...]]:
    """Return the function that tells a key's identity from driver values, in the order of `fields`."""
    parts = [identity_of(field.type) for field in fields]
    if not any(parts):
        return tuple
    if len(parts) == 1 and (only := parts[0]) is not None:
        return lambda values: tuple(map(only, values))
    return lambda values: tuple(
        [value if part is None else part(value) for part, value in zip(parts, values, strict=True)]
    )


def equality_of(type_: ValueType) -> Callable[[Any, Any], bool]:
    """Return the function that tells whether two driver values are equal; NULL is to NULL alone."""
    identity = identity_of(type_)
    if identity is None:
        return eq

    def are_equal(one: Any, other: Any) -> bool:
        if one is None or other is None:
            return one is other
        return identity(one) == identity(other)

    return are_equal


def is_exact(type_: ValueType) -> bool:
    """Return whether values of the type are equal exactly where their identities are."""
    return not type_.text_cast and type_.kind is not ValueKind.JSON


def identity_of(type_: ValueType) -> Identity | None:
    """Return the function that tells a driver value's identity; None where the value is its own."""
    return None if type_.text_cast else _IDENTITIES.get(type_.kind)


def _number(value: Any) -> Hashable:
    """PostgreSQL holds all NaNs to be equal; Python none, not even one and itself."""
    return value if value == value else _NAN  # noqa: PLR0124 - NaN's way to be told


def _decimal(value: Decimal) -> Hashable:
    return str(shortest(value))


def _interval(value: tuple[int, int, int]) -> Hashable:
    """As interval_eq does: a month has 30 days, a day has 24 hours."""
    months, days, microseconds = value
    return (months * _DAYS_OF_MONTH + days) * _MICROSECONDS_OF_DAY + microseconds


# A UUID's and a Decimal's own hashes are their numbers, modulo a prime: keys chosen to collide would each be
# compared with all others. That of bytes and of text is keyed.
_IDENTITIES: dict[ValueKind, Identity] = {
    ValueKind.UUID: attrgetter("bytes"),
    ValueKind.FLOAT: _number,
    ValueKind.DECIMAL: _decimal,
    ValueKind.DURATION: _interval,
}
