"""Statements that change or remove rows by key in their shards, and tell of each what they found.

No row is locked before: Citus has no FOR UPDATE over shards. The UPDATE or DELETE itself has the conditions,
and what it left alone is read after it, which tells why. Each item's row is changed whole or not at all.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    bindparam,
    case,
    false,
    literal_column,
    null,
    select,
    true,
)
from sqlalchemy.sql.selectable import CTE

from gateway.policy.row_rules import ChangeRules
from gateway.request.transforms import Transform
from gateway.schema.model import Resource
from gateway.schema.types.sql_types import NamedType
from gateway.sql import audit
from gateway.sql.citus.rows import (
    CHANGED,
    checked_row,
    is_read_as_stored,
    near,
    read_back,
    read_row,
    stored_row,
    told_key,
)
from gateway.sql.statement import compile_statement
from gateway.sql.writes import change as postgresql
from gateway.sql.writes.change import ACTIONS, STAYING, Change, changing, is_ready, repeated
from gateway.sql.writes.row_arrays import RowsStatement, RowStatement, items, row_values
from gateway.sql.writes.transforms import operand_fields, transformed, unfit

_STORED = "rowgate_stored"


def change_row(
    resource: Resource, table: Table, change: Change, columns: tuple[str, ...], *, expects: bool
) -> RowStatement:
    """Return what gateway.sql.writes.change.change_row does; it goes to the row's shard."""
    if is_read_as_stored(resource, table):
        return postgresql.change_row(resource, table, change, columns, expects=expects)
    wanted = {*resource.primary_key, *columns}
    fields = tuple(field for field in resource.fields if field.column in wanted)
    values = row_values(fields)
    where = [table.c[name] == values[name] for name in resource.primary_key]
    expected = bindparam("expected", type_=NamedType("bigint")) if expects else None
    where += is_ready(resource, table, change, expected)
    statement = changing(resource, table, change, {name: values[name] for name in columns})
    changed = statement.where(*where).returning(*stored_row(resource, table)).cte(CHANGED)
    compiled = compile_statement(
        read_back(resource, table, changed),
        fields=resource.fields,
        writes=True,
        name=f"{change.value} {resource.table}",
        audited=audit.changed_rows(table, ACTIONS[change]),
    )
    return RowStatement(compiled, fields)


def change_rows(
    resource: Resource,
    table: Table,
    change: Change,
    *,
    columns: tuple[str, ...] = (),
    defaults: tuple[str, ...] = (),
    transforms: tuple[Transform, ...] = (),
    rules: ChangeRules | None = None,
) -> RowsStatement:
    """Return what gateway.sql.writes.change.change_rows does, without locks.

    HOLD and SEIZE read. A row that others change between the two looks may seem to have been ready, and be
    left alone all the same: then the flags say so, and `done` is false.
    """
    wanted = {*resource.primary_key, *columns}
    fields = tuple(field for field in resource.fields if field.column in wanted)
    fields += operand_fields(resource, transforms)
    expects = resource.version is not None
    plan = _Plan(resource, table, change, items(fields, expects=expects), rules)
    given = plan.items.values
    sent: dict[str, Any] = {name: given[name] for name in columns}
    sent |= transformed(resource, table, transforms, given)
    misfit = unfit(resource, table, transforms, given)
    allowed = plan.allowed(sent, defaults)
    set_to = sent | {name: literal_column("DEFAULT") for name in defaults}
    changed = None if change in STAYING else plan.changed(set_to, allowed, misfit if transforms else None)
    stored = plan.stored(allowed, misfit)
    compiled = compile_statement(
        plan.report(changed, stored),
        fields=resource.fields,
        writes=True,
        name=f"{change.value} {resource.table}",
        audited=plan.audited(),
    )
    return RowsStatement(compiled, fields, expects)


class _Plan(postgresql.ChangedItems):
    """The parts of a change: the rows changed, then the items' rows as they are, and the report of both."""

    def changed(
        self, sent: Mapping[str, Any], allowed: ColumnElement[bool], misfit: ColumnElement[int] | None
    ) -> CTE:
        state = [self.fresh(), allowed, *([misfit.is_(None)] if misfit is not None else [])]
        state += is_ready(self.resource, self.table, self.change, None)
        statement = changing(self.resource, self.table, self.change, sent).where(*self._near(), *state)
        returned = (self.items.n, *checked_row(self.resource, self.table, self.rules))
        changed: CTE = statement.returning(*returned).cte(CHANGED)
        return changed

    def stored(self, allowed: ColumnElement[bool], misfit: ColumnElement[int]) -> CTE:
        whole = stored_row(self.resource, self.table) if self.change in STAYING else []
        state = (self.live().label("live"), self.fresh().label("fresh"), allowed.label("allowed"))
        query = select(self.items.n, *state, misfit.label("unfit"), *whole)
        found = query.select_from(self.table).where(*self._near())
        return found.cte(_STORED).prefix_with("MATERIALIZED")

    def report(self, changed: CTE | None, stored: CTE) -> Select[Any]:
        rows, n = self.items, self.items.n
        found: Any = rows.cte if changed is None else rows.cte.outerjoin(changed, changed.c.n == n)
        found = found.outerjoin(stored, stored.c.n == n)
        done = stored.c.n.is_not(None) if changed is None else changed.c.n.is_not(None)
        again = repeated(self.resource, rows)
        flags: list[Any] = [stored.c.n.is_not(None), stored.c.live, stored.c.fresh, stored.c.allowed]
        if changed is not None:
            # What was changed was ready: it isn't any more, or gone.
            was = self.change is not Change.UNDELETE
            states = (true(), true() if was else false(), true(), true())
            flags = [case((done, state), else_=flag) for state, flag in zip(states, flags, strict=True)]
        misfit = stored.c.unfit if changed is None else case((done, null()), else_=stored.c.unfit)
        written = stored if changed is None else changed
        keys = [] if changed is None else told_key(self.table, self.resource, changed)
        whole = read_row(self.resource, written)
        columns: list[Any] = [*keys, *flags, done, misfit, again, *whole]
        return select(*columns).select_from(found).order_by(n)

    def _near(self) -> list[ColumnElement[bool]]:
        """Return the conditions that the row is its item's, and is looked for in few shards."""
        # Unseen by Citus, which fails where it finds that no shard can have a row that is to be changed.
        there = [rule.is_(true()) for rule in self.there()]
        return [*self.matched(), *near(self.resource, self.table, self.items.arrays), *there]
