"""Conditions on places, by functions of PostGIS over `geography`: a GiST index serves them.

https://postgis.net/docs/reference.html. They, and the type itself, are found by the search path, as
nothing says in which schema the extension is.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, func, literal_column, or_
from sqlalchemy.dialects import postgresql

from gateway.request.filter.plan import Box, Compare, Distance
from gateway.schema.types.sql_types import NamedType

Condition = ColumnElement[bool]
Value = ColumnElement[Any]

_DEGREES: postgresql.DOUBLE_PRECISION[float] = postgresql.DOUBLE_PRECISION()
_ROUNDING = literal_column("0.001", _DEGREES)
"""Metres by which the index looks farther: ST_Distance rounds what ST_DWithin doesn't."""
_POLE = literal_column("90", _DEGREES)


def distance_between(one: Value, other: Value) -> Value:
    """Return how far two places are apart, by the sphere, as a GiST index has them in order."""
    return one.op("<->", return_type=_DEGREES)(other)


def is_distant(shape: Distance, value: Value, place: Value, number: Callable[[int], Value]) -> Condition:
    """Return the condition that a place is nearer to another, or farther from it.

    Args:
        shape: what is asked.
        value: the place.
        place: the other one.
        number: returns the parameter of a bind.

    """
    metres = number(shape.metres)
    asked = func.ST_Distance(value, place, type_=_DEGREES).bool_op(shape.op.value)(metres)
    if shape.op in (Compare.GT, Compare.GE):
        return asked
    return and_(func.ST_DWithin(value, place, metres + _ROUNDING), asked)


def is_in_box(shape: Box, value: Value, middle: Value, number: Callable[[int], Value]) -> Condition:
    """Return the condition that a place is in a box; a pole has every longitude."""
    flat = cast(value, NamedType("geometry"))
    latitude, longitude = func.ST_Y(flat, type_=_DEGREES), func.ST_X(flat, type_=_DEGREES)
    return and_(
        func.ST_DWithin(value, middle, number(shape.metres)),
        _is_between(latitude, shape.latitudes, number),
        or_(
            _is_between(longitude, shape.longitudes, number),
            _is_between(longitude, shape.others, number),
            func.pg_catalog.abs(latitude, type_=_DEGREES) == _POLE,
        ),
    )


def _is_between(value: Value, binds: tuple[int, int], number: Callable[[int], Value]) -> Condition:
    least, most = map(number, binds)
    return value.between(least, most)
