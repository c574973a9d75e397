"""Fields of other rows that rows are ordered by: `airline.name`, by relations that hold one row each."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.errors import InvalidArgument
from gateway.errors.suggest import did_you_mean
from gateway.request.calls.call import Call
from gateway.request.filter.context import Context
from gateway.request.filter.plan import Filter, Hop, Predicate
from gateway.request.filter.related.embedded import held_by
from gateway.request.filter.related.relations import Relations
from gateway.request.masks import MAX_DEPTH
from gateway.schema.model import Field, Resource


@dataclass(frozen=True, slots=True, repr=False)
class RelatedField:
    """A field of the row that relations lead to.

    Args:
        path: as the order names it.
        hops: the way, and what rows have to be on it, with binds of the field's own.
        values: of those binds.
        field: the field.

    """

    path: str
    hops: tuple[tuple[Hop, tuple[Predicate, ...]], ...]
    values: Filter = dataclasses.field(compare=False)
    field: Field = dataclasses.field(compare=False)

    def __repr__(self) -> str:
        return f"RelatedField({self.path})"

    def column(self, name: str) -> Field:
        """Return it as a column of the rows that are ordered, which is NULL where no row is there."""
        return replace(self.field, name=name, column=name, nullable=True, has_presence=True)

    def prefix(self, rows: str = "") -> str:
        """Return what the names of the binds' parameters begin with, in the order of some rows."""
        return f"{rows} order by {self.path}"

    def arguments(self, call: Call, rows: str = "") -> Mapping[str, Any]:
        """Return the values of the binds by the names of their parameters, as a call asks."""
        now = call.time() if self.values.is_relative else 0
        return self.values.arguments(now, call.principal, self.prefix(rows))


def related_field(path: str, resource: Resource, relations: Relations) -> RelatedField | None:
    """Return the field that a term of an order leads to by relations; None where it begins with none.

    Raises InvalidArgument where it leads to none.
    """
    *steps, last = path.split(".")
    context = Context(path)
    hops: list[tuple[Hop, tuple[Predicate, ...]]] = []
    for name in steps:
        relation = relations.find(resource, name)
        if relation is None:
            break
        if relation.is_many:
            raise invalid_order(f'"{path[:64]}" is of several rows: "{name}" holds more than one')
        if len(hops) == MAX_DEPTH:
            raise invalid_order(f'"{path[:64]}" goes through more than {MAX_DEPTH} relations')
        hop = relations.hop(relation)
        hops.append((hop, held_by(context, hop)))
        resource = relations.target(relation)
    if not hops:
        return None
    field = resource.by_name.get(last) if len(hops) == len(steps) else None
    if field is None:
        unknown = last if len(hops) == len(steps) else steps[len(hops)]
        hint = did_you_mean(unknown, resource.by_name)
        raise invalid_order(f'{resource.name} has no field "{unknown[:64]}" to order by{hint}')
    return RelatedField(path, tuple(hops), Filter(None, context.values()), field)


def invalid_order(description: str) -> InvalidArgument:
    """Return the error of an order."""
    return InvalidArgument.field("order_by", f"is no order: {description}", reason="INVALID_ORDER_BY")
