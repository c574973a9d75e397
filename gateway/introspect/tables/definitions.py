"""Keys, checks, foreign keys, indexes and columns as SQL defines them, from their records."""

from collections.abc import Collection, Iterable
from typing import TypeAlias

from gateway.introspect.drift.differences import DEFERRABLE, NOT_VALID
from gateway.introspect.tables.ddl import quote, quoted
from gateway.introspect.tables.table_records import (
    Check,
    Column,
    Distribution,
    ForeignKey,
    Index,
    Key,
    Name,
    Table,
)
from gateway.schema.tables.literals import literal

Part: TypeAlias = Key | Check | ForeignKey | Index


def definition(part: Part) -> str:
    """Return what follows a part's name in DDL, such as `UNIQUE (origin, code)`."""
    match part:
        case Key():
            return _key(part)
        case Check():
            return f"CHECK ({part.expression}){_scope(part)}"
        case ForeignKey():
            return _foreign_key(part)
        case Index():
            return _index(part)


def column_definition(column: Column) -> str:
    """Return a column as CREATE TABLE and ADD COLUMN take it."""
    parts = [quote(column.name), column.type]
    if column.generated is not None:
        parts.append(f"GENERATED ALWAYS AS ({column.generated}) STORED")
    elif column.identity:
        parts.append(f"GENERATED {column.identity} AS IDENTITY")
    elif column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    if not column.nullable:
        parts.append("NOT NULL")
    return " ".join(parts)


def create_table(table: Table, name: str) -> str:
    """Return CREATE TABLE with keys and checks, without foreign keys and indexes; `name` comes quoted."""
    lines = [column_definition(column) for column in table.columns.values()]
    keys = sorted(table.keys.values(), key=lambda key: (not key.primary, key.name))
    parts: list[Part] = [*keys, *table.checks.values()]
    lines += [f"CONSTRAINT {quote(part.name)} {definition(part)}" for part in parts]
    body = ",\n    ".join(lines)
    divided = f" PARTITION BY {table.partition_key}" if table.partition_key else ""
    return f"CREATE TABLE {name} (\n    {body}\n){divided}"


def bound(values: Collection[str]) -> str:
    """Return what says which rows are in a partition by list."""
    return f"FOR VALUES IN ({', '.join(map(literal, sorted(values)))})"


def partition_of(table: Name, values: Collection[str]) -> str:
    """Return what makes a table a partition by list."""
    return f"PARTITION OF {quoted(table)} {bound(values)}"


def create_index(index: Index, table: str, *, concurrently: bool = False) -> str:
    """Return CREATE INDEX; `table` comes quoted. Concurrently it can be run again once it is there."""
    unique = "UNIQUE " if index.unique else ""
    how = "CONCURRENTLY IF NOT EXISTS " if concurrently else ""
    what = definition(index).removeprefix("UNIQUE ")
    return f"CREATE {unique}INDEX {how}{quote(index.name)} ON {table} {what}"


def distribute(table: Name, distribution: Distribution) -> str:
    """Return the statement that has Citus spread a table."""
    name = literal(quoted(table))
    if distribution.column is None:
        return f"SELECT pg_catalog.create_reference_table({name})"
    beside = literal(quoted(min(distribution.colocated))) if distribution.colocated else "'none'"
    column = literal(distribution.column)
    return f"SELECT pg_catalog.create_distributed_table({name}, {column}, colocate_with => {beside})"


def listed(names: Iterable[str]) -> str:
    """Return column names, each quoted where it must be, with commas."""
    return ", ".join(map(quote, names))


def _key(key: Key) -> str:
    kind = "PRIMARY KEY" if key.primary else "UNIQUE"
    nulls = " NULLS NOT DISTINCT" if key.nulls_not_distinct else ""
    when = DEFERRABLE if key.deferrable else ""
    return f"{kind}{nulls} ({listed(key.columns)}){when}"


def _foreign_key(key: ForeignKey) -> str:
    text = (
        f"FOREIGN KEY ({listed(key.columns)}) REFERENCES {quoted(key.target)} ({listed(key.target_columns)})"
    )
    if key.on_delete != "NO ACTION":
        text += f" ON DELETE {key.on_delete}"
    if key.on_update != "NO ACTION":
        text += f" ON UPDATE {key.on_update}"
    return text + _scope(key)


def _scope(part: Check | ForeignKey) -> str:
    """Return what SQL says of the rows that a constraint is checked for, where it isn't all of them."""
    if not part.enforced:
        return " NOT ENFORCED"
    return "" if part.valid else NOT_VALID


def _index(index: Index) -> str:
    # Columns and included columns come quoted from pg_get_indexdef.
    text = f"USING {quote(index.method)} ({', '.join(index.columns)})"
    if index.include:
        text += f" INCLUDE ({', '.join(index.include)})"
    if index.nulls_not_distinct:
        text += " NULLS NOT DISTINCT"
    if index.parameters:
        text += f" WITH ({', '.join(index.parameters)})"
    if index.where is not None:
        text += f" WHERE {index.where}"
    return f"UNIQUE {text}" if index.unique else text
