"""What Citus doesn't carry out over shards, looked for in statements as PostgreSQL's parser reads them."""

from collections.abc import Iterator, Sequence
from typing import Any

from pglast import ast, enums, parse_sql

SYSTEM_COLUMNS = frozenset({"ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"})
SIZES = frozenset({"pg_relation_size", "pg_table_size", "pg_total_relation_size"})


def broken_rules(sql: str, shard_columns: frozenset[str]) -> list[str]:
    """Return what of a statement Citus would refuse, or answer wrongly.

    Args:
        sql: the statement.
        shard_columns: the columns that say in which shard a row is.

    """
    found: list[str] = []
    for raw in parse_sql(sql):
        for node in _nodes(raw.stmt):
            found += _of_node(node, shard_columns)
    return found


def _of_node(node: Any, shard_columns: frozenset[str]) -> Iterator[str]:
    if isinstance(node, ast.MergeStmt):
        yield "MERGE"
    if isinstance(node, ast.SelectStmt) and node.lockingClause and not _is_routed(node, shard_columns):
        yield "FOR UPDATE over shards"
    if isinstance(node, ast.RangeSubselect) and node.lateral and _has_limit(node.subquery):
        yield "LIMIT in LATERAL"
    if isinstance(node, ast.ColumnRef) and _last(node.fields) in SYSTEM_COLUMNS:
        yield f"system column {_last(node.fields)}"
    if isinstance(node, ast.FuncCall) and _last(node.funcname) in SIZES:
        yield "size of a shell"
    if isinstance(node, ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt):
        yield from _of_returning(node)


def _of_returning(node: Any) -> Iterator[str]:
    """Yield what RETURNING may not have: functions may be STABLE, as casts to text of many types are."""
    for part in _nodes(node.returningClause.exprs if node.returningClause else ()):
        if isinstance(part, ast.TypeCast):
            yield "cast in RETURNING"
        if isinstance(part, ast.FuncCall) and _last(part.funcname) != "width_bucket":
            yield f"{_last(part.funcname)} in RETURNING"


def _has_limit(query: Any) -> bool:
    return any(isinstance(node, ast.SelectStmt) and node.limitCount is not None for node in _nodes(query))


def _is_routed(query: ast.SelectStmt, shard_columns: frozenset[str]) -> bool:
    """Return whether a condition that has to hold compares a shard column with a parameter."""
    return any(_compares(one, shard_columns) for one in _all_of(query.whereClause))


def _all_of(condition: Any) -> Iterator[Any]:
    if isinstance(condition, ast.BoolExpr) and condition.boolop == enums.BoolExprType.AND_EXPR:
        for one in condition.args:
            yield from _all_of(one)
    else:
        yield condition


def _compares(one: Any, shard_columns: frozenset[str]) -> bool:
    if not isinstance(one, ast.A_Expr) or _last(one.name) != "=" or one.kind != enums.A_Expr_Kind.AEXPR_OP:
        return False
    column, value = one.lexpr, one.rexpr
    named = isinstance(column, ast.ColumnRef) and _last(column.fields) in shard_columns
    while isinstance(value, ast.TypeCast):
        value = value.arg
    return named and isinstance(value, ast.ParamRef)


def _last(names: Sequence[Any]) -> str:
    return getattr(names[-1], "sval", "") if names else ""


def _nodes(node: Any) -> Iterator[Any]:
    """Yield a node of the tree, and all below it."""
    if isinstance(node, tuple | list):
        for one in node:
            yield from _nodes(one)
    elif isinstance(node, ast.Node):
        yield node
        for name in node:
            yield from _nodes(getattr(node, name))
