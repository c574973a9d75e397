"""Changes of a table that others read and write: what takes long holds no lock that they need.

An index is built CONCURRENTLY. A check or foreign key is added NOT VALID, which looks at no row and holds for
new ones at once; VALIDATE CONSTRAINT looks at the others. A column becomes NOT NULL by a check that is valid:
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from gateway.introspect.tables import ddl
from gateway.introspect.tables.definitions import Part, create_index
from gateway.introspect.tables.table_records import Catalog, Check, ForeignKey, Index, Key, Name, Table
from gateway.migrate.plan.dependent_objects import TableChange
from gateway.migrate.plan.steps import Run, Step
from gateway.migrate.plan.widening import keeps_every_value

Buildable: TypeAlias = Key | Index


class Place(NamedTuple):
    """A table and the name of a constraint of it."""

    table: Name
    name: str


def built_outside(change: TableChange) -> list[tuple[Table, Buildable]]:
    """Return the indexes that are built outside of transactions, also those of unique keys.

    One that guards uniqueness and is only replaced isn't: in between nothing would guard it.
    """
    if not change.online:
        return []
    parts: list[Buildable] = [
        *(key for key in change.wanted.keys.values() if not key.primary),
        *change.wanted.indexes.values(),
    ]
    return [
        (change.wanted, part)
        for part in parts
        if part.name not in change.kept
        and not (part.name in change.lost and (isinstance(part, Key) or part.unique))
    ]


def build(table: Table, part: Buildable) -> Step:
    """Return the step that builds an index. A unique one is as good as a unique key, and stands for it."""
    return Step(
        create_index(
            part if isinstance(part, Index) else index_of(part), ddl.quoted(table.name), concurrently=True
        ),
        f"{'index' if isinstance(part, Index) else 'key'} {part.name} of {table.name} is missing",
        run=Run.OUTSIDE,
        index=(table.name, part.name),
    )


def index_of(key: Key) -> Index:
    """Return the index that stands for a unique key."""
    columns = tuple(map(ddl.quote, key.columns))
    return Index(key.name, columns, unique=True, nulls_not_distinct=key.nulls_not_distinct)


def waiting_references(wanted: Catalog, built: Sequence[tuple[Table, Buildable]]) -> Collection[Place]:
    """Return the foreign keys whose target's key is built outside of transactions."""
    keys = {
        (table.name, frozenset(part.columns if isinstance(part, Key) else part.plain))
        for table, part in built
    }
    return {
        Place(table.name, key.name)
        for table in wanted.tables.values()
        for key in table.foreign_keys.values()
        if (key.target, frozenset(key.target_columns)) in keys
    }


def unproven(change: TableChange, part: Part) -> Part:
    """Return a constraint as it is added: without a look at the rows that are there.

    A check of a column whose new type can't hold every value is proved with the change: once that is
    committed, nobody could have the values back that it refuses.
    """
    if not change.online or not isinstance(part, Check | ForeignKey):
        return part
    if isinstance(part, Check) and any(_may_lose(change, column) for column in part.columns):
        return part
    return replace(part, valid=False)


def _may_lose(change: TableChange, column: str) -> bool:
    """Return whether the column gets a type that doesn't hold every value of its former one."""
    if column not in change.retyped:
        return False
    return not keeps_every_value(change.found.columns[column].type, change.wanted.columns[column].type)


def validate(change: TableChange, name: str, reason: str) -> Step:
    """Return the step that looks whether rows from before a constraint meet it."""
    sql = f"ALTER TABLE {ddl.quoted(change.wanted.name)} VALIDATE CONSTRAINT {ddl.quote(name)}"
    return Step(sql, reason, run=Run.AFTERWARDS if change.online else Run.TOGETHER)


def to_prove(change: TableChange) -> frozenset[str]:
    """Return the columns that become NOT NULL once it is proved that they hold no NULL.

    Those of a new primary key and new identities have to be NOT NULL at once.
    """
    primary = [key for key in change.wanted.keys.values() if key.primary and key.name not in change.kept]
    at_once = {name for key in primary for name in key.columns}
    return frozenset(
        column.name
        for column in change.wanted.columns.values()
        if change.online
        and not (column.nullable or column.identity or column.generated)
        and column.name not in at_once
        and column.name in change.found.columns
        and change.found.columns[column.name].nullable
    )


def prove_not_null(change: TableChange) -> Iterator[Step]:
    """Yield the checks for columns that become NOT NULL: they refuse new NULLs."""
    for column in sorted(to_prove(change) - change.proofs.keys()):
        name, quoted = ddl.quote(_proof(change, column)), ddl.quote(column)
        yield Step(
            f"ALTER TABLE {ddl.quoted(change.wanted.name)} "
            f"ADD CONSTRAINT {name} CHECK ({quoted} IS NOT NULL) NOT VALID",
            f"column {change.wanted.name}.{column} is NULL, the schema says NOT NULL: new rows first",
        )


def validate_not_null(change: TableChange) -> Iterator[Step]:
    """Yield the look at rows that were there before those checks."""
    for column in sorted(to_prove(change)):
        if column not in change.proofs or not change.proofs[column].valid:
            reason = f"column {change.wanted.name}.{column} may be NULL in rows that are there"
            yield validate(change, _proof(change, column), reason)


def set_not_null(change: TableChange) -> Iterator[Step]:
    """Yield what makes columns NOT NULL by their checks, which go then."""
    alter = f"ALTER TABLE {ddl.quoted(change.wanted.name)}"
    for column in sorted(to_prove(change) | change.proofs.keys()):
        where = f"column {change.wanted.name}.{column}"
        if column in to_prove(change):
            not_null = f"{alter} ALTER COLUMN {ddl.quote(column)} SET NOT NULL"
            yield Step(not_null, f"{where} is NULL, the schema says NOT NULL")
        drop = f"{alter} DROP CONSTRAINT {ddl.quote(_proof(change, column))}"
        yield Step(drop, f"{where} needs its check no longer")


def _proof(change: TableChange, column: str) -> str:
    return change.proofs[column].name if column in change.proofs else f"rowgate_{column}_not_null"
