"""Objects that depend on what a migration changes: PostgreSQL changes no column below some of them."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from gateway.introspect.drift.matching import parts_of
from gateway.introspect.tables.ddl import quote
from gateway.introspect.tables.definitions import Part
from gateway.introspect.tables.table_records import (
    Catalog,
    Check,
    Column,
    ForeignKey,
    Index,
    Key,
    Name,
    Table,
)
from gateway.migrate.plan.scope import Managed


@dataclass(frozen=True, slots=True)
class TableChange:
    """A table that both sides have, and which of its columns and parts go, come or change."""

    wanted: Table
    found: Table
    dropped: frozenset[str]
    """Columns that the schema no longer has."""
    replaced: frozenset[str]
    """Columns dropped and added again: computed ones."""
    retyped: frozenset[str]
    lost: frozenset[str]
    """Names of keys, checks, foreign keys and indexes that are dropped, though some come again."""
    proofs: Mapping[str, Check]
    """Checks by which a migration proves that columns hold no NULL, by the column; see plan/online.py."""
    online: bool = False
    """Whether others may read and write its rows meanwhile."""

    @property
    def kept(self) -> frozenset[str]:
        """Names of keys, checks, foreign keys and indexes that stay."""
        return frozenset(part.name for part in parts_of(self.found)) - self.lost


def table_changes(
    wanted: Catalog, found: Catalog, managed: Managed, online: Collection[Name] = ()
) -> dict[Name, TableChange]:
    """Return the change of each table that both sides have."""
    shared = [name for name in wanted.tables if name in found.tables]
    first = {
        name: replace(
            _change(wanted.tables[name], found.tables[name], managed),
            online=name in online,
        )
        for name in shared
    }
    return {name: _with_references(change, first, managed) for name, change in first.items()}


def _change(wanted: Table, found: Table, managed: Managed) -> TableChange:
    dropped = frozenset(found.columns) - frozenset(wanted.columns)
    pairs = [
        (column, found.columns[name]) for name, column in wanted.columns.items() if name in found.columns
    ]
    retyped = frozenset(
        ours.name for ours, theirs in pairs if ours.type != theirs.type and not ours.generated
    )
    replaced = frozenset(
        ours.name
        for ours, theirs in pairs
        if ours.generated
        and managed.may_change("column", found.name, ours.name)
        and _recomputed(ours, theirs, dropped | retyped)
    )
    ours = {part.name: part for part in parts_of(wanted)}
    proofs = {
        check.columns[0]: check
        for check in found.checks.values()
        if check.name not in ours and _is_proof(check, wanted) and managed.made_part(found.name, check)
        if check.columns[0] not in dropped | replaced | retyped
    }
    kept = {check.name for check in proofs.values()}
    lost = frozenset(
        part.name
        for part in parts_of(found)
        if part.name not in kept
        if not _stays(part, ours.get(part.name))
        or (managed.made_part(found.name, part) and _stands_in_the_way(part, dropped | replaced, retyped))
    )
    return TableChange(wanted, found, dropped, replaced, retyped, lost, proofs)


def _is_proof(check: Check, wanted: Table) -> bool:
    """Return whether the check says that a column holds no NULL, and the column will say so itself."""
    if len(check.columns) != 1 or check.columns[0] not in wanted.columns:
        return False
    column = wanted.columns[check.columns[0]]
    return not column.nullable and check.expression == f"({quote(column.name)} IS NOT NULL)"


def _stays(part: Part, wanted: Part | None) -> bool:
    """Return whether a part needs no other in its place: it is as it is wanted, or will be once validated."""
    return part == wanted or (isinstance(part, Check | ForeignKey) and replace(part, valid=True) == wanted)


def _recomputed(wanted: Column, found: Column, touched: frozenset[str]) -> bool:
    if wanted.generated != found.generated or wanted.type != found.type:
        return True
    return any(_mentions(wanted.generated or "", column) for column in touched)


def _mentions(expression: str, column: str) -> bool:
    """Return whether an expression may read the column; a word in a literal counts, harmlessly."""
    return re.search(rf"(?<![\w\"]){re.escape(quote(column))}(?![\w\"])", expression) is not None


def _stands_in_the_way(part: Part, gone: frozenset[str], changed: frozenset[str]) -> bool:
    """Return whether the part would go with a column, or forbid its change.

    Of parts that no migration made, PostgreSQL itself is asked: it rebuilds them, or refuses the change.
    """
    if isinstance(part, Index):
        plain = part.where is None and set(part.reads) == set(part.plain)
        return bool(gone & set(part.reads)) or (not plain and bool(changed & set(part.reads)))
    columns = frozenset(part.columns)
    return bool(columns & gone) or (bool(columns & changed) and not isinstance(part, Key))


def _with_references(
    change: TableChange, changes: Mapping[Name, TableChange], managed: Managed
) -> TableChange:
    """Return the change with the foreign keys that go because their target's key or type does."""
    loose = {
        name
        for name, key in change.found.foreign_keys.items()
        if managed.made_part(change.found.name, key)
        and key.target in changes
        and _loosens(changes[key.target], frozenset(key.target_columns))
    }
    return replace(change, lost=change.lost | loose)


def _loosens(target: TableChange, columns: frozenset[str]) -> bool:
    lost_keys = any(
        name in target.lost and frozenset(key.columns) == columns for name, key in target.found.keys.items()
    )
    lost_indexes = any(
        name in target.lost and index.unique and frozenset(index.reads) == columns
        for name, index in target.found.indexes.items()
    )
    return lost_keys or lost_indexes or bool(columns & target.retyped)
