"""Methods that write to views: PostgreSQL writes simple ones, and others by triggers; the rest is read.

https://www.postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS
"""

from collections.abc import Iterator

from gateway.schema.catalog_facts import Found
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.model import MethodKind, Resource, Schema, StandardMethod
from gateway.schema.privileges import related_writes_of, writes_of

_BULK = frozenset({MethodKind.BULK_UPSERT, MethodKind.INGEST})


def refuse_view_writes(schema: Schema, found: Found) -> None:
    """Raise SchemaError for the methods that write to a view what PostgreSQL can't write to it."""
    wrong = [
        Diagnostic(method.descriptor.containing_service.file.name, 0, method.full_name, problem, right)
        for service in schema.services.values()
        for method in service.standard_methods
        for problem, right in (*_problems(method, found), *_related_problems(method, found))
    ]
    if wrong:
        raise SchemaError(wrong)


def _problems(method: StandardMethod, found: Found) -> Iterator[tuple[str, str]]:
    resource = method.resource
    if not resource.is_view:
        return
    name = f"{resource.schema}.{resource.table}"
    if method.kind in _BULK:
        yield f"{name} is a view: bulk loads need a table", "leave the method out, or load the view's table"
        return
    for statement in sorted(_needed(method, resource) - found[resource.schema, resource.table].writes):
        yield _takes_none(resource, statement), "leave the method out, or give the view a trigger"


def _related_problems(method: StandardMethod, found: Found) -> Iterator[tuple[str, str]]:
    """Yield the same of the rows that are written with the method's own."""
    for one in method.related.values():
        if one.is_view:
            for statement in sorted(related_writes_of(method, one) - found[one.schema, one.table].writes):
                yield _takes_none(one, statement), "leave write out, or give the view a trigger"


def _takes_none(view: Resource, statement: str) -> str:
    return f"{view.schema}.{view.table} is a view that takes no {statement}"


def _needed(method: StandardMethod, resource: Resource) -> frozenset[str]:
    needed = writes_of(method.kind, soft_delete=bool(resource.soft_delete))
    creates = "allow_missing" in (method.item or method).request and "UPDATE" in needed
    return needed | {"INSERT"} if creates else needed
