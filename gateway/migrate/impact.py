"""What a table's changes drag along: PostgreSQL changes no column under some of what depends on it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from gateway.introspect.ddl import quote
from gateway.introspect.definitions import Part
from gateway.introspect.records import Catalog, Column, Index, Name, Table


@dataclass(frozen=True, slots=True)
class Managed:
    """What earlier migrations made, and a new one may therefore drop once the schema no longer has it.

    Args:
        tables: tables that revisions of the same folder created.
        parts: columns, constraints and indexes, as (table, name).

    """

    tables: frozenset[Name] = frozenset()
    parts: frozenset[tuple[Name, str]] = frozenset()


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


def table_changes(wanted: Catalog, found: Catalog, managed: Managed) -> dict[Name, TableChange]:
    """Return the change of each table that both sides have."""
    shared = [name for name in wanted.tables if name in found.tables]
    first = {name: _change(wanted.tables[name], found.tables[name], managed) for name in shared}
    return {name: _with_references(change, first) for name, change in first.items()}


def _change(wanted: Table, found: Table, managed: Managed) -> TableChange:
    extra = [column for name, column in found.columns.items() if name not in wanted.columns]
    dropped = frozenset(
        column.name
        for column in extra
        if (found.name, column.name) in managed.parts or not column.fills_itself
    )
    pairs = [
        (column, found.columns[name]) for name, column in wanted.columns.items() if name in found.columns
    ]
    retyped = frozenset(
        ours.name for ours, theirs in pairs if ours.type != theirs.type and not ours.generated
    )
    replaced = frozenset(
        ours.name for ours, theirs in pairs if ours.generated and _recomputed(ours, theirs, dropped | retyped)
    )
    gone, changed = dropped | replaced, retyped
    lost = {
        name
        for name, part in _parts(found)
        if _differs(name, part, wanted, found, managed) or _stands_in_the_way(part, gone, changed)
    }
    return TableChange(wanted, found, dropped, replaced, retyped, frozenset(lost))


def _recomputed(wanted: Column, found: Column, touched: frozenset[str]) -> bool:
    if wanted.generated != found.generated or wanted.type != found.type:
        return True
    return any(_mentions(wanted.generated or "", column) for column in touched)


def _mentions(expression: str, column: str) -> bool:
    """Return whether an expression may read the column; a word in a literal counts, harmlessly."""
    return re.search(rf"(?<![\w\"]){re.escape(quote(column))}(?![\w\"])", expression) is not None


def _parts(table: Table) -> Iterator[tuple[str, Part]]:
    groups: tuple[Mapping[str, Part], ...] = (table.keys, table.checks, table.foreign_keys, table.indexes)
    for group in groups:
        yield from group.items()


def _differs(name: str, part: Part, wanted: Table, found: Table, managed: Managed) -> bool:
    ours = dict(_parts(wanted))
    if name in ours:
        return ours[name] != part
    is_second_primary_key = getattr(part, "primary", False)
    return (found.name, name) in managed.parts or is_second_primary_key


def _stands_in_the_way(part: Part, gone: frozenset[str], changed: frozenset[str]) -> bool:
    """Return whether the part would go with a column, or forbid its change."""
    if isinstance(part, Index):
        plain = part.where is None and set(part.reads) == {
            column.split(" ")[0].strip('"') for column in part.columns
        }
        return bool(gone & set(part.reads)) or (not plain and bool(changed & set(part.reads)))
    columns = frozenset(part.columns)
    return bool(columns & gone) or (bool(columns & changed) and not hasattr(part, "primary"))


def _with_references(change: TableChange, changes: Mapping[Name, TableChange]) -> TableChange:
    """Return the change with the foreign keys that go because their target's key or type does."""
    loose = {
        name
        for name, key in change.found.foreign_keys.items()
        if key.target in changes and _loosens(changes[key.target], frozenset(key.target_columns))
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
