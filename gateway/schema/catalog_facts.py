"""A schema whose resources know what their tables have in the database.

Others name theirs otherwise than Rowgate, and have some that the schema doesn't name. PostgreSQL's errors
name the constraint, and which fields are wrong is found by that name. Beside a deferrable key of theirs
ON CONFLICT has to name another. And what a domain is over is known there alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gateway.schema.model import Field, Method, Resource, Schema
from gateway.schema.types.domains import within


@dataclass(frozen=True, slots=True)
class FoundTable:
    """What is known of a table in the database.

    Args:
        constraints: the columns of each constraint and unique index, by name.
        has_deferrable_keys: whether a unique or exclusion constraint is deferrable.
        bases: the types that columns' domains are over, by column.

    """

    constraints: Mapping[str, tuple[str, ...]]
    has_deferrable_keys: bool = False
    bases: Mapping[str, str] = field(default_factory=dict)


Found = Mapping[tuple[str, str], FoundTable]
"""What is known of tables, by schema and name."""


def with_found(schema: Schema, found: Found) -> Schema:
    """Return the schema with what its tables have in the database."""
    resources = {name: _resource(resource, found) for name, resource in schema.resources.items()}
    services = {
        name: replace(service, methods=tuple(_method(method, resources) for method in service.methods))
        for name, service in schema.services.items()
    }
    return Schema(MappingProxyType(resources), MappingProxyType(services))


def _resource(resource: Resource, found: Found) -> Resource:
    table = found.get((resource.schema, resource.table), FoundTable({}))
    return replace(
        resource,
        fields=tuple(_limited(one, table.bases) for one in resource.fields),
        constraints=table.constraints,
        has_deferrable_keys=table.has_deferrable_keys,
    )


def _limited(one: Field, bases: Mapping[str, str]) -> Field:
    if one.column not in bases or not one.type.text_cast:
        return one
    return replace(one, type=within(one.type, bases[one.column]))


def _method(method: Method, resources: Mapping[str, Resource]) -> Method:
    return replace(
        method,
        resource=resources[method.resource.message.full_name],
        item=_method(method.item, resources) if method.item is not None else None,
    )
