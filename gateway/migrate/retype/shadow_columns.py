"""Shadow columns: filled beside a column while its type changes, and left of it; with check and trigger.

They are found again by their names, and are Rowgate's own where the record says so.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from gateway.introspect.drift.matching import parts_of, with_parts
from gateway.introspect.tables.table_records import Catalog, Column, Index, Name, Table
from gateway.migrate.plan.scope import Managed
from gateway.schema.tables.internal import INTERNAL_SCHEMA

_NEW = "rowgate_new_"
_OLD = "rowgate_old_"
_LONGEST_NAME = 63
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Shadow:
    """The names of what stands beside a column.

    Args:
        table: the column's table.
        column: the column's name.

    """

    table: Name
    column: str

    @property
    def new(self) -> str:
        """The column that is filled."""
        return f"{_NEW}{self.column}"

    @property
    def old(self) -> str:
        """The column that stood in the new one's place."""
        return f"{_OLD}{self.column}"

    @property
    def check(self) -> str:
        """The check that every row is filled; it is valid once that is proved."""
        return f"rowgate_{self.column}_filled"

    @property
    def function(self) -> Name:
        """The trigger's function."""
        return Name(INTERNAL_SCHEMA, f"fill_{self._digest}")

    @property
    def trigger(self) -> str:
        """The trigger that fills the new column: the last by name, so it sees what others make of a row."""
        return f"zz_rowgate_fill_{self._digest}"

    @property
    def fits(self) -> bool:
        """Whether PostgreSQL takes the names whole."""
        return len(self.check.encode()) <= _LONGEST_NAME

    @property
    def _digest(self) -> str:
        return sha256("\0".join((*self.table, self.column)).encode()).hexdigest()[:_DIGITS]


def shadow_columns(found: Table, wanted: Table | None, managed: Managed) -> Iterator[tuple[Shadow, Column]]:
    """Yield the columns of a table that a change of type made, or left, and what they stand beside."""
    named = wanted.columns if wanted is not None else {}
    for column in found.columns.values():
        for prefix in (_NEW, _OLD):
            if (
                column.name.startswith(prefix)
                and column.name not in named
                and managed.made("column", found.name, column.name)
            ):
                yield Shadow(found.name, column.name.removeprefix(prefix)), column


def without_shadows(found: Catalog, wanted: Catalog, managed: Managed) -> Catalog:
    """Return the catalog without such columns, and without what reads them."""
    tables = {
        name: _without(
            table, {column.name for _, column in shadow_columns(table, wanted.tables.get(name), managed)}
        )
        for name, table in found.tables.items()
    }
    return replace(found, tables=tables)


def _without(table: Table, columns: Collection[str]) -> Table:
    if not columns:
        return table
    left = {name: column for name, column in table.columns.items() if name not in columns}
    parts = (
        part
        for part in parts_of(table)
        if not set(columns) & set(part.reads if isinstance(part, Index) else part.columns)
    )
    return with_parts(replace(table, columns=left), parts)
