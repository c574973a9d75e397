"""order_by: text → the order of rows, always ending in what tells them apart (AIP-132)."""

import dataclasses
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.errors.suggest import did_you_mean
from gateway.request.filter.related.relations import NO_RELATIONS, Relations
from gateway.request.pages.related_orders import RelatedField, invalid_order, related_field
from gateway.schema.model import Field, Resource
from gateway.schema.tables.internal import OWN_COLUMNS
from gateway.schema.types.numbers import parse_float
from gateway.schema.types.points import place
from gateway.schema.values import InvalidValueError, ValueKind

MAX_LENGTH = 1024
"""The most characters of an order."""

_TINY = 1e-5
"""64 metres, in radii of the Earth."""
_NEAR = re.compile(
    r"\s*distance\(\s*([^\s,()]+)\s*,\s*([^\s,()]+)\s*,\s*([^\s,()]+)\s*\)(?:\s+(asc|desc))?\s*"
)
_COMMA = re.compile(r",(?![^(]*\))")
"""A comma between terms, not within parentheses."""
_TERM = re.compile(r"\s*([^\s,]+)(?:\s+(asc|desc))?\s*")


@dataclass(frozen=True, slots=True)
class Term:
    """One column of an order. NULLs count as larger than any value, as PostgreSQL has it.

    So they come last in ascending order and first in descending order.
    """

    column: str
    descending: bool = False
    as_text: bool = False
    """Whether the column's text is compared, byte by byte: so any type sorts, and 1.0 comes before 1.00."""
    near: str = ""
    """The name of the parameter that holds a place, where the distance from there is compared."""
    unindexed: bool = False
    """Whether no index may be asked for that order."""
    place: str = dataclasses.field(default="", compare=False)
    """Its value: orders that differ by it alone share a statement."""
    related: RelatedField | None = None
    """What it is of another row, under the name of a column of the statement's own."""


Order = tuple[Term, ...]


def order_columns(order: Order) -> tuple[str, ...]:
    """Return the columns of an order, each once."""
    return tuple(dict.fromkeys(term.column for term in order))


def places_of(order: Order) -> dict[str, str]:
    """Return the places that an order is by the distance from, by the names of their parameters."""
    return {term.near: term.place for term in order if term.near}


def parse_order(
    text: str, resource: Resource, relations: Relations = NO_RELATIONS, *, near: bool = False
) -> Order:
    """Return the order that `order_by` asks for, with the primary key appended, so that no two rows tie.

    Without a key all other columns are, so that only rows alike in each of them tie. What is appended takes
    the last term's direction: an order of one direction stays one, which one index and one row comparison
    serve. Of `relations` those may be gone through that hold one row.
    With `near` it may be by the distance from a place. Raises InvalidArgument for an unknown, unorderable or
    repeated field (reason INVALID_ORDER_BY).
    """
    if len(text) > MAX_LENGTH:
        raise invalid_order(f"it has {len(text)} characters; at most {MAX_LENGTH} are allowed")
    terms: list[Term] = []
    for part in _COMMA.split(text) if text.strip() else ():
        found, number = _NEAR.fullmatch(part) if near else None, len(terms)
        term = _term(part, resource, relations, number) if found is None else _near(found, resource, number)
        if any(_is_same(term, other) for other in terms):
            raise invalid_order(f'it names "{_shown(term, resource)}" twice')
        terms.append(term)
    descending = terms[-1].descending if terms else False
    named = {term.column for term in terms}
    rest = resource.key_fields or [field for field in resource.fields if field.type.orderable]
    more = (Term(field.column, descending) for field in rest if field.column not in named)
    return (*terms, *more, *_by_text(resource, descending=descending))


def _by_text(resource: Resource, *, descending: bool) -> Iterator[Term]:
    """Yield what tells rows without a key apart where their values are equal, or don't sort."""
    for field in () if resource.primary_key else resource.fields:
        if not (field.type.orderable and field.type.tells_apart):
            yield Term(field.column, descending, as_text=True)


def _is_same(term: Term, other: Term) -> bool:
    if term.related is None or other.related is None:
        return term.column == other.column
    return term.related.path == other.related.path


def _shown(term: Term, resource: Resource) -> str:
    return resource.by_column[term.column].name if term.related is None else term.related.path


def _term(part: str, resource: Resource, relations: Relations, number: int) -> Term:
    match = _TERM.fullmatch(part)
    if match is None:
        raise invalid_order(
            f'"{part.strip()[:64]}" is no term; expected `field` or `field desc`, with commas between'
        )
    name, direction = match.groups()
    related = related_field(name, resource, relations)
    if related is not None:
        _check_sorts(name, related.field)
        column = f"{OWN_COLUMNS}order {number}"
        return Term(column, descending=direction == "desc", related=related)
    one = _field(name, resource)
    _check_sorts(name, one)
    return Term(one.column, descending=direction == "desc")


def _near(match: re.Match[str], resource: Resource, number: int) -> Term:
    name, latitude, longitude, direction = match.groups()
    one = _field(name, resource)
    if one.type.kind is not ValueKind.PLACE:
        raise invalid_order(f'distance takes a LatLng that is stored as geography; "{name}" is none')
    try:
        degrees = parse_float(latitude), parse_float(longitude)
        where = place(*degrees)
    except InvalidValueError as error:
        raise invalid_order(f'"{match[0].strip()[:64]}" {error.description}') from error
    alone = _is_misjudged(*degrees)
    return Term(one.column, direction == "desc", near=f"near_{number}", unindexed=alone, place=where)


def _is_misjudged(latitude: float, longitude: float) -> bool:
    """Whether PostGIS's index may hold something at a place to be farther away than it is.

    PostgreSQL then gives up: "index returned tuples in wrong order". The index keeps places as boxes of
    32-bit floats, whose rounding leaves room for that of the distances, to nanometres: but not within a metre
    or so of the planes of the equator and the meridians 0, 90 and 180, where one of the floats is tiny.
    """
    y, x = math.radians(latitude), math.radians(longitude)
    return min(abs(math.cos(y) * math.cos(x)), abs(math.cos(y) * math.sin(x)), abs(math.sin(y))) < _TINY


def _field(name: str, resource: Resource) -> Field:
    one = resource.by_name.get(name)
    if one is None:
        raise invalid_order(_unknown(name, resource))
    return one


def _check_sorts(name: str, field: Field) -> None:
    if not field.type.orderable:
        raise invalid_order(f'"{name}" is of kind {field.type.kind.value}, which has no order')


def _unknown(name: str, resource: Resource) -> str:
    first, _, below = name.partition(".")
    if below and first in resource.by_name:
        return f'"{name[:64]}" is inside of a field; rows are ordered by whole fields only'
    if name == resource.etag and resource.version is not None:
        return f'"{name}" is computed; order by "{resource.by_column[resource.version].name}" instead'
    return f'{resource.name} has no field "{name[:64]}"{did_you_mean(name, _orderable(resource.fields))}'


def _orderable(fields: tuple[Field, ...]) -> list[str]:
    return [field.name for field in fields if field.type.orderable]
