"""Every kind of statement that the dialect of shards makes of a resource."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from sqlalchemy import Table

from gateway.policy.row_rules import ChangeRules
from gateway.request.pages.order import parse_order
from gateway.request.transforms import Transform, TransformKind
from gateway.schema.model import Field, Resource
from gateway.schema.values import ValueKind
from gateway.sql.bulk.shape import BulkShape
from gateway.sql.dialect import dialect_of
from gateway.sql.reads.select import Rows, any_row, count_rows, select_by_key, select_page, select_stream
from gateway.sql.statement import Statement
from gateway.sql.writes.change import STAYING, Change

_OF_NUMBERS = (TransformKind.INCREMENT, TransformKind.MULTIPLY, TransformKind.MINIMUM)


def statements_of(resource: Resource, table: Table) -> Iterator[Statement]:
    """Yield the statements of all methods, of each shape that decides how they read."""
    yield from _reads(resource, table)
    yield from _changes(resource, table)
    yield from _insertions(resource, table)
    for target, updates in product(_keys(resource), (True, False)):
        yield from _bulk(BulkShape(resource, target, updates=updates))
    yield from _bulk(BulkShape(resource, resource.primary_key, transforms=_transforms(resource)))


def _reads(resource: Resource, table: Table) -> Iterator[Statement]:
    fields, order = resource.fields, parse_order("", resource)
    rows = Rows(live=True)
    yield select_by_key(resource, table, fields)
    yield dialect_of(resource).select_by_keys(resource, table, fields)
    yield select_page(resource, table, fields, rows=rows, order=order, after=None)
    yield select_stream(resource, table, fields, rows=rows, order=order, after=None)
    yield count_rows(resource, table, rows)
    yield any_row(resource, table, rows)


def _changes(resource: Resource, table: Table) -> Iterator[Statement]:
    dialect, columns = dialect_of(resource), tuple(field.column for field in _changed(resource))
    for change in _fitting(resource):
        named = columns if change is Change.UPDATE else ()
        yield dialect.change_rows(resource, table, change, columns=named).statement
        if change in STAYING:
            continue
        for expects in {False, resource.version is not None}:
            yield dialect.change_row(resource, table, change, named, expects=expects).statement
        for shows in (False, True) if change is not Change.UNDELETE else ():
            rows = Rows(live=True)
            yield dialect.change_by_filter(
                resource, table, change, rows, columns=named, shows=shows, rules=ChangeRules(using=None)
            ).statement
    transforms = _transforms(resource)
    if transforms:
        yield dialect.change_rows(resource, table, Change.UPDATE, transforms=transforms).statement
        yield dialect.change_by_filter(
            resource, table, Change.UPDATE, Rows(), transforms=transforms
        ).statement


def _insertions(resource: Resource, table: Table) -> Iterator[Statement]:
    dialect = dialect_of(resource)
    written = tuple(field.column for field in resource.fields if field.writable)
    numbered = {field.column for field in resource.fields if field.identity}
    for columns in (written, tuple(column for column in written if column not in numbered)):
        yield dialect.insert_row(resource, table, columns).statement
        yield dialect.insert_rows(resource, table, columns).statement
        yield dialect.insert_rows(resource, table, columns, skip_existing=True).statement


def _bulk(shape: BulkShape) -> Iterator[Statement]:
    made = dialect_of(shape.resource).bulk_statements(shape)
    yield from (replace(one, binds=()) for one in (made.insert, made.find, made.update))


def _fitting(resource: Resource) -> Iterator[Change]:
    marks = {Change.SOFT_DELETE, Change.UNDELETE}
    return (change for change in Change if resource.soft_delete is not None or change not in marks)


def _changed(resource: Resource) -> Sequence[Field]:
    keys = resource.primary_key
    return [field for field in resource.fields if field.writable and field.column not in keys]


def _transforms(resource: Resource) -> tuple[Transform, ...]:
    numbers = [field for field in _changed(resource) if field.type.kind is ValueKind.INTEGER]
    return tuple(Transform(field.column, kind) for field, kind in zip(numbers, _OF_NUMBERS, strict=False))


def _keys(resource: Resource) -> list[tuple[str, ...]]:
    return [resource.primary_key, *(key.columns for key in resource.unique)]
