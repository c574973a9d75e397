"""Aggregate: what is computed of groups of rows, in pages of groups."""

from gateway.methods.engine import Engine
from gateway.methods.reads.grouped_rows import GroupedRows
from gateway.methods.reads.list_rows import List
from gateway.schema.aggregation import AggregateMethod
from gateway.schema.model import StandardMethod


class Aggregate(List):
    """Answers a page of groups and the token of the next, as List does of rows.

    Each page is computed anew, of the rows as they are then.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        if not isinstance(method, AggregateMethod):
            msg = f"{method!r} is no Aggregate"
            raise TypeError(msg)
        super().__init__(method, engine, GroupedRows(method, engine))
