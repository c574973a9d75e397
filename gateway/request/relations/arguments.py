"""What a request asks of the rows that relations hold: a filter, an order and a limit for each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.errors import FieldViolation, InvalidArgument
from gateway.errors.suggest import did_you_mean
from gateway.request.filter import Filter, parse_filter
from gateway.request.filter.plan import Predicate
from gateway.request.filter.related.relations import Relations
from gateway.request.masks import MAX_RELATIONS, Related
from gateway.request.pages.order import Order, parse_order
from gateway.request.paths import InvalidPathError, Steps, split_path
from gateway.schema.model import Relation, Resource

_ALL = "*"


class AskedShape(NamedTuple):
    """What of a request's arguments makes its statement.

    Args:
        steps: the names of the relations that lead to it, its own last.
        filter: what its rows have to meet beside the schema's filter; None where nothing.
        order: their order; None for the schema's.

    """

    steps: Steps
    filter: Predicate | None
    order: Order | None


@dataclass(frozen=True, slots=True)
class AskedRows:
    """What a request asks of the rows of one relation.

    Args:
        shape: what makes the statement.
        filter: the filter, with its values.
        limit: how many rows; 0 for as many as the schema says.
        path: where the request says so.

    """

    shape: AskedShape
    filter: Filter
    limit: int
    path: str


def asked_rows(given: Iterable[Any], resource: Resource, relations: Relations, path: str) -> list[AskedRows]:
    """Return what a request asks of relations of `resource`; raises InvalidArgument where that is wrong.

    Args:
        given: the request's rowgate.v1.RelationArguments.
        resource: of the rows that the request reads.
        relations: those that lead to others.
        path: the name of the request's field.

    """
    asked = [_asked(one, resource, relations, f"{path}[{i}]") for i, one in enumerate(_bounded(given, path))]
    seen: set[Steps] = set()
    for one in asked:
        if one.shape.steps in seen:
            raise wrong_arguments(f"{one.path}.path", "is named before")
        seen.add(one.shape.steps)
    return asked


def wrong_arguments(path: str, wrong: str) -> InvalidArgument:
    """Return the error of what a request asks of relations."""
    return InvalidArgument.field(
        path, f"asks relations for what they can't give: {wrong}", reason="INVALID_RELATION_ARGUMENTS"
    )


def _bounded(given: Iterable[Any], path: str) -> list[Any]:
    arguments = list(given)
    if len(arguments) > MAX_RELATIONS:
        raise wrong_arguments(path, f"has more than {MAX_RELATIONS} arguments")
    return arguments


def _asked(given: Any, resource: Resource, relations: Relations, path: str) -> AskedRows:
    *above, last = _relations(given.path, resource, relations.resources, f"{path}.path")
    target = relations.target(last)
    if not last.is_many and (given.order_by or given.limit):
        wrong = f'"{last.name}" holds one row: leave order and limit out'
        raise wrong_arguments(path, wrong)
    if given.limit < 0:
        raise wrong_arguments(f"{path}.limit", "must not be negative")
    try:
        asked = parse_filter(given.filter, target, relations)
        order = parse_order(given.order_by, target, relations) if given.order_by.strip() else None
    except InvalidArgument as error:
        raise _below(error, path) from error
    steps = tuple(one.name for one in (*above, last))
    return AskedRows(AskedShape(steps, asked.shape, order), asked, given.limit, path)


def _relations(text: str, resource: Resource, related: Related, path: str) -> Iterator[Relation]:
    """Yield the relations that a path goes through."""
    try:
        steps = split_path(text)
    except InvalidPathError as error:
        raise wrong_arguments(path, str(error)) from error
    inside = False
    for step in steps:
        if inside and step == _ALL:
            inside = False
            continue
        relation = None if inside else resource.relation_by_name.get(step)
        if relation is None:
            hint = "" if inside else did_you_mean(step, resource.relation_by_name)
            raise wrong_arguments(path, f'"{text[:64]}" leads to no relation{hint}')
        yield relation
        resource, inside = related[relation.target], relation.is_many


def _below(error: InvalidArgument, path: str) -> InvalidArgument:
    """Return an error of a filter or an order with its place in the request."""
    told = [FieldViolation(f"{path}.{one.field}", one.description, one.reason) for one in error.violations]
    return InvalidArgument(f"{path}.{error.message}", reason=error.reason, violations=told)
