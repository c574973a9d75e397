"""Values that fill new NOT NULL columns of tables with rows: the zeros of their fields, where these fit.

Such a value is the column's default, which PostgreSQL stores once, without a look at the rows:
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import replace

import asyncpg

from gateway.introspect import Sides
from gateway.introspect.drift.matching import parts_of
from gateway.introspect.tables.ddl import QUALIFY_NAMES, quote, quoted
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
from gateway.introspect.tables.temporary_tables import undone
from gateway.migrate.errors import MigrationError
from gateway.migrate.locks.lock import Connection


async def with_fitting_fills(connection: Connection, sides: Sides) -> Sides:
    """Return the sides without the fills that keys, references or checks of new columns don't allow."""
    tables = {
        name: await _fitting(connection, table, sides.found.tables[name])
        if name in sides.found.tables
        else table
        for name, table in sides.wanted.tables.items()
    }
    return replace(sides, wanted=replace(sides.wanted, tables=tables))


async def refuse_unfillable(connection: Connection, wanted: Catalog, found: Catalog) -> None:
    """Raise MigrationError for NOT NULL columns that nothing fills and that a table with rows is to get."""
    refusals = [
        f"\n  column {name}.{column.name} can't be NOT NULL: the table has rows, and "
        f"{column.unfit or 'no default fills it'}; "
        "declare the field optional, with not_null and a default, or alone until the rows are filled"
        for name, table in wanted.tables.items()
        if name in found.tables
        for column in table.columns.values()
        if column.name not in found.tables[name].columns
        and not column.fills_itself
        and await _has_rows(connection, name)
    ]
    if refusals:
        raise MigrationError("refused, nothing was changed:" + "".join(refusals))


async def refuse_nulls(
    connection: Connection,
    wanted: Catalog,
    found: Catalog,
    tables: Collection[Name],
    renamed: Mapping[Name, Mapping[str, str]],
) -> None:
    """Raise MigrationError where rows of these tables have no value for a column that becomes NOT NULL.

    Args:
        connection: inside a transaction.
        wanted: what the database is to hold.
        found: what it holds, by the names that columns get.
        tables: those with rows.
        renamed: these new names by those that the columns still have.

    """
    old = {(table, new): name for table, names in renamed.items() for name, new in names.items()}
    refusals = [
        f"\n  column {name}.{column.name} can't be NOT NULL: rows that are there have no value for it: "
        "fill it first, as by UPDATE … WHERE … IS NULL"
        for name in sorted(tables)
        for column in wanted.tables[name].columns.values()
        if not column.nullable
        and (there := found.tables[name].columns.get(column.name)) is not None
        and there.nullable
        and await _has_nulls(connection, name, old.get((name, column.name), column.name))
    ]
    if refusals:
        raise MigrationError("refused, nothing was changed:" + "".join(refusals))


async def tables_with_rows(
    connection: Connection, wanted: Catalog, found: Catalog, *, all_of_them: bool
) -> frozenset[Name]:
    """Return the tables that change and hold rows, or may; partitioned ones know no CONCURRENTLY."""
    return frozenset(
        {
            name
            for name, table in wanted.tables.items()
            if name in found.tables
            and table != found.tables[name]
            and not found.tables[name].is_partitioned
            and (all_of_them or await _has_rows(connection, name))
        }
    )


async def _has_nulls(connection: Connection, table: Name, column: str) -> bool:
    query = f"SELECT EXISTS (SELECT 1 FROM {quoted(table)} WHERE {quote(column)} IS NULL)"  # noqa: S608 - quoted names
    return bool(await connection.fetchval(query))


async def _has_rows(connection: Connection, table: Name) -> bool:
    return bool(await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {quoted(table)})"))  # noqa: S608 - a quoted name


async def _fitting(connection: Connection, wanted: Table, found: Table) -> Table:
    new = {
        column.name: column
        for column in wanted.columns.values()
        if column.name not in found.columns and column.fill is not None
    }
    columns = dict(wanted.columns)
    async for name, why in _unfit(connection, wanted, new):
        columns[name] = replace(columns[name], fill=None, unfit=f"{new[name].fill} can't: {why}")
    return replace(wanted, columns=columns)


async def _unfit(
    connection: Connection, table: Table, new: dict[str, Column]
) -> AsyncIterator[tuple[str, str]]:
    for part in parts_of(table) if new else ():
        match part:
            case Key() | Index(unique=True, where=None) if new.keys() >= (names := _columns_of(part)):
                why = f"{part.name} wants another value in each row"
            case ForeignKey(enforced=True) if names := new.keys() & set(part.columns):
                why = f"{part.name} wants a row of {part.target} for it"
            case Check(enforced=True) if new.keys() >= (names := set(part.columns)):
                if await _holds(connection, part, [new[name] for name in part.columns]):
                    continue
                why = f"{part.name} refuses it"
            case _:
                continue
        for name in names:
            yield name, why


def _columns_of(part: Key | Index) -> set[str]:
    return set(part.columns if isinstance(part, Key) else part.reads)


async def _holds(connection: Connection, check: Check, columns: Iterable[Column]) -> bool:
    """Return whether a check lets the columns' fills pass; false where PostgreSQL can't tell yet."""
    values = ", ".join(f"({column.fill})::{column.type} AS {quote(column.name)}" for column in columns)
    try:
        async with undone(connection):
            await connection.execute(QUALIFY_NAMES)
            query = f"SELECT ({check.expression}) IS NOT FALSE FROM (SELECT {values}) AS new"  # noqa: S608 - of a catalog
            return bool(await connection.fetchval(query))
    except asyncpg.PostgresError:
        return False
