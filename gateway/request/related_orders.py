"""Fields of other rows that rows are ordered by: `airline.name`, by relations that hold one row each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.auth.principal import Principal
from gateway.errors import InvalidArgument
from gateway.errors.suggest import did_you_mean
from gateway.request.filter.context import Context
from gateway.request.filter.plan import Filter, Hop, Predicate
from gateway.request.filter.related.embedded import held_by
from gateway.request.filter.related.relations import Relations
from gateway.request.masks import MAX_DEPTH
from gateway.schema.model import Field, Resource


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RelatedField:
    """A field of the row that relations lead to. Told apart by identity: an order is read once for each text.

    Args:
        path: as the order names it.
        hops: the way, and what rows have to be on it, with binds of the field's own.
        values: of those binds.
        field: the field.

    """

    path: str
    hops: tuple[tuple[Hop, tuple[Predicate, ...]], ...]
    values: Filter
    field: Field

    def __repr__(self) -> str:
        return f"RelatedField({self.path})"

    def column(self, name: str) -> Field:
        """Return it as a column of the rows that are ordered, which is NULL where no row is there."""
        return replace(self.field, name=name, column=name, nullable=True, has_presence=True)

    @property
    def prefix(self) -> str:
        """What the names of the binds' parameters begin with."""
        return f"order by {self.path}"

    def arguments(self, now: int, caller: Principal) -> Mapping[str, Any]:
        """Return the values of the binds by the names of their parameters, as `caller` asks at `now`."""
        return self.values.arguments(now, caller, self.prefix)


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
