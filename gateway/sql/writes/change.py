"""Statements that change or remove rows by key, and tell of each what they found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    false,
    func,
    literal_column,
    null,
    select,
    true,
    update,
)
from sqlalchemy.sql.selectable import CTE

from gateway.policy.row_rules import ChangeRules, read_rule
from gateway.request.transforms import Transform
from gateway.schema.identity import is_exact
from gateway.schema.model import Resource
from gateway.schema.types.sql_types import NamedType
from gateway.sql import audit
from gateway.sql.key_order import by_key
from gateway.sql.rule_checks import checked_columns, is_met, is_there, outcome_is_met
from gateway.sql.statement import compile_statement
from gateway.sql.writes.row_arrays import (
    Items,
    RowsStatement,
    RowStatement,
    items,
    output_columns,
    row_values,
)
from gateway.sql.writes.transforms import operand_fields, transformed, unfit

_HELD = "rowgate_held"
_CHANGED = "rowgate_changed"


class Change(Enum):
    """What becomes of a row."""

    HOLD = "hold"
    """Nothing: it is locked and returned."""
    SEIZE = "seize"
    """Nothing yet: it is locked, against new references too, and returned."""
    UPDATE = "update"
    DELETE = "delete"
    SOFT_DELETE = "soft delete"
    UNDELETE = "undelete"

    @property
    def keeps_keys(self) -> bool:
        """Whether new rows may refer to the rows meanwhile: only removal keeps foreign keys waiting."""
        return self not in _REMOVING


STAYING = frozenset({Change.HOLD, Change.SEIZE})
"""The changes that leave rows as they are."""

ACTIONS = {
    Change.UPDATE: audit.UPDATE,
    Change.DELETE: audit.DELETE,
    Change.SOFT_DELETE: audit.SOFT_DELETE,
    Change.UNDELETE: audit.UNDELETE,
}
"""What is kept of a change, of those that change rows."""

FLAGS = 7
"""The columns before the row's own: found, live (not soft-deleted), fresh (at the expected version), allowed
(by the rules), done, unfit (the place of a transform whose outcome doesn't fit), and repeated (an item before
has an equal key), which is told where PostgreSQL alone knows."""


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
    """Return the statement that changes the rows of the items' keys.

    It returns one row per item, in order: the flags, then the row as it is afterwards (DELETE: as it was),
    NULLs where nothing was done. The rows are locked in the order of their keys before any is changed.
    `fresh` and `live` are of the locked row, so no concurrent change slips in between.

    Args:
        resource: what the rows are.
        table: its table.
        change: what to do with rows that are found, fresh, and live (UNDELETE: not live).
        columns: UPDATE: the columns that take the item's value.
        defaults: UPDATE: the columns that take their default.
        transforms: UPDATE: what others become of their stored values; each item has the operands.
        rules: which rows are there for the caller, which it may change, and what they have to be then.

    """
    wanted = {*resource.primary_key, *columns}
    fields = tuple(field for field in resource.fields if field.column in wanted)
    fields += operand_fields(resource, transforms)
    expects = resource.version is not None
    plan = _Plan(resource, table, change, items(fields, expects=expects), rules)
    given = plan.items.values
    sent: dict[str, Any] = {name: given[name] for name in columns}
    sent |= transformed(resource, table, transforms, given)
    held = plan.held(sent, defaults, unfit(resource, table, transforms, given))
    changed = plan.changed(held, sent | {name: literal_column("DEFAULT") for name in defaults})
    name = f"{change.value} {resource.table}"
    report = compile_statement(
        plan.report(held, changed), fields=resource.fields, writes=True, name=name, audited=plan.audited()
    )
    return RowsStatement(report, fields, expects)


def change_row(
    resource: Resource, table: Table, change: Change, columns: tuple[str, ...], *, expects: bool
) -> RowStatement:
    """Return the statement that makes an UPDATE, DELETE, SOFT_DELETE or UNDELETE of one row, and returns it.

    It returns nothing where the row is not in the state that the change wants, and does not tell why:
    `change_rows` does. `expects` says whether the row must be at an expected version.
    """
    wanted = {*resource.primary_key, *columns}
    fields = tuple(field for field in resource.fields if field.column in wanted)
    values = row_values(fields)
    where = [table.c[name] == values[name] for name in resource.primary_key]
    expected = bindparam("expected", type_=NamedType("bigint")) if expects else None
    where += is_ready(resource, table, change, expected)
    returned = [*audit.key_columns(table), *output_columns(resource, table)]
    statement = changing(resource, table, change, {name: values[name] for name in columns})
    compiled = compile_statement(
        statement.where(*where).returning(*returned),
        fields=resource.fields,
        writes=True,
        name=f"{change.value} {resource.table}",
        audited=audit.changed_rows(table, ACTIONS[change]),
    )
    return RowStatement(compiled, fields)


def is_ready(
    resource: Resource, table: Table, change: Change, expected: ColumnElement[Any] | None
) -> list[ColumnElement[bool]]:
    """Return the conditions on a row's state that a change makes: deleted or not, and its version."""
    conditions: list[ColumnElement[bool]] = []
    if resource.soft_delete:
        deleted_at = table.c[resource.soft_delete]
        conditions.append(deleted_at.is_not(None) if change is Change.UNDELETE else deleted_at.is_(None))
    if expected is not None and resource.version:
        conditions.append(table.c[resource.version] == expected)
    return conditions


def changing(resource: Resource, table: Table, change: Change, sent: Mapping[str, Any]) -> Any:
    """Return the UPDATE or DELETE that makes a change, for the conditions of its rows to be added.

    Args:
        resource: what the rows are.
        table: its table, or an alias of it.
        change: UPDATE, DELETE, SOFT_DELETE or UNDELETE.
        sent: what columns become, beside those that the change sets on its own.

    """
    if change is Change.DELETE:
        return delete(table)
    changed = {**sent, **server_set(resource, table, change)}
    return update(table).values({table.c[name]: value for name, value in changed.items()})


def server_set(resource: Resource, table: Table, change: Change) -> dict[str, Any]:
    """Return what a change sets on its own: version, time, and the mark of a soft-deleted row."""
    values: dict[str, Any] = {}
    if resource.version:
        values[resource.version] = table.c[resource.version] + 1
    if resource.updated_at:
        values[resource.updated_at] = func.now()
    if resource.soft_delete and change in _DELETED_AT:
        values[resource.soft_delete] = _DELETED_AT[change]
    return values


def repeated(resource: Resource, rows: Items) -> ColumnElement[bool]:
    """Return whether an item has the key of an earlier one; of keys whose identity tells it is false."""
    if all(is_exact(field.type) for field in resource.key_fields):
        return false()
    keys = [rows.values[name] for name in resource.primary_key]
    return func.row_number().over(partition_by=keys, order_by=rows.n) > 1


@dataclass(frozen=True, slots=True)
class ChangedItems:
    """A change of the items' rows: what of a row's state it asks for."""

    resource: Resource
    table: Table
    change: Change
    items: Items
    rules: ChangeRules | None

    def allowed(self, sent: Mapping[str, Any], defaults: Sequence[str]) -> ColumnElement[bool]:
        """Return whether the caller may change the row, and make of it what it asks for.

        The outcome is looked at again when it is written: but a key that is taken is found before that.
        """
        rules = self.rules
        if rules is None or rules.using is None:
            return true()
        met = [is_met(rules.using, self.table)]
        if self.change not in STAYING:
            changed = {**sent, **server_set(self.resource, self.table, self.change)}
            met += outcome_is_met(rules.checks, self.resource, self.table, changed, defaults)
        return func.coalesce(and_(*met), false())

    def live(self) -> ColumnElement[bool]:
        """Return whether the row isn't soft-deleted."""
        column = self.resource.soft_delete
        return self.table.c[column].is_(None) if column else true()

    def fresh(self) -> ColumnElement[bool]:
        """Return whether the row is at the version that its item expects."""
        column = self.resource.version
        if column is None:
            return true()
        return func.coalesce(self.table.c[column] == self.items.cte.c.expected, true())

    def matched(self) -> list[ColumnElement[bool]]:
        """Return the conditions that the row has its item's key."""
        return [self.table.c[name] == self.items.values[name] for name in self.resource.primary_key]

    def there(self) -> list[ColumnElement[bool]]:
        """Return the conditions that the row is there for the caller."""
        return is_there(read_rule(self.rules), self.table)

    def audited(self) -> audit.AuditedRows | None:
        """Return what reads what was changed; None where nothing is kept."""
        return None if self.change in STAYING else audit.changed_rows(self.table, ACTIONS[self.change])


class _Plan(ChangedItems):
    """The three parts of a change: the rows held, the rows changed, the report of both."""

    def held(self, sent: Mapping[str, Any], defaults: tuple[str, ...], unfit: ColumnElement[int]) -> CTE:
        stored, rows = self.table.c, self.items
        columns = [stored[name].label(f"k{i}") for i, name in enumerate(self.resource.primary_key)]
        whole = output_columns(self.resource, self.table) if self.change in STAYING else []
        allowed = self.allowed(sent, defaults).label("allowed")
        state = (self.live().label("live"), self.fresh().label("fresh"), allowed, unfit.label("unfit"))
        found = select(rows.n, *columns, *state, *whole)
        there = found.join_from(rows.cte, self.table, and_(*self.matched())).where(*self.there())
        ordered = there.order_by(*self._order())
        return ordered.with_for_update(key_share=self.change.keeps_keys, of=self.table).cte(_HELD)

    def _order(self) -> list[ColumnElement[Any]]:
        stored = {name: self.table.c[name] for name in self.resource.primary_key}
        return [*by_key(self.resource, stored), self.items.n]

    def changed(self, held: CTE, sent: dict[str, Any]) -> CTE:
        if self.change in STAYING:
            return held
        match = (self.table.c[name] == held.c[f"k{i}"] for i, name in enumerate(self.resource.primary_key))
        live = ~held.c.live if self.change is Change.UNDELETE else held.c.live
        ready = and_(*match, held.c.n == self.items.n, held.c.fresh, held.c.allowed, live)
        ready = and_(ready, held.c.unfit.is_(None))
        keys = audit.key_columns(self.table)
        returned = (*keys, held.c.n, *checked_columns(self.resource, self.table, self.rules))
        statement = changing(self.resource, self.table, self.change, sent)
        changed: CTE = statement.where(ready).returning(*returned).cte(_CHANGED)
        return changed

    def report(self, held: CTE, changed: CTE) -> Select[Any]:
        rows = self.items
        found = rows.cte.outerjoin(held, held.c.n == rows.n)
        if changed is not held:
            found = found.outerjoin(changed, changed.c.n == rows.n)
        met = (held.c.n.is_not(None), held.c.live, held.c.fresh, held.c.allowed)
        flags = (*met, changed.c.n.is_not(None), held.c.unfit, repeated(self.resource, rows))
        whole = (changed.c[f"f{i}"] for i in range(len(self.resource.fields)))
        keys = [changed.c[audit.KEY]] if self.audited() is not None else []
        return select(*keys, *flags, *whole).select_from(found).order_by(rows.n)


_REMOVING = frozenset({Change.DELETE, Change.SEIZE})
_DELETED_AT = {Change.SOFT_DELETE: func.now(), Change.UNDELETE: null()}
