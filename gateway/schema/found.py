"""A schema whose resources know the constraints of their tables by the names that the database has for them.

Others name theirs otherwise than Rowgate, and have some that the schema doesn't name. PostgreSQL's errors
name the constraint, and which fields are at fault is found by that name.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from gateway.schema.model import Method, Resource, Schema

Constraints = Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]]
"""The columns of each constraint and unique index, by schema and table, then by name."""


def with_constraints(schema: Schema, found: Constraints) -> Schema:
    """Return the schema with what its tables have in the database."""
    resources = {
        name: replace(resource, constraints=found.get((resource.schema, resource.table), {}))
        for name, resource in schema.resources.items()
    }
    services = {
        name: replace(service, methods=tuple(_method(method, resources) for method in service.methods))
        for name, service in schema.services.items()
    }
    return Schema(MappingProxyType(resources), MappingProxyType(services))


def _method(method: Method, resources: Mapping[str, Resource]) -> Method:
    return replace(
        method,
        resource=resources[method.resource.message.full_name],
        item=_method(method.item, resources) if method.item is not None else None,
    )
