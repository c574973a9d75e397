"""What a method reads by relations: statements' part, responses' part, and the values of what is bound."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from gateway.errors import InvalidArgument
from gateway.methods.engine import Engine
from gateway.policy.row_rules import caller_values, read_rule
from gateway.request.calls.call import Call
from gateway.request.filter.related.relations import Relations
from gateway.request.masks import Mask, RelationMask
from gateway.request.pages.order import Term
from gateway.request.paths import Steps
from gateway.request.relations.arguments import AskedRows, AskedShape, asked_rows, wrong_arguments
from gateway.response.related import RelatedShape
from gateway.response.shape import RowShape
from gateway.schema.model import StandardMethod
from gateway.sql.dialect import lists_rows
from gateway.sql.reads.relations import RelatedRows, bound_values, limit_of
from gateway.sql.reads.select import selected

MAX_LISTED = 10_000
"""The most rows that lists within lists may have of one row, as their limits say."""

Shapes = tuple[AskedShape, ...]
"""What a request asks of relations, as far as it makes the statement."""


class AskedReader:
    """Reads what requests of one method ask of relations.

    Args:
        method: the method.
        relations: those that it may go through.

    """

    def __init__(self, method: StandardMethod, relations: Relations) -> None:
        self._method = method
        self._relations = relations
        field = method.request.get("relations")
        self._name = field.name if field is not None else None

    def __call__(self, request: Message) -> Sequence[AskedRows]:
        """Return what a request asks; raises InvalidArgument."""
        if self._name is None or not (given := getattr(request, self._name)):
            return ()
        return asked_rows(given, self._method.resource, self._relations, self._name)


@dataclass(frozen=True, slots=True)
class Related:
    """What requests of one shape read by relations.

    Args:
        rows: what statements read.
        shapes: what responses show.

    """

    rows: tuple[RelatedRows, ...]
    shapes: tuple[RelatedShape, ...]

    def values(self, engine: Engine, call: Call, asked: Sequence[AskedRows] = ()) -> Mapping[str, Any]:
        """Return the values of all that is bound for relations, by their parameters' names.

        Raises InvalidArgument for lists that would be too long together.
        """
        limits = {one.shape.steps: one.limit for one in asked}
        for one in self.rows:
            _check_listed(one, 1, limits)
        return bound_values(
            self.rows,
            lambda one: caller_values(engine.rules_of(one), call.principal),
            call,
            {one.shape.steps: (one.filter, one.limit) for one in asked},
        )


NONE = Related((), ())
"""Of rows that have no relations, or of which none is read."""


def related_of(mask: Mask, engine: Engine, asked: Shapes = ()) -> Related:
    """Return what a mask names of relations, and a request asks of them.

    Raises InvalidArgument where it asks something of what the mask doesn't name.
    """
    named = {*_steps(mask, ())}
    for one in asked:
        if one.steps not in named:
            wrong = f'"{".".join(one.steps)}" isn\'t read: name it in the read mask'
            raise wrong_arguments("relations", wrong)
    return _all_of(mask, engine, {one.steps: one for one in asked}, ())


def _steps(mask: Mask, above: Steps) -> Iterator[Steps]:
    for one in mask.relations:
        steps = (*above, one.relation.name)
        yield steps
        yield from _steps(one.mask, steps)


def _all_of(mask: Mask, engine: Engine, asked: Mapping[Steps, AskedShape], above: Steps) -> Related:
    both = [_related(one, engine, asked, (*above, one.relation.name)) for one in mask.relations]
    return Related(tuple(rows for rows, _ in both), tuple(shape for _, shape in both))


def _related(
    named: RelationMask, engine: Engine, asked: Mapping[Steps, AskedShape], steps: Steps
) -> tuple[RelatedRows, RelatedShape]:
    relation, resource = named.relation, named.resource
    declared = engine.relations[relation.descriptor.full_name]
    if relation.is_many and not lists_rows(declared.source, resource):
        wrong = f'"{".".join(steps)}" is a list of rows in shards, which Citus can\'t send: read them apart'
        raise InvalidArgument.field("read_mask", wrong, reason="LIST_IN_SHARDS")
    below = _all_of(named.mask, engine, asked, steps)
    fields = selected(resource, named.mask, tuple(map(Term, relation.references)))
    shape = asked.get(steps)
    rows = RelatedRows(
        relation=relation,
        steps=steps,
        rows=declared,
        table=engine.table(resource),
        fields=fields,
        rule=read_rule(engine.rules_of(resource)),
        order=declared.order if shape is None or shape.order is None else shape.order,
        asked=None if shape is None else shape.filter,
        related=below.rows,
    )
    return rows, RelatedShape(relation, RowShape(resource, fields, named.mask), below.shapes)


def _check_listed(one: RelatedRows, above: int, limits: Mapping[Steps, int]) -> None:
    listed = above * limit_of(one, limits.get(one.steps, 0))
    if listed > MAX_LISTED:
        where = ".".join(one.steps)
        wrong = f'"{where}" may hold {listed:,} rows of one row, at most {MAX_LISTED:,} are read: limit them'
        raise InvalidArgument.field("read_mask", wrong, reason="TOO_MANY_RELATED_ROWS")
    for inner in one.related:
        _check_listed(inner, listed, limits)
