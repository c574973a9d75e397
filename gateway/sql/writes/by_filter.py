"""Statements that change or remove the rows that a filter finds, where they aren't too many.

In READ COMMITTED a row may change between being found and being locked. So it is looked up twice: the first
time bounded and without a lock, which tells whether there are too many; then by key, in the order of the
keys, with the filter again. PostgreSQL evaluates the conditions of what locks a row on the row as it was
locked, and leaves out one that doesn't meet them any more, or has another key.
https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    ScalarSelect,
    Table,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.sql.selectable import CTE, Subquery

from gateway.policy.row_rules import ChangeRules
from gateway.request.transforms import Transform
from gateway.schema.model import Resource
from gateway.sql import audit
from gateway.sql.key_order import by_key
from gateway.sql.reads.select import Rows, row_conditions
from gateway.sql.rule_checks import checked_columns, outcome_is_met
from gateway.sql.statement import compile_statement
from gateway.sql.writes.change import ACTIONS, Change, changing, server_set
from gateway.sql.writes.row_arrays import RowStatement, output_columns, row_values
from gateway.sql.writes.transforms import FITS, operand_fields, transformed, unfit

_FOUND = "rowgate_found"
HELD = "rowgate_held"
_CHANGED = "rowgate_changed"
_COUNTS = "rowgate_counts"
TOO_MANY = "too_many"
"""The parameter's name of how many rows are too many."""
SAMPLE = 10
"""The most rows that are shown of those that would change."""
COUNTS = 5
"""The columns before the row's own: how many rows the filter finds, up to too many; how many of them are
locked; how many of those may not become what is asked; how many are changed; and the place of the first
transform whose outcome doesn't fit somewhere, NULL where all do."""


def change_by_filter(
    resource: Resource,
    table: Table,
    change: Change,
    rows: Rows,
    *,
    columns: tuple[str, ...] = (),
    defaults: tuple[str, ...] = (),
    transforms: tuple[Transform, ...] = (),
    rules: ChangeRules | None = None,
    shows: bool = False,
    make_plan: "type[Plan] | None" = None,
) -> RowStatement:
    """Return the statement that makes the same change of all rows that `rows` says, or of none.

    None is changed where there are too many, or where one may not become what is asked. It returns the counts
    in each of its rows, and one row at least.

    Args:
        resource: what the rows are.
        table: its table.
        change: UPDATE, DELETE or SOFT_DELETE.
        rows: which rows.
        columns: the columns that take the request's value.
        defaults: UPDATE: the columns that take their default.
        transforms: UPDATE: what others become of their stored values.
        rules: what the changed rows have to be.
        shows: whether the first rows are returned too, as they are afterwards, DELETE: as they were. Nothing
            is told then of what is to be audited: the transaction has to be rolled back.
        make_plan: makes the parts of the statement, where they are others than PostgreSQL's.

    """
    fields = tuple(field for field in resource.fields if field.column in columns)
    fields += operand_fields(resource, transforms)
    given = row_values(fields)
    sent: dict[str, Any] = {name: given[name] for name in columns}
    sent |= transformed(resource, table, transforms, given)
    plan = (make_plan or Plan)(resource, table, change, rows, rules)
    found = plan.found()
    held = plan.held(found, plan.allowed(sent, defaults), unfit(resource, table, transforms, given))
    changed = plan.changed(held, {**sent, **{name: literal_column("DEFAULT") for name in defaults}})
    counts = plan.counts(found, held, changed)
    name = f"{change.value} {resource.table} by filter"
    if shows:
        first = select(changed).order_by(*plan.in_order(changed)).limit(SAMPLE).subquery()
        report = select(*counts.c, *plan.read(first)).select_from(counts.outerjoin(first, true()))
        statement = compile_statement(report, fields=resource.fields, writes=True, name=name)
        return RowStatement(statement, fields)
    audited = audit.changed_rows(table, ACTIONS[change])
    report = select(*counts.c)
    if audited is not None:
        report = select(*plan.told(changed), *counts.c).select_from(counts.outerjoin(changed, true()))
    return RowStatement(compile_statement(report, writes=True, name=name, audited=audited), fields)


def seize_by_filter(resource: Resource, table: Table, rows: Rows) -> RowStatement:
    """Return the statement that locks all rows that `rows` says, against new references too, or none.

    None is locked where there are too many. It returns the counts in each of its rows, and the locked rows.
    """
    plan = Plan(resource, table, Change.SEIZE, rows, None)
    found = plan.found()
    held = plan.held(found, true(), FITS)
    counts = plan.counts(found, held, held)
    whole = [held.c[f"f{i}"] for i in range(len(resource.fields))]
    report = select(*counts.c, *whole).select_from(counts.outerjoin(held, true()))
    name = f"seize {resource.table} by filter"
    return RowStatement(compile_statement(report, fields=resource.fields, writes=True, name=name), ())


@dataclass(frozen=True, slots=True)
class Plan:
    """The parts of a change: the rows found, the rows held, the rows changed, and how many each are."""

    resource: Resource
    table: Table
    change: Change
    rows: Rows
    rules: ChangeRules | None

    def found(self) -> CTE:
        """Return the keys of the rows that are found, up to too many."""
        where = row_conditions(self.resource, self.table, self.rows)
        return select(*self.keys()).select_from(self.table).where(*where).limit(_too_many()).cte(_FOUND)

    def held(self, found: CTE, allowed: ColumnElement[bool], unfit: ColumnElement[int]) -> CTE:
        """Return the rows that are locked: those found that meet the conditions still."""
        # Read by the statement's snapshot, and so not evaluated again on a row that others have changed.
        few = _count_of(found) < _too_many()
        where = row_conditions(self.resource, self.table, self.rows)
        whole = output_columns(self.resource, self.table) if self.change is Change.SEIZE else []
        query = select(*self.keys(), allowed.label("allowed"), unfit.label("unfit"), *whole)
        joined = query.join_from(found, self.table, self._match(found)).where(few, *where)
        stored = {name: self.table.c[name] for name in self.resource.primary_key}
        ordered = joined.order_by(*by_key(self.resource, stored))
        return self.locked(ordered)

    def locked(self, held: Any) -> CTE:
        """Return rows, locked."""
        locked: CTE = held.with_for_update(key_share=self.change.keeps_keys, of=self.table).cte(HELD)
        return locked

    def allowed(self, sent: Mapping[str, Any], defaults: Sequence[str]) -> ColumnElement[bool]:
        """Return whether a row may become what is asked, as far as that is known before it is written."""
        if self.rules is None:
            return true()
        changed = {**sent, **server_set(self.resource, self.table, self.change)}
        met = outcome_is_met(self.rules.checks, self.resource, self.table, changed, defaults)
        return func.coalesce(and_(true(), *met), false())

    def changed(self, held: CTE, sent: Mapping[str, Any]) -> CTE:
        """Return the rows that are changed: all that are held, unless one of them may not be."""
        whole = checked_columns(self.resource, self.table, self.rules)
        returned = (*audit.key_columns(self.table), *self.keys(), *whole)
        changed: CTE = self.changing(held, sent).returning(*returned).cte(_CHANGED)
        return changed

    def changing(self, held: CTE, sent: Mapping[str, Any]) -> Any:
        """Return the UPDATE or DELETE of these rows."""
        wrong = _count_of(held, or_(~held.c.allowed, held.c.unfit.is_not(None)))
        statement = changing(self.resource, self.table, self.change, sent)
        return statement.where(self._match(held), wrong == 0)

    def counts(self, found: CTE, held: CTE, changed: CTE) -> Subquery:
        """Return how many rows are found, held, refused and changed."""
        counted = self.counted(found, held, changed)
        return select(*(count.label(name) for name, count in counted.items())).subquery(_COUNTS)

    def counted(self, found: CTE, held: CTE, changed: CTE) -> dict[str, ScalarSelect[Any]]:
        """Return each of the counts, by its name."""
        return {
            "found": _count_of(found),
            "held": _count_of(held),
            "refused": _count_of(held, ~held.c.allowed),
            "changed": _count_of(changed),
            "unfit": select(func.min(held.c.unfit)).scalar_subquery(),
        }

    def read(self, rows: Any) -> list[ColumnElement[Any]]:
        """Return the columns of changed rows as they are read."""
        return [rows.c[f"f{i}"] for i in range(len(self.resource.fields))]

    def told(self, changed: CTE) -> list[ColumnElement[str]]:
        """Return the column of the changed rows' keys, of a table whose changes are kept."""
        return [changed.c[audit.KEY]]

    def in_order(self, rows: CTE) -> list[ColumnElement[Any]]:
        """Return the order of rows by their keys."""
        return by_key(self.resource, {name: rows.c[label] for name, label in self._labels().items()})

    def keys(self) -> list[ColumnElement[Any]]:
        """Return the columns of the key."""
        return [self.table.c[name].label(label) for name, label in self._labels().items()]

    def _match(self, rows: CTE) -> ColumnElement[bool]:
        return and_(*(self.table.c[name] == rows.c[label] for name, label in self._labels().items()))

    def _labels(self) -> dict[str, str]:
        return {name: f"k{i}" for i, name in enumerate(self.resource.primary_key)}


def _too_many() -> ColumnElement[int]:
    return bindparam(TOO_MANY, type_=Integer)


def _count_of(rows: CTE, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).select_from(rows).where(*conditions).scalar_subquery()
