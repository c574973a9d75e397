"""The statement that reads rows of many keys from the shards that have them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, and_, select

from gateway.policy.row_rules import RowRule
from gateway.schema.model import Field, Resource
from gateway.sql.binds import bound_array, comparable, element, read_column
from gateway.sql.citus.rows import near
from gateway.sql.filters.conditions import where_rule
from gateway.sql.reads.relations import RelatedRows, joined
from gateway.sql.statement import Statement, compile_statement
from gateway.sql.unnest import unnest


def select_by_keys(
    resource: Resource,
    table: Table,
    fields: tuple[Field, ...],
    rule: RowRule | None = None,
    related: Sequence[RelatedRows] = (),
) -> Statement:
    """Return what gateway.sql.reads.select.select_by_keys does, by a join: LATERAL may have no LIMIT."""
    callers = rule.fields if rule is not None else ()
    given = (*resource.key_fields, *callers)
    arrays = {field.column: bound_array(field.type, field.column) for field in given}
    names = [f"k{i}" for i in range(len(arrays))]
    keys: Any = (
        unnest(*arrays.values()).table_valued(*names, with_ordinality="n").render_derived("rowgate_wanted")
    )
    values = {f.column: element(f.type, keys.c[name]) for f, name in zip(given, names, strict=True)}
    same = [comparable(field, table) == values[field.column] for field in resource.key_fields]
    met = [where_rule(rule, table, values)] if rule is not None else []
    found = joined(table, keys.join(table, and_(*same)), related)
    columns = (*(read_column(field, table) for field in fields), *found.columns)
    query = select(keys.c.n, *columns).select_from(found.source).where(*near(resource, table, arrays), *met)
    return compile_statement(query, fields=(*fields, *found.fields), name=f"batch get {resource.table}")
