"""The stored rows that others hold by a relation."""

from sqlalchemy import Table, and_, select

from gateway.policy.row_rules import RowRule
from gateway.schema.model import Resource
from gateway.sql.binds import read_column
from gateway.sql.rule_checks import is_there
from gateway.sql.statement import compile_statement
from gateway.sql.writes.row_arrays import RowsStatement, items


def held_rows(
    resource: Resource, table: Table, references: tuple[str, ...], rule: RowRule | None, most: int
) -> RowsStatement:
    """Return the statement that finds the rows which refer to the items by some columns, `most` of them.

    Each comes as its item's place and its key. What is marked as deleted isn't there, nor what the rule of
    the rows that the caller may read leaves out.
    """
    fields = tuple(resource.by_column[name] for name in references)
    rows = items(fields)
    match = and_(*(table.c[name] == rows.values[name] for name in references))
    there = is_there(rule, table)
    if resource.soft_delete is not None:
        there.append(table.c[resource.soft_delete].is_(None))
    key = [read_column(field, table) for field in resource.key_fields]
    found = select(rows.n, *key).join_from(rows.cte, table, match).where(*there).limit(most)
    return RowsStatement(compile_statement(found, name=f"held {resource.table}"), fields)
