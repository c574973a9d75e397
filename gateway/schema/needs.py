"""What a method's roles need of its resource: a soft delete, a version, an etag."""

from collections.abc import Iterator

from gateway.schema.model import Method, MethodKind, Resource


def needs(kind: MethodKind, bound: Method, resource: Resource) -> Iterator[tuple[str, str]]:
    """Yield what is wrong and what would be right for each need that the resource doesn't meet."""
    roles = {*bound.request, *(bound.item.request if bound.item else ())}
    table = resource.message.full_name
    if kind is MethodKind.UNDELETE and resource.soft_delete is None:
        yield f"undeletes {table}, which has no soft delete", "say (rowgate.v1.table).soft_delete"
    if "show_deleted" in roles and resource.soft_delete is None:
        yield f"has show_deleted, but {table} has no soft delete", "say (rowgate.v1.table).soft_delete"
    if "etag" in roles and resource.etag is None:
        yield f"has an etag, but {table} has none", "say (rowgate.v1.table).etag"
