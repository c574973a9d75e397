"""Requirements of methods on their resource: a key, which requests set; soft delete, a version, an etag."""

from collections.abc import Collection, Iterable, Iterator

from gateway.schema.model import Field, MethodKind, Resource, StandardMethod

WITHOUT_KEY = (
    *(MethodKind.LIST, MethodKind.COUNT, MethodKind.STREAM),
    *(MethodKind.AGGREGATE, MethodKind.EXISTS),
)
"""The methods that rows without a key have."""


def lacks_key(kind: MethodKind, resource: Resource) -> bool:
    """Return whether the method needs a key that the resource lacks: one that is managed is wrong itself."""
    return not resource.managed and not resource.primary_key and kind not in WITHOUT_KEY


def needs(kind: MethodKind, bound: StandardMethod, resource: Resource) -> Iterator[tuple[str, str]]:
    """Yield what is wrong and what would be right for each need that the resource doesn't meet."""
    roles = {*bound.request, *(bound.item.request if bound.item else ())}
    table = resource.message.full_name
    if kind is MethodKind.UNDELETE and resource.soft_delete is None:
        yield f"undeletes {table}, which has no soft delete", "say (rowgate.v1.table).soft_delete"
    if "show_deleted" in roles and resource.soft_delete is None:
        yield f"has show_deleted, but {table} has no soft delete", "say (rowgate.v1.table).soft_delete"
    if "etag" in roles and resource.etag is None:
        yield f"has an etag, but {table} has none", "say (rowgate.v1.table).etag"
    if (key := set_by_server(resource, resource.primary_key)) is not None:
        yield from _other_keys(kind, roles, f'the key field "{key.name}" is set by the server')


def set_by_server(resource: Resource, columns: Iterable[str]) -> Field | None:
    """Return the first field of a key that requests can't set; None where they set all of it."""
    return next((field for column in columns if not (field := resource.by_column[column]).writable), None)


def _other_keys(kind: MethodKind, roles: Collection[str], why: str) -> Iterator[tuple[str, str]]:
    """Yield what would store a row under another key than the request's."""
    if "allow_missing" in roles and kind in (MethodKind.UPDATE, MethodKind.BATCH_UPDATE):
        yield f"has allow_missing, but {why}: a missing row would get another one", "leave it out"
    if kind is MethodKind.BULK_UPSERT and "conflict_target" not in roles:
        yield f"finds rows by their key, but {why}", "add conflict_target, for requests to name a unique key"
