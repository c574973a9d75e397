"""order_by: text → the order of rows, always ending in what tells them apart (AIP-132)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.errors import InvalidArgument
from gateway.errors.suggest import did_you_mean
from gateway.schema.model import Field, Resource

MAX_LENGTH = 1024
"""The most characters of an order."""

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


Order = tuple[Term, ...]


def order_columns(order: Order) -> tuple[str, ...]:
    """Return the columns of an order, each once."""
    return tuple(dict.fromkeys(term.column for term in order))


def parse_order(text: str, resource: Resource) -> Order:
    """Return the order that `order_by` asks for, with the primary key appended, so that no two rows tie.

    Without a key all other columns are, so that only rows alike in each of them tie. What is appended takes
    the last term's direction: an order of one direction stays one, which one index and one row comparison
    serve.
    Raises InvalidArgument for an unknown, unorderable or repeated field (reason INVALID_ORDER_BY).
    """
    if len(text) > MAX_LENGTH:
        raise _invalid(f"it has {len(text)} characters; at most {MAX_LENGTH} are allowed")
    terms: list[Term] = []
    for part in text.split(",") if text.strip() else ():
        term = _term(part, resource)
        if any(term.column == other.column for other in terms):
            raise _invalid(f'it names "{part.split()[0]}" twice')
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


def _term(part: str, resource: Resource) -> Term:
    match = _TERM.fullmatch(part)
    if match is None:
        raise _invalid(
            f'"{part.strip()[:64]}" is no term; expected `field` or `field desc`, with commas between'
        )
    name, direction = match.groups()
    field = resource.by_name.get(name)
    if field is None:
        raise _invalid(_unknown(name, resource))
    if not field.type.orderable:
        raise _invalid(f'"{name}" is of kind {field.type.kind.value}, which has no order')
    return Term(field.column, descending=direction == "desc")


def _unknown(name: str, resource: Resource) -> str:
    first, _, below = name.partition(".")
    if below and first in resource.by_name:
        return f'"{name[:64]}" is inside of a field; rows are ordered by whole fields only'
    if name == resource.etag and resource.version is not None:
        return f'"{name}" is computed; order by "{resource.by_column[resource.version].name}" instead'
    return f'{resource.name} has no field "{name[:64]}"{did_you_mean(name, _orderable(resource.fields))}'


def _orderable(fields: tuple[Field, ...]) -> list[str]:
    return [field.name for field in fields if field.type.orderable]


def _invalid(description: str) -> InvalidArgument:
    return InvalidArgument.field("order_by", f"is no order: {description}", reason="INVALID_ORDER_BY")
