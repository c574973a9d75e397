"""What statements tell of the rows that they change, of tables whose changes are kept.

The first column of their rows is the changed row's key as JSON, or NULL where none was changed. Whoever runs
such a statement takes the column off, so that those who read its rows find what they find of other tables.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, Text, cast, func, literal_column

from gateway.schema.tables.audited import AuditedTable
from gateway.schema.tables.metadata import AUDITED

INSERT = "INSERT"
UPDATE = "UPDATE"
DELETE = "DELETE"
SOFT_DELETE = "SOFT_DELETE"
UNDELETE = "UNDELETE"

KEY = "rowgate_key"
"""The name of the first column."""

Row = Sequence[Any]


class Changed(NamedTuple):
    """Rows that were changed.

    Args:
        table: the table.
        action: what became of them.
        keys: theirs, each a JSON object.
        place: whose they are, of the calls that share the statement.

    """

    table: AuditedTable
    action: str
    keys: Sequence[str]
    place: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class AuditedRows:
    """Reads from a statement's rows what was changed.

    Args:
        in_table: whether it has to be kept in the transaction of the change.
        changes: reads it.

    """

    in_table: bool
    changes: Callable[[Sequence[Row]], Iterator[Changed]]


def audited_table_of(table: Any) -> AuditedTable | None:
    """Return what is needed to keep changes of a table; None where nothing is kept."""
    found: AuditedTable | None = table.info.get(AUDITED)
    return found


def key_columns(table: Table, source: Any = None) -> list[ColumnElement[str]]:
    """Return the column of the changed row's key; none of a table whose changes aren't kept.

    Args:
        table: the table.
        source: what the statement calls it, where it has another name there.

    """
    audited = audited_table_of(table)
    if audited is None:
        return []
    columns = (table if source is None else source).c
    pairs: list[Any] = []
    for name, column in audited.key.items():
        pairs += [literal_column(f"'{name}'"), columns[column]]
    return [cast(func.pg_catalog.jsonb_build_object(*pairs), Text).label(KEY)]


def key_text(audited: AuditedTable, source: str, quote: Callable[[str], str]) -> str:
    """Return the same as text, of the row `source`."""
    pairs = ", ".join(f"'{name}', {source}.{quote(column)}" for name, column in audited.key.items())
    return f"pg_catalog.jsonb_build_object({pairs})::text"


def changed_rows(table: Table, action: str) -> AuditedRows | None:
    """Return what reads the rows of a statement of one call: `key, …`."""
    audited = audited_table_of(table)
    return None if audited is None else of_rows(audited, action)


def of_rows(audited: AuditedTable, action: str) -> AuditedRows:
    """Return what reads rows as `changed_rows` does."""

    def changes(rows: Sequence[Row]) -> Iterator[Changed]:
        keys = [row[0] for row in rows if row[0] is not None]
        if keys:
            yield Changed(audited, action, keys)

    return AuditedRows(audited.in_table, changes)


def shared_rows(table: Table, action: str) -> AuditedRows | None:
    """Return what reads the rows of a statement that calls share: `key, place, …`."""
    audited = audited_table_of(table)
    if audited is None:
        return None

    def changes(rows: Sequence[Row]) -> Iterator[Changed]:
        for key, place, *_ in rows:
            yield Changed(audited, action, (key,), place)

    return AuditedRows(audited.in_table, changes)


def merged_rows(audited: AuditedTable) -> AuditedRows:
    """Return what reads the rows of a MERGE: `keys, action, …`."""

    def changes(rows: Sequence[Row]) -> Iterator[Changed]:
        for keys, action, *_ in rows:
            yield Changed(audited, action, keys)

    return AuditedRows(audited.in_table, changes)


def removed_rows(tables: Sequence[Table]) -> AuditedRows | None:
    """Return what reads the rows of a statement that removes rows of several tables: `key, table`."""
    audited = [audited_table_of(table) for table in tables]
    if not any(audited):
        return None

    def changes(rows: Sequence[Row]) -> Iterator[Changed]:
        for i, table in enumerate(audited):
            keys = [key for key, place in rows if place == i]
            if table is not None and keys:
                yield Changed(table, DELETE, keys)

    return AuditedRows(any(table.in_table for table in audited if table is not None), changes)
