"""Transforms of stored values by those that a row of a bulk write sends, as text.

Numbers are computed as `numeric`, or in double precision, and cast to what the column holds. What doesn't fit
there, or not in the field, fails the statement as PostgreSQL's own numbers do (22003): so the row is found.
"""

from gateway.request.transforms import TransformKind
from gateway.schema.model import Field
from gateway.schema.values import ValueKind
from gateway.sql.writes.transforms import range_of

_PAST_ALL = "1e200"
"""A number that no column of whole numbers holds."""
_OPERATORS = {TransformKind.INCREMENT: "+", TransformKind.MULTIPLY: "*"}
_BOUNDS = {TransformKind.MINIMUM: "LEAST", TransformKind.MAXIMUM: "GREATEST"}


def transformed_value(field: Field, kind: TransformKind, stored: str, sent: str, sql_type: str) -> str:
    """Return what a stored value becomes.

    Args:
        field: of the column.
        kind: what is made of it.
        stored: the stored value.
        sent: the one that is sent, of the same type; where that is NULL the other stays.
        sql_type: the column's type.

    """
    if kind is TransformKind.SERVER_TIME:
        return f"CAST(now() AS {sql_type})"
    made = _made(field, kind, stored, sent, sql_type)
    return f"CASE WHEN {sent} IS NULL THEN {stored} ELSE {made} END"


def _made(field: Field, kind: TransformKind, stored: str, sent: str, sql_type: str) -> str:
    if kind in _OPERATORS:
        return _computed(field, _OPERATORS[kind], stored, sent, sql_type)
    if kind in _BOUNDS:
        return f"{_BOUNDS[kind]}({stored}, {sent})"
    listed = f"COALESCE({stored}, CAST('{{}}' AS {sql_type}))"
    if kind is TransformKind.APPEND:
        return f"pg_catalog.array_cat({listed}, {sent})"
    if kind is TransformKind.REMOVE_ALL:
        return f"ARRAY({_elements_not_in(sent, listed)} ORDER BY x.i)"
    added = f"ARRAY({_elements_not_in(listed, sent)} GROUP BY x.e ORDER BY min(x.i))"
    return f"pg_catalog.array_cat({listed}, {added})"


def _computed(field: Field, operator: str, stored: str, sent: str, sql_type: str) -> str:
    computed = "double precision" if field.type.kind is ValueKind.FLOAT else "numeric"
    made = f"COALESCE(CAST({stored} AS {computed}), 0) {operator} CAST({sent} AS {computed})"
    if field.type.kind is ValueKind.INTEGER:
        low, high = range_of(field)
        made = f"CASE WHEN {made} BETWEEN {low:d} AND {high:d} THEN {made} ELSE {_PAST_ALL} END"
    return f"CAST({made} AS {sql_type})"


def _elements_not_in(others: str, listed: str) -> str:
    elements = f"pg_catalog.unnest({listed}) WITH ORDINALITY AS x(e, i)"
    return f"SELECT x.e FROM {elements} WHERE pg_catalog.array_position({others}, x.e) IS NULL"
