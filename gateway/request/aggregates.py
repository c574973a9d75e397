"""What an Aggregate method computes: its filters and orders, checked against the resource."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.errors import InvalidArgument
from gateway.request.filter import Filter, parse_filter
from gateway.request.filter.related.columns import columns_of
from gateway.request.pages.order import Order, parse_order
from gateway.schema.aggregation import Aggregate, Aggregation, aggregate_methods
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.model import Resource, Schema


@dataclass(frozen=True, slots=True)
class Computed:
    """What is computed of a group.

    Args:
        aggregate: as it is declared.
        filter: the rows that count.
        order: theirs, where it matters.

    """

    aggregate: Aggregate
    filter: Filter
    order: Order = ()

    @property
    def columns(self) -> frozenset[str]:
        """The resource's columns that it tells of."""
        source = self.aggregate.source
        asked = columns_of(self.filter.shape) if self.filter.shape is not None else frozenset()
        named = {source.column} if source is not None else set()
        return asked | named | {term.column for term in self.order}


def check_aggregations(schema: Schema) -> None:
    """Raise SchemaError for each filter and order of an Aggregate method's rows that is wrong."""
    every = (method.aggregation for method in aggregate_methods(schema))
    found = {one.message.full_name: one for one in every}
    wrong = [diagnostic for one in found.values() for diagnostic in _wrong(one)]
    if wrong:
        raise SchemaError(wrong)


def computed_of(aggregation: Aggregation) -> tuple[Computed, ...]:
    """Return what a method computes; raises InvalidArgument for what check_aggregations refuses."""
    return tuple(_computed(one, aggregation.resource) for one in aggregation.aggregates)


def _wrong(aggregation: Aggregation) -> Iterator[Diagnostic]:
    for one in aggregation.aggregates:
        try:
            _computed(one, aggregation.resource)
        except InvalidArgument as error:
            line, file = aggregation.lines.get(one.field.name, 0), aggregation.message.file.name
            yield Diagnostic(file, line, one.field.descriptor.full_name, str(error.violations[0].description))


def _computed(aggregate: Aggregate, resource: Resource) -> Computed:
    text = aggregate.order_by
    order = parse_order(text, resource) if text else ()
    if not resource.primary_key:
        order = order[: text.count(",") + 1]  # what is appended may be hidden from a caller
    return Computed(aggregate, parse_filter(aggregate.filter, resource), order)
