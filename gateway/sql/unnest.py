"""Rows from arrays by PostgreSQL's own `unnest`, whatever functions of that name others have made.

An overload for one type of array is nearer than PostgreSQL's, which takes any, wherever it stands in the
search path: so PostgreSQL's is named by its schema. That of several arrays at once is no function: it
has no schema, and nothing can take its place.
"""

from typing import Any

from sqlalchemy import func
from sqlalchemy.sql.functions import Function


def unnest(*arrays: Any) -> Function[Any]:
    """Return the call for one array or for several, side by side."""
    return func.pg_catalog.unnest(*arrays) if len(arrays) == 1 else func.unnest(*arrays)


def unnest_text(*arrays: str) -> str:
    """Return the same as text."""
    return f"{'pg_catalog.' if len(arrays) == 1 else ''}unnest({', '.join(arrays)})"
