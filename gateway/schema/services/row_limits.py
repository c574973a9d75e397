"""Limits of the rows that a method may change which finds them by a filter."""

from collections.abc import Collection

from google.protobuf.descriptor import MethodDescriptor

from gateway.schema.diagnostics import Diagnostics
from gateway.schema.model import MOST_BY_FILTER, MethodKind, RowLimits
from gateway.schema.protos.options import method_options

BY_FILTER = frozenset({MethodKind.UPDATE_BY_FILTER, MethodKind.DELETE_BY_FILTER})
"""The methods that change whatever rows a filter finds."""
_HIGHEST = 100_000
"""The most that options may allow: so many keys are held in memory where changes are audited."""


def read_row_limits(
    method: MethodDescriptor, kind: MethodKind, roles: Collection[str], diagnostics: Diagnostics
) -> RowLimits:
    """Return how many rows a method may change; what is wrong with its options is noted.

    `roles` are those that fields of its request play.
    """
    options = method_options(method.full_name, diagnostics)
    given = options.by_filter
    if kind not in BY_FILTER:
        if options.HasField("by_filter"):
            diagnostics.add(method.full_name, "has by_filter, but finds no rows by a filter", "leave it out")
        return RowLimits()
    limits = RowLimits(given.default_max_rows, given.max_rows or MOST_BY_FILTER)
    if not 0 < limits.most <= _HIGHEST:
        diagnostics.add(method.full_name, "by_filter.max_rows is none", f"give it 1 to {_HIGHEST}")
    elif not 0 <= limits.default <= limits.most:
        right = f"give it 1 to {limits.most}, which is max_rows"
        diagnostics.add(method.full_name, "by_filter.default_max_rows is none", right)
    elif not limits.default and "max_rows" not in roles:
        right = "add the field max_rows to its request, or by_filter.default_max_rows to its options"
        diagnostics.add(method.full_name, "changes rows without a limit", right)
    return limits
