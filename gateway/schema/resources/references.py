"""References settled once every table is known: their target columns are filled in."""

from collections.abc import Mapping
from dataclasses import replace

from gateway.schema.model import ForeignKey, Resource

Tables = Mapping[tuple[str, str], Resource]


def settle_references(resources: Mapping[str, Resource]) -> dict[str, Resource]:
    """Return the resources with every reference's target named by columns, not by proto fields."""
    tables = {(resource.schema, resource.table): resource for resource in resources.values()}
    return {name: _settle(resource, tables) for name, resource in resources.items()}


def _settle(resource: Resource, tables: Tables) -> Resource:
    return replace(resource, foreign_keys=tuple(_settle_key(key, tables) for key in resource.foreign_keys))


def _settle_key(key: ForeignKey, tables: Tables) -> ForeignKey:
    target = tables.get((key.target_schema, key.target_table))
    if target is None:
        return key
    by_name = target.by_name
    named = tuple(by_name[name].column if name in by_name else name for name in key.target_columns)
    return replace(key, target_columns=named or target.primary_key)
