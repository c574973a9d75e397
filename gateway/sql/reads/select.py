"""Statements that read rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.types import Integer

from gateway.policy.row_rules import RowRule
from gateway.request.filter.plan import Predicate
from gateway.request.masks import Mask
from gateway.request.pages.order import Order
from gateway.schema.model import Field, Resource
from gateway.sql.binds import bound, bound_array, comparable, element, read_column
from gateway.sql.filters.conditions import may_fail, where_filter, where_rule
from gateway.sql.reads.order import Nulls, is_nearest_first, order_clause, where_after, where_from
from gateway.sql.reads.ordered_table import OrderedTable, named, ordered_table
from gateway.sql.reads.relations import Joined, RelatedRows, joined, joining_columns
from gateway.sql.rule_checks import is_there
from gateway.sql.statement import Statement, compile_statement
from gateway.sql.unnest import unnest


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows a request means. Compares by content, so that equal shapes share a statement.

    Args:
        filter: the filter's shape, if any.
        equals: the columns that equal a value of the request.
        live: whether soft-deleted rows are left out.
        rule: which rows are there for the caller; None where all are.
        using: which of those the request's change is allowed on; None where all are.

    """

    filter: Predicate | None = None
    equals: tuple[str, ...] = ()
    live: bool = False
    rule: RowRule | None = None
    using: RowRule | None = None


ESTIMATE = "EXPLAIN (FORMAT JSON) "
"""What stands before a statement whose rows are estimated, and not read."""
TOLD = "told"
"""The parameter's name of how many rows at a page's first place were told already; of rows without a key."""


def equals_name(column: str) -> str:
    """Return the parameter's name of the value that a column of `Rows.equals` has."""
    return f"equals_{column}"


def selected(resource: Resource, mask: Mask, order: Order = ()) -> tuple[Field, ...]:
    """Return the fields to select: the mask's, then what else the answer needs.

    That is the key, for errors; the version, for an etag; the order's columns, for the page token.
    """
    needed = {*resource.primary_key, *(term.column for term in order)}
    if mask.etag and resource.version is not None:
        needed.add(resource.version)
    shown = {field.column for field in mask.fields}
    return (*mask.fields, *(f for f in resource.fields if f.column in needed and f.column not in shown))


def select_by_key(
    resource: Resource,
    table: Table,
    fields: tuple[Field, ...],
    rule: RowRule | None = None,
    related: Sequence[RelatedRows] = (),
) -> Statement:
    """Return the statement that reads `fields` of the row whose key is bound by the key columns' names.

    With a rule the row has to meet it, of the caller whose values are bound by their columns' names. What
    `related` reads comes behind its columns.
    """
    key = [comparable(field, table) == bound(field.type, field.column) for field in resource.key_fields]
    found = joined(table, table, related)
    query = _select(table, fields, found).where(*key, *is_there(rule, table))
    return compile_statement(query, fields=(*fields, *found.fields), name=f"get {resource.table}")


def select_by_keys(
    resource: Resource,
    table: Table,
    fields: tuple[Field, ...],
    rule: RowRule | None = None,
    related: Sequence[RelatedRows] = (),
) -> Statement:
    """Return the statement that reads the rows of many keys, bound as one array per key column.

    With a rule the arrays of its caller's values follow: each key is read on behalf of a caller of its own.

    Before the fields it returns the key's place in the arrays, from 1, so that PostgreSQL alone says which
    keys are equal. It returns nothing for a key without a row.

    The LIMIT keeps PostgreSQL from joining otherwise than by looking up each key as select_by_key does. Left
    the choice, it reads the whole table by the plan that it made, and keeps, when the table was small.
    """
    callers = rule.fields if rule is not None else ()
    given = (*resource.key_fields, *callers)
    arrays = [bound_array(field.type, field.column) for field in given]
    names = [f"k{i}" for i in range(len(arrays))]
    keys = unnest(*arrays).table_valued(*names, with_ordinality="n").render_derived("rowgate_wanted")
    values = {f.column: element(f.type, keys.c[name]) for f, name in zip(given, names, strict=True)}
    same = [comparable(field, table) == values[field.column] for field in resource.key_fields]
    met = [where_rule(rule, table, values)] if rule is not None else []
    one: ColumnElement[int] = literal_column("1")
    if not related:
        row = _select(table, fields).where(*same, *met).limit(one).lateral("rowgate_found")
        query = select(keys.c.n, *row.c).select_from(keys).join(row, true())
        return compile_statement(query, fields=fields, name=f"batch get {resource.table}")
    whole = OrderedTable(resource, table.c, table)
    stored: Any = _stored(whole, fields, related).where(*same, *met).limit(one).lateral("rowgate_found")
    found = joined(stored, keys.join(stored, true()), related)
    columns = (*(read_column(field, stored) for field in fields), *found.columns)
    query = select(keys.c.n, *columns).select_from(found.source)
    return compile_statement(query, fields=(*fields, *found.fields), name=f"batch get {resource.table}")


def select_page(
    resource: Resource,
    table: Table,
    fields: tuple[Field, ...],
    *,
    rows: Rows,
    order: Order,
    after: Nulls | None,
    related: Sequence[RelatedRows] = (),
) -> Statement:
    """Return the statement that reads the first rows in an order, or those after a row; `limit` is bound."""
    limit, name = bindparam("limit", type_=Integer), f"list {resource.table}"
    if not is_nearest_first(order):
        query = _in_order(resource, table, fields, rows=rows, order=order, after=after, related=related)
        return _with_related(query.limit(limit), fields, order, related, name)
    ordered = ordered_table(resource, table, order)
    stored = _stored(ordered, fields, related)
    # Before PostgreSQL 17 an index that has rows by their distance serves no order of more than that.
    page = _sorted(stored, ordered, table, rows=rows, order=order, after=after, terms=1)
    nearest = page.fetch(limit, with_ties=True).subquery("rowgate_nearest")
    page = select(nearest).order_by(*order_clause(order, nearest)).limit(limit)
    return _around(page, fields, order, related, name)


def select_stream(
    resource: Resource,
    table: Table,
    fields: tuple[Field, ...],
    *,
    rows: Rows,
    order: Order,
    after: Nulls | None,
    related: Sequence[RelatedRows] = (),
) -> Statement:
    """Return the statement that reads all rows in an order, or all those after a row."""
    query = _in_order(resource, table, fields, rows=rows, order=order, after=after, related=related)
    return _with_related(query, fields, order, related, f"stream {resource.table}")


def select_place(resource: Resource, table: Table, order: Order, rule: RowRule | None = None) -> Statement:
    """Return the statement that reads what a row of some key has of an order's columns."""
    ordered = ordered_table(resource, table, order)
    fields = tuple(ordered.resource.by_column[term.column] for term in order)
    key = [comparable(field, table) == bound(field.type, field.column) for field in resource.key_fields]
    query = _selected(ordered, fields).where(*key, *is_there(rule, table))
    return compile_statement(query, fields=fields, name=f"get {resource.table}")


def count_rows(resource: Resource, table: Table, rows: Rows) -> Statement:
    """Return the statement that counts rows."""
    query = (
        select(func.count(type_=BigInteger)).select_from(table).where(*row_conditions(resource, table, rows))
    )
    return compile_statement(query, name=f"count {resource.table}")


def any_row(resource: Resource, table: Table, rows: Rows) -> Statement:
    """Return the statement that says whether there is such a row."""
    query = select(exists(select(1).select_from(table).where(*row_conditions(resource, table, rows))))
    return compile_statement(query, name=f"exists {resource.table}")


def explain_rows(resource: Resource, table: Table, rows: Rows) -> Statement:
    """Return the statement that has PostgreSQL plan the rows' query, as JSON, and not run it.

    https://www.postgresql.org/docs/current/sql-explain.html
    """
    query = select(1).select_from(table).where(*row_conditions(resource, table, rows))
    plan = compile_statement(query, name=f"estimate {resource.table}")
    return replace(plan, text=f"{ESTIMATE}{plan.text}")


def _in_order(
    resource: Resource,
    table: Table,
    fields: tuple[Field, ...],
    *,
    rows: Rows,
    order: Order,
    after: Nulls | None,
    related: Sequence[RelatedRows],
) -> Select[Any]:
    """Return the query of rows in an order: as they are read or, where relations are to follow, as stored."""
    ordered = ordered_table(resource, table, order)
    query = _stored(ordered, fields, related) if related else _selected(ordered, fields)
    return _sorted(query, ordered, table, rows=rows, order=order, after=after)


def _sorted(
    query: Select[Any],
    ordered: Any,
    table: Table,
    *,
    rows: Rows,
    order: Order,
    after: Nulls | None,
    terms: int | None = None,
) -> Select[Any]:
    """Return the query of rows, or those after a row, sorted by the order, or by its first terms alone."""
    resource = ordered.resource
    query = query.where(*row_conditions(resource, table, rows))
    if after is not None and resource.primary_key:
        query = query.where(where_after(order, after, resource, ordered))
    elif after is not None:
        later = where_from(order, after, resource, ordered)
        query = query.where(later).offset(bindparam(TOLD, type_=Integer))
    return query.order_by(*order_clause(order[:terms], ordered))


def _with_related(
    page: Select[Any], fields: tuple[Field, ...], order: Order, related: Sequence[RelatedRows], name: str
) -> Statement:
    """Return the statement that reads rows in an order, and then what relations hold of those alone."""
    if related:
        return _around(page, fields, order, related, name)
    return compile_statement(page, fields=fields, name=name)


def _around(
    page: Select[Any], fields: tuple[Field, ...], order: Order, related: Sequence[RelatedRows], name: str
) -> Statement:
    rows: Any = page.subquery("rowgate_page")
    found = joined(rows, rows, related)
    query = _select(rows, fields, found).order_by(*order_clause(order, rows))
    return compile_statement(query, fields=(*fields, *found.fields), name=name)


def _select(table: Table, fields: Sequence[Field], found: Joined | None = None) -> Select[Any]:
    columns = [read_column(field, table) for field in fields]
    if found is None:
        return select(*columns).select_from(table)
    return select(*columns, *found.columns).select_from(found.source)


def _selected(table: Any, fields: Sequence[Field]) -> Select[Any]:
    columns = (named(read_column(field, table), field.column, table) for field in fields)
    return select(*columns).select_from(table.source)


def _stored(table: OrderedTable, fields: Sequence[Field], related: Sequence[RelatedRows]) -> Select[Any]:
    """Return the query of the columns as they are stored that fields and relations ask for."""
    names = dict.fromkeys((*(field.column for field in fields), *sorted(joining_columns(related))))
    return select(*(named(table.c[name], name, table) for name in names)).select_from(table.source)


def row_conditions(resource: Resource, table: Table, rows: Rows) -> list[ColumnElement[bool]]:
    """Return the conditions of the rows that a request means."""
    fields = [resource.by_column[name] for name in rows.equals]
    conditions = [comparable(f, table) == bound(f.type, equals_name(f.column)) for f in fields]
    if rows.live and resource.soft_delete is not None:
        conditions.append(table.c[resource.soft_delete].is_(None))
    met = [*is_there(rows.rule, table), *is_there(rows.using, table)]
    conditions += met
    if rows.filter is not None:
        wanted = where_filter(rows.filter, resource, table)
        # PostgreSQL tests conditions in any order: one that may fail sees none but rows that may be read.
        conditions.append(
            case((and_(*met), wanted), else_=false()) if met and may_fail(rows.filter) else wanted
        )
    return conditions
