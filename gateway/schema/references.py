"""References settled once every table is known: what they refer to, and whether they can."""

from collections.abc import Mapping
from dataclasses import replace

from gateway.schema.faults import Faults, suggestion
from gateway.schema.model import ForeignKey, Resource

Tables = Mapping[tuple[str, str], Resource]


def settle_references(resources: Mapping[str, Resource], faults: Faults) -> dict[str, Resource]:
    """Return the resources with every reference's target columns filled in; `faults` takes what is wrong."""
    tables = {(resource.schema, resource.table): resource for resource in resources.values()}
    return {name: _settle(resource, tables, faults) for name, resource in resources.items()}


def _settle(resource: Resource, tables: Tables, faults: Faults) -> Resource:
    keys = tuple(_settle_key(resource, key, tables, faults) for key in resource.foreign_keys)
    return replace(resource, foreign_keys=keys)


def _settle_key(resource: Resource, key: ForeignKey, tables: Tables, faults: Faults) -> ForeignKey:
    target = tables.get((key.target_schema, key.target_table))
    if target is None:
        if key.enforced:
            where = _place(resource, key)
            faults.add(
                where,
                f'reference to the unknown table "{key.target_table}"',
                suggestion(key.target_table, [table for _, table in tables]),
            )
        return key
    named = [target.by_name[name].column for name in key.target_columns if name in target.by_name]
    columns = tuple(named) or target.primary_key
    return replace(key, target_columns=columns)


def _place(resource: Resource, key: ForeignKey) -> str:
    if len(key.columns) > 1:
        return str(resource.message.full_name)
    return str(resource.by_column[key.columns[0]].descriptor.full_name)
