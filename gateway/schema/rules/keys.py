"""Rules of primary keys, unique keys and indexes."""

from collections.abc import Sequence

from gateway.schema.diagnostics import Diagnostics, suggestion
from gateway.schema.model import Index, Resource
from gateway.schema.protos.options import table_options
from gateway.schema.rules.finding import Finding, Findings

_MOST_COLUMNS = 32
"""Of a key or an index, unless PostgreSQL was built otherwise."""
_METHODS = ("btree", "hash", "gin", "gist", "brin", "spgist")
_WITH_INCLUDE = ("btree", "gist", "spgist")
# Methods of pgvector, which an extension brings.
_VECTOR_METHODS = ("hnsw", "ivfflat")


def key_findings(resource: Resource, diagnostics: Diagnostics) -> Findings:
    """Yield what is wrong with keys and indexes."""
    yield from _primary_key(resource, diagnostics)
    for key in resource.unique:
        yield from _compared(resource, key.columns, "unique")
    for index in resource.indexes:
        yield from _index(resource, index)
    yield from _empty(resource.message.full_name, diagnostics)


def _empty(where: str, diagnostics: Diagnostics) -> Findings:
    options = table_options(where, diagnostics)
    for option in ("unique", "index", "foreign_key"):
        if any(not key.columns for key in getattr(options, option)):
            yield Finding(where, f"{option} names no columns", "name at least one")
    if any(not check.expression.strip() for check in options.check):
        yield Finding(where, "check has no expression", "write its condition in SQL")


def _primary_key(resource: Resource, diagnostics: Diagnostics) -> Findings:
    where = resource.message.full_name
    if resource.managed and not table_options(where, diagnostics).primary_key:
        yield Finding(where, "has no primary key", 'say (rowgate.v1.table).primary_key, as "id"')
    if not resource.fields:
        yield Finding(where, "has no columns", "declare a field")
    yield from _compared(resource, resource.primary_key, "primary_key")
    for column in resource.primary_key:
        field = resource.by_column[column]
        if field.nullable:
            right = "leave out optional, or set not_null"
            yield Finding(field.descriptor.full_name, "may be NULL, but is part of the primary key", right)
        if field.descriptor.is_repeated:
            yield Finding(field.descriptor.full_name, "is repeated, but part of the primary key")


def _compared(resource: Resource, columns: Sequence[str], option: str) -> Findings:
    where = resource.message.full_name
    if len(columns) > _MOST_COLUMNS:
        right = f"PostgreSQL takes at most {_MOST_COLUMNS}"
        yield Finding(where, f"{option}: names {len(columns)} columns", right)
    for column in columns:
        field = resource.by_column[column]
        if not field.type.equality:
            yield Finding(where, f'{option}: "{field.name}" is {field.type.sql}, which has no equality')
    for column in sorted({column for column in columns if list(columns).count(column) > 1}):
        yield Finding(where, f'{option}: names "{resource.by_column[column].name}" twice', "name it once")


def _index(resource: Resource, index: Index) -> Findings:
    where = resource.message.full_name
    if index.method not in (*_METHODS, *_VECTOR_METHODS):
        yield Finding(where, f'index: unknown method "{index.method}"', suggestion(index.method, _METHODS))
        return
    if index.method != "btree" and (index.unique or any(part.descending for part in index.columns)):
        yield Finding(where, f"index: {index.method} is neither unique nor ordered", "use btree")
    if index.include and index.method not in _WITH_INCLUDE:
        yield Finding(where, f"index: {index.method} can't include columns", "use btree or gist")
    if index.method in ("btree", "hash"):
        yield from _compared(resource, [part.column for part in index.columns], "index")
