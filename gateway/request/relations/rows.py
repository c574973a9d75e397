"""Which rows a relation holds, as its schema says: a filter and an order over the other resource."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from gateway.errors import InvalidArgument
from gateway.request.filter import Filter, parse_filter
from gateway.request.filter.related.hops import Hops
from gateway.request.pages.order import Order, parse_order
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.model import Relation, Resource, Schema

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RelationRows:
    """The rows of one relation.

    Args:
        source: the resource that has it.
        target: the resource of the rows, with all columns: a filter may ask for some that are hidden.
        filter: which of them.
        order: in which order.

    """

    source: Resource
    target: Resource
    filter: Filter
    order: Order


def relation_rows(schema: Schema, hops: Hops) -> Mapping[str, RelationRows]:
    """Return the rows of each relation, by its field's full name; raises SchemaError for wrong ones.

    Args:
        schema: has the relations.
        hops: the ways by them, which their filters may go.

    """
    wrong: list[Diagnostic] = []
    rows = {
        str(relation.descriptor.full_name): _rows(
            resource, relation, schema.resources[relation.target], hops, wrong
        )
        for resource, relation in _relations(schema)
    }
    if wrong:
        raise SchemaError(wrong)
    return rows


def _relations(schema: Schema) -> Iterator[tuple[Resource, Relation]]:
    for resource in schema.resources.values():
        for relation in resource.relations:
            yield resource, relation


def _rows(
    resource: Resource, relation: Relation, target: Resource, hops: Hops, wrong: list[Diagnostic]
) -> RelationRows:
    def checked(parse: Callable[[str], T], option: str, otherwise: T) -> T:
        try:
            return parse(getattr(relation, option))
        except InvalidArgument as error:
            where = f"{relation.descriptor.full_name}, relation.{option}"
            text = error.violations[0].description
            wrong.append(Diagnostic(resource.message.file.name, relation.line, where, text))
            return otherwise

    asked = checked(lambda text: parse_filter(text, target, hops.relations), "filter", Filter(None, ()))
    nothing: Order = ()
    order = checked(lambda text: parse_order(text, target, hops.relations), "order_by", nothing)
    hops(relation)  # what is wrong there is refused at the start
    return RelationRows(resource, target, asked, order)
