"""Statements that change or remove the rows that a filter finds in all shards, where they aren't too many.

Nothing is locked between the looks at a row. The first is bounded and tells whether there are too many; the
UPDATE or DELETE has the filter again, and leaves out a row that doesn't meet it any more.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.sql.selectable import CTE

from gateway.sql.citus.rows import CHANGED, checked_row, read_row, told_key
from gateway.sql.writes import by_filter as postgresql


class _Plan(postgresql.Plan):
    def locked(self, held: Any) -> CTE:
        rows: CTE = held.cte(postgresql.HELD).prefix_with("MATERIALIZED")
        return rows

    def changed(self, held: CTE, sent: Mapping[str, Any]) -> CTE:
        whole = checked_row(self.resource, self.table, self.rules)
        changed: CTE = self.changing(held, sent).returning(*self.keys(), *whole).cte(CHANGED)
        return changed

    def counted(self, found: CTE, held: CTE, changed: CTE) -> dict[str, Any]:
        # No trigger keeps a row of shards as it is: one that is left out has been changed by others.
        counts = super().counted(found, held, changed)
        return {**counts, "held": counts["changed"]}

    def read(self, rows: Any) -> list[ColumnElement[Any]]:
        return read_row(self.resource, rows)

    def told(self, changed: CTE) -> list[ColumnElement[str]]:
        return told_key(self.table, self.resource, changed)


change_by_filter = partial(postgresql.change_by_filter, make_plan=_Plan)
