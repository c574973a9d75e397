"""A schema whose resources know what their tables have in the database.

Others name theirs otherwise than Rowgate, and have some that the schema doesn't name. PostgreSQL's errors
name the constraint, and which fields are wrong is found by that name. Beside a deferrable key of theirs
ON CONFLICT has to name another. And what a domain is over is known there alone. Of tables that others manage,
so are which columns may be NULL, and what fills those that a new row has no value for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gateway.schema.model import Field, Method, Resource, Schema, ServerSet, StandardMethod
from gateway.schema.resources.fields import lacks_zero
from gateway.schema.types.domains import within
from gateway.schema.values import ValueKind


@dataclass(frozen=True, slots=True)
class FoundColumn:
    """What is known of a column in the database.

    Args:
        nullable: whether it may be NULL.
        default: its default, an SQL expression.
        generated: the expression by which PostgreSQL computes it.
        numbered: whether PostgreSQL numbers its rows, as an identity or from a sequence.
        base: the type that its domain is over.

    """

    nullable: bool
    default: str | None = None
    generated: str | None = None
    numbered: bool = False
    base: str | None = None


@dataclass(frozen=True, slots=True)
class FoundTable:
    """What is known of a table in the database.

    Args:
        constraints: the columns of each constraint and unique index, by name.
        has_deferrable_keys: whether a unique or exclusion constraint is deferrable.
        columns: its columns, by name.
        is_view: whether it is a view, or anything else whose rows PostgreSQL doesn't keep itself.
        writes: those of INSERT, UPDATE and DELETE that it can be written by.
        parts: the names of its partitions.
        is_exact: whether the nearest vectors are looked for in all rows: an index would give up too soon.

    """

    constraints: Mapping[str, tuple[str, ...]]
    has_deferrable_keys: bool = False
    columns: Mapping[str, FoundColumn] = field(default_factory=dict)
    is_view: bool = False
    writes: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    is_exact: bool = False


Found = Mapping[tuple[str, str], FoundTable]
"""What is known of tables, by schema and name."""


def with_found(schema: Schema, found: Found) -> Schema:
    """Return the schema with what its tables have in the database."""
    resources = {name: _resource(resource, found) for name, resource in schema.resources.items()}
    services = {
        name: replace(service, methods=tuple(_rpc(method, resources) for method in service.methods))
        for name, service in schema.services.items()
    }
    return Schema(MappingProxyType(resources), MappingProxyType(services))


def _resource(resource: Resource, found: Found) -> Resource:
    table = found.get((resource.schema, resource.table), FoundTable({}))
    return replace(
        resource,
        fields=tuple(_field(one, resource, table.columns.get(one.column)) for one in resource.fields),
        constraints=table.constraints,
        has_deferrable_keys=table.has_deferrable_keys,
        is_view=table.is_view,
        parts=table.parts,
        search=resource.search.exact() if resource.search and table.is_exact else resource.search,
    )


def _field(one: Field, resource: Resource, found: FoundColumn | None) -> Field:
    if found is None:
        return one
    known = one if resource.managed else _as_found(one, found, is_key=one.column in resource.primary_key)
    return replace(known, type=within(one.type, found.base)) if found.base and one.type.text_cast else known


def _as_found(one: Field, found: FoundColumn, *, is_key: bool) -> Field:
    """Return a field of a table that others manage: the schema needn't say what fills its column."""
    numbered = found.numbered and one.type.kind is ValueKind.INTEGER
    default = None if numbered else found.default
    filled = numbered or (default is not None and lacks_zero(one.descriptor, one.type.kind))
    computed = found.generated is not None and one.server_set is ServerSet.NO
    return replace(
        one,
        nullable=found.nullable and not is_key,
        default=default,
        generated=found.generated,
        identity=numbered,
        server_set=ServerSet.GENERATED if computed else one.server_set,
        zero_is_default=filled and not one.has_presence,
    )


def _rpc(method: Method, resources: Mapping[str, Resource]) -> Method:
    return _method(method, resources) if isinstance(method, StandardMethod) else method


def _method(method: StandardMethod, resources: Mapping[str, Resource]) -> StandardMethod:
    return replace(
        method,
        resource=resources[method.resource.message.full_name],
        item=_method(method.item, resources) if method.item is not None else None,
        related={name: resources[name] for name in method.related},
    )
