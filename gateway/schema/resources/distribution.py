"""`distribute_by`, `reference` and `colocate_with`: how Citus spreads a table's rows over its nodes."""

from collections.abc import Mapping
from dataclasses import replace

from rowgate.v1.annotations_pb2 import TableOptions

from gateway.schema.model import Distribution, Resource
from gateway.schema.resources.keys import TableReader

_Distributions = Mapping[tuple[str, str], Distribution | None]
"""By the schema and name of the table."""


def read_distribution(table: TableReader, options: TableOptions) -> Distribution | None:
    """Return how the table's rows are spread; None where they are on one node."""
    column = table.column(options.distribute_by, "distribute_by")
    if options.reference and options.distribute_by:
        wrong = "is a reference table, and distributed by a field"
        table.diagnostics.add(table.message.full_name, wrong, "leave reference or distribute_by out")
    if options.colocate_with and not options.distribute_by:
        wrong = "colocate_with is for tables that are distributed by a field"
        table.diagnostics.add(table.message.full_name, wrong, "say distribute_by, or leave it out")
    if column is None:
        return Distribution(None) if options.reference else None
    schema, _, name = options.colocate_with.rpartition(".")
    return Distribution(column, (schema or table.schema, name) if name else None)


def settle_distributions(resources: Mapping[str, Resource]) -> dict[str, Resource]:
    """Return the resources, each with the table that those beside it name at last."""
    tables = {(one.schema, one.table): one.distribution for one in resources.values()}
    return {name: _settle(resource, tables) for name, resource in resources.items()}


def _settle(resource: Resource, tables: _Distributions) -> Resource:
    distribution = resource.distribution
    if distribution is None or distribution.column is None:
        return resource
    return replace(resource, distribution=replace(distribution, group=_group(resource, tables)))


def _group(resource: Resource, tables: _Distributions) -> tuple[str, str] | None:
    """Return the table that is named at last; None where the names lead back."""
    place = (resource.schema, resource.table)
    passed = {place}
    while (there := tables.get(place)) is not None and there.colocate_with is not None:
        place = there.colocate_with
        if place in passed:
            return None
        passed.add(place)
    return place
