"""Statements that read rows."""

from sqlalchemy import Table, bindparam, select

from gateway.schema.model import Field, Resource
from gateway.sql.statement import Statement, compile_statement


def select_by_key(resource: Resource, table: Table, fields: tuple[Field, ...]) -> Statement:
    """Return the statement that reads `fields` of the row whose key is bound by the key columns' names."""
    columns = [table.c[field.column] for field in fields]
    key = [table.c[name] == bindparam(name) for name in resource.primary_key]
    return compile_statement(select(*columns).where(*key), fields=fields, name=f"get {resource.table}")
