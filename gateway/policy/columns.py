"""Columns by role: the resource as a caller knows it, without what it may not read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.schema.model import Field, Resource, ServerSet, StandardMethod
from gateway.schema.tables.zeros import zero_literal


@dataclass(frozen=True, slots=True)
class ColumnLimits:
    """The fields that some caller may not have, by name.

    Args:
        hidden: those that it may not read, nor write.
        read_only: those that it may read, and not write.
        masked: those that it sees masked alone, and may not write.
        unreadable: those that it can't ask for.
        unwritable: those that it may not write.
        cache_key: tells these limits from others; empty where nothing is limited.

    """

    hidden: frozenset[str]
    read_only: frozenset[str]
    masked: frozenset[str]
    unreadable: frozenset[str] = field(compare=False)
    unwritable: frozenset[str] = field(compare=False)
    cache_key: str = field(compare=False)


def limits_of(resource: Resource, roles: frozenset[str]) -> ColumnLimits:
    """Return what a caller of some roles may not have of a resource."""
    unreadable = frozenset(f.name for f in resource.fields if _is_kept_from(f.access.read, roles))
    unwritable = unreadable | {f.name for f in resource.fields if _is_kept_from(f.access.write, roles)}
    masked = frozenset(f.name for f in resource.fields if f.access.mask is not None) & unreadable
    hidden, read_only = unreadable - masked, unwritable - unreadable
    cache_key = repr([sorted(names) for names in (hidden, read_only, masked)]) if unwritable else ""
    return ColumnLimits(hidden, read_only, masked, unreadable, unwritable, cache_key)


def has_limits(resource: Resource) -> bool:
    """Whether some columns aren't everybody's."""
    return any(field.access.read or field.access.write for field in resource.fields)


RelatedLimits = tuple[tuple[str, ColumnLimits], ...]
"""The limits of the resources that a method's relations lead to, by the full names of their messages."""


def narrowed(method: StandardMethod, limits: ColumnLimits, related: RelatedLimits = ()) -> StandardMethod:
    """Return a method for callers of such limits: to it, the resource has no hidden fields.

    Fields that may not be written are as those that only the server sets. Those that are masked are known
    where rows are answered alone. There is no relation by columns that the caller may not read.
    """
    others = {name: _narrowed_resource(method.related[name], one) for name, one in related}
    resource = _narrowed_resource(method.resource, limits)
    known = resource.askable.by_name
    equals = tuple((asked, known[field.name]) for asked, field in method.equals if field.name in known)
    item = method.item
    if item is not None:
        item = narrowed(item, limits, tuple(one for one in related if one[0] in item.related))
    return replace(
        method,
        resource=_with_relations_of(resource, others),
        related={name: _with_relations_of(one, others) for name, one in others.items()},
        equals=equals,
        item=item,
    )


def _with_relations_of(resource: Resource, related: Mapping[str, Resource]) -> Resource:
    """Return a resource with the relations that go by columns its caller may read, on both sides."""
    kept = tuple(
        relation
        for relation in resource.relations
        if relation.target in related
        and resource.askable.by_column.keys() >= {*relation.columns}
        and related[relation.target].askable.by_column.keys() >= {*relation.references}
    )
    return replace(resource, relations=kept)


def without_presets(method: StandardMethod) -> StandardMethod:
    """Return a method for callers of whom nothing is known: presets are columns as any other."""
    if not any(map(_has_presets, (method.resource, *method.related.values()))):
        return method
    resource = _without_presets(method.resource)
    equals = tuple((asked, resource.by_name[field.name]) for asked, field in method.equals)
    item = without_presets(method.item) if method.item is not None else None
    related = {name: _without_presets(one) for name, one in method.related.items()}
    return replace(method, resource=resource, equals=equals, item=item, related=related)


def _has_presets(resource: Resource) -> bool:
    return any(field.preset is not None for field in resource.fields)


def _without_presets(resource: Resource) -> Resource:
    return replace(resource, fields=tuple(replace(field, preset=None) for field in resource.fields))


def _narrowed_resource(resource: Resource, limits: ColumnLimits) -> Resource:
    fields = tuple(_narrowed_field(f, limits) for f in resource.fields if f.name not in limits.hidden)
    columns = {field.column for field in fields if not field.masked}
    return replace(
        resource,
        fields=fields,
        limits_key=limits.cache_key,
        unwritable=limits.unwritable,
        zeroed=tuple(field for field in resource.fields if _is_zeroed(field, limits)),
        unique=tuple(key for key in resource.unique if columns.issuperset(key.columns)),
        indexes=tuple(i for i in resource.indexes if columns.issuperset(part.column for part in i.columns)),
        checks=tuple(check for check in resource.checks if columns.issuperset(check.columns)),
        foreign_keys=tuple(key for key in resource.foreign_keys if columns.issuperset(key.columns)),
        constraints=_narrowed_constraints(resource.constraints, columns),
        search=resource.search.within(columns) if resource.search is not None else None,
    )


def _narrowed_field(field: Field, limits: ColumnLimits) -> Field:
    unwritable = field.name in limits.unwritable and field.writable
    server_set = ServerSet.OUTPUT_ONLY if unwritable else field.server_set
    return replace(field, server_set=server_set, masked=field.name in limits.masked)


def _is_zeroed(field: Field, limits: ColumnLimits) -> bool:
    """Whether nothing fills the column in new rows of callers who may not write it."""
    unwritten = field.name in limits.unwritable and field.writable and not field.zero_is_default
    return unwritten and zero_literal(field) is not None


def _narrowed_constraints(
    constraints: Mapping[str, tuple[str, ...]] | None, columns: set[str]
) -> Mapping[str, tuple[str, ...]] | None:
    if constraints is None:
        return None
    return {name: parts for name, parts in constraints.items() if columns.issuperset(parts)}


def _is_kept_from(allowed: frozenset[str], roles: frozenset[str]) -> bool:
    return bool(allowed) and allowed.isdisjoint(roles)
