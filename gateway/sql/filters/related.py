"""The rows that a relation leads to, as subqueries see them: their table, and what they go by."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, column, table
from sqlalchemy.ext.compiler import compiles

from gateway.request.filter.plan import Hop
from gateway.sql.binds import comparable

_NAME = "rowgate_h"
"""What the names of tables in subqueries begin with; how deep they stand follows."""


class Outer(ColumnElement[Any]):
    """A value of the query around a subquery. It brings no table along, whatever that query is.

    SQLAlchemy finds out by itself what a subquery takes from around it, but for what is returned of written
    rows, and for conditions whose query is text.
    """

    inherit_cache = False

    def __init__(self, inner: ColumnElement[Any]) -> None:
        self.inner = inner
        self.type = inner.type

    @property
    def _from_objects(self) -> list[FromClause]:
        return []


@compiles(Outer)
def _as_it_is(outer: Outer, compiler: Any, **options: Any) -> str:
    return str(compiler.process(outer.inner, **options))


def rows_of(hop: Hop, depth: int, name: str = _NAME) -> FromClause:
    """Return the table of the rows that a relation leads to, under a name for what stands so deep."""
    resource = hop.target
    columns = (column(field.column, field.type.engine) for field in resource.fields)
    return table(resource.table, *columns, schema=resource.schema).alias(f"{name}{depth}")


def are_related(hop: Hop, outer: FromClause, rows: FromClause) -> list[ColumnElement[bool]]:
    """Return the conditions of the rows that a relation holds of a row of `outer`, none of them deleted."""
    target, relation = hop.target, hop.relation
    conditions: list[ColumnElement[bool]] = [
        comparable(target.by_column[other], rows) == Outer(comparable(hop.source.by_column[own], outer))
        for own, other in zip(relation.columns, relation.references, strict=True)
    ]
    if target.soft_delete is not None:
        conditions.append(rows.c[target.soft_delete].is_(None))
    return conditions
