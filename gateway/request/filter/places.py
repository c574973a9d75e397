"""Places in filters: how far one is from another, and whether it is in a box of latitudes and longitudes."""

import math
import re
from collections.abc import Sequence

from gateway.request.filter.calls import SubjectOf, arguments_of
from gateway.request.filter.compare import COMPARES, Subject
from gateway.request.filter.context import Context
from gateway.request.filter.lexer import Token
from gateway.request.filter.literals import literal_value
from gateway.request.filter.plan import Box, Compare, Distance, Predicate
from gateway.request.filter.tree import Arg, Function, Member
from gateway.schema.types.numbers import floating
from gateway.schema.types.points import place
from gateway.schema.types.sql_types import SqlType
from gateway.schema.values import InvalidValueError, ValueKind

DISTANCE, WITHIN = "distance", "within"
PLACES = (DISTANCE, WITHIN)
"""Functions of places, which take numbers beside their field."""
DEGREES = floating(single=False, sql=SqlType("double precision"))
_EXPECTED = {
    DISTANCE: "expected distance(field, latitude, longitude) < 50km",
    WITHIN: "expected within(field, south, west, north, east)",
}
_NUMBERS = {DISTANCE: 2, WITHIN: 4}
_METRES = {"": 1.0, "m": 1.0, "km": 1000.0, "mi": 1609.344, "nmi": 1852.0}
_LENGTH = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(km|m|mi|nmi|)")
_ORDERED = (Compare.LT, Compare.LE, Compare.GT, Compare.GE)
_LARGEST_RADIUS = 6_399_594.0
"""Metres: no meridian is less curved anywhere, and no parallel by its latitude's cosine (WGS 84)."""
_FARTHEST = 20_037_509.0
"""Metres: half of the equator, which is more than between any two places."""
_EDGE = 180.0
"""The antimeridian, which is -180 as well."""


def place_condition(
    context: Context, call: Function, comparator: Token | None, arg: Arg | None, subject_of: SubjectOf
) -> Predicate:
    """Return the condition that a function of places is; raises InvalidArgument for a misused one."""
    name = call.names[-1].text
    field, *numbers = arguments_of(call) or (None,)
    if not isinstance(field, Member) or len(numbers) != _NUMBERS[name]:
        raise context.error(call.offset, _EXPECTED[name])
    subject = subject_of(field)
    if subject.type.kind is not ValueKind.PLACE:
        wrong = f"{name} takes a LatLng that is stored as geography; {subject.name} is none"
        raise context.error(field.offset, wrong)
    degrees = [_degrees(context, one, name) for one in numbers]
    if name == DISTANCE:
        other = _place(context, call, *degrees)
        if comparator is None or not isinstance(arg, Member):
            raise context.error(call.offset, _EXPECTED[DISTANCE])
        return _distance(context, subject, other, comparator, arg)
    if comparator is not None:
        raise context.error(comparator.offset, f"{name}(…) is a condition: it takes no comparator")
    return _within(context, call, subject, degrees)


def _degrees(context: Context, arg: Arg, name: str) -> float:
    if not isinstance(arg, Member):
        offset = arg.offset if isinstance(arg, Function) else 0
        raise context.error(offset, _EXPECTED[name])
    try:
        return float(literal_value(arg, DEGREES))
    except InvalidValueError as error:
        raise context.error(arg.offset, error.description) from error


def _distance(
    context: Context, subject: Subject, other: str, comparator: Token, literal: Member
) -> Predicate:
    op = COMPARES[comparator.text]
    if op not in _ORDERED or comparator.text == ":":
        wrong = f'a distance has no "{comparator.text}"; expected <, <=, > or >='
        raise context.error(comparator.offset, wrong)
    return Distance(subject.operand, op, context.bind(other), context.bind(_metres(context, literal)))


def _metres(context: Context, literal: Member) -> float:
    found = _LENGTH.fullmatch(literal.text)
    if found is None:
        shown = literal.text[:32]
        raise context.error(
            literal.offset, f'"{shown}" is no distance; expected one as 50km: m, km, mi or nmi'
        )
    number, unit = found.groups()
    return float(number) * _METRES[unit]


def _within(context: Context, call: Function, subject: Subject, degrees: Sequence[float]) -> Predicate:
    south, west, north, east = degrees
    for latitude, longitude in ((south, west), (north, east)):
        _place(context, call, latitude, longitude)
    if south > north:
        raise context.error(call.offset, f"{south} is north of {north}; {_EXPECTED[WITHIN]}")
    width = east - west if west <= east else east - west + 2 * _EDGE
    middle = (south + north) / 2
    # No way is longer than the one along the middle's parallel, and from there along a meridian.
    turns = math.radians((north - south) / 2) + math.cos(math.radians(middle)) * math.radians(width / 2)
    longitude = west + width / 2
    return Box(
        subject.operand,
        context.bind(place(middle, longitude if longitude <= _EDGE else longitude - 2 * _EDGE)),
        context.bind(min(_FARTHEST, _LARGEST_RADIUS * turns + 1)),
        (context.bind(south), context.bind(north)),
        *[(context.bind(west_), context.bind(east_)) for west_, east_ in _longitudes(west, east)],
    )


def _longitudes(west: float, east: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ranges of longitudes from one to another: at the antimeridian two, else one twice."""
    if west > east:
        return (west, _EDGE), (-_EDGE, east)
    if east == _EDGE:
        return (west, east), (-_EDGE, -_EDGE)
    if west == -_EDGE:
        return (west, east), (_EDGE, _EDGE)
    return (west, east), (west, east)


def _place(context: Context, call: Function, latitude: float, longitude: float) -> str:
    try:
        return place(latitude, longitude)
    except InvalidValueError as error:
        raise context.error(call.offset, f"{call.text}(…) {error.description}") from error
