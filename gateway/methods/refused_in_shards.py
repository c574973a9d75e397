"""Methods that Citus can't carry out over shards: a schema that has them is refused at the start."""

from collections.abc import Iterator

from gateway.methods.engine import Engine
from gateway.methods.row_changes.removals import Removals
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.model import MethodKind, Resource, Schema, StandardMethod

_BULK = frozenset({MethodKind.BULK_UPSERT, MethodKind.INGEST})
_REMOVALS = frozenset({MethodKind.DELETE, MethodKind.BATCH_DELETE, MethodKind.DELETE_BY_FILTER})
_UPDATES = frozenset({MethodKind.UPDATE, MethodKind.BATCH_UPDATE})

Problems = Iterator[tuple[str, str]]
"""What is wrong, and what would be right."""


def refuse_in_shards(schema: Schema, engine: Engine) -> None:
    """Raise SchemaError for the methods whose rows Citus keeps, and which it can't carry out."""
    wrong = [
        Diagnostic(method.descriptor.containing_service.file.name, 0, method.full_name, problem, right)
        for service in schema.services.values()
        for method in service.standard_methods
        if method.resource.distribution is not None
        for problem, right in _problems(method, engine)
    ]
    if wrong:
        raise SchemaError(wrong)


def _problems(method: StandardMethod, engine: Engine) -> Problems:
    if engine.caller_roles is not None:
        wrong = "its rows are in shards, on whose nodes no caller's role and claims are"
        yield wrong, 'let auth.row_security be "rowgate", and give the table a policy'
    if method.kind in _BULK and engine.rules_of(method.resource) is not None:
        wrong = "its rows are in shards, and have rules that bulk writes can't check there"
        yield wrong, "leave the method out: BatchCreate and BatchUpdate check them"
    if method.kind in _REMOVALS:
        yield from _of_removals(method, engine)
    if method.kind in _UPDATES:
        for one in method.related.values():
            if one.distribution is not None and _is_careful(one, engine, forces=False):
                yield _looks(one), "leave write out of the relation"


def _of_removals(method: StandardMethod, engine: Engine) -> Problems:
    forces = "force" in method.request or "force" in (method.item or method).request
    if _is_careful(method.resource, engine, forces=forces):
        right = "leave force out: on_delete of a reference says what becomes of its rows"
        yield _looks(method.resource), right if forces else "leave the method out"


def _is_careful(resource: Resource, engine: Engine, *, forces: bool) -> bool:
    """Return whether rows that refer to those removed are looked for, by their places in their tables."""
    removals = Removals(resource, engine)
    return any(removals.is_careful(force=force) for force in ((True, False) if forces else (None,)))


def _looks(resource: Resource) -> str:
    return f"rows that refer to those of {resource.table} are looked for, which Citus doesn't tell of shards"
