"""Temporary tables that are made only to be read: PostgreSQL's own spelling of a table."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

import asyncpg

from gateway.introspect.drift.differences import is_shorter_text
from gateway.introspect.tables.catalog import Connection, read_catalog
from gateway.introspect.tables.ddl import QUALIFY_NAMES, TYPES_FIRST, quote, scratch_name
from gateway.introspect.tables.definitions import create_index, create_table
from gateway.introspect.tables.table_records import Catalog, Name, Table

_TEMPORARY = "SELECT nspname::text AS name FROM pg_catalog.pg_namespace WHERE oid = pg_my_temp_schema()"
_DEFAULT = """
SELECT pg_get_expr(adbin, adrelid) AS expression FROM pg_catalog.pg_attrdef
WHERE adrelid = 'pg_temp.rowgate_default'::regclass
"""

_savepoints = count()


@asynccontextmanager
async def undone(connection: Connection) -> AsyncIterator[None]:
    """Undo what happens inside an open transaction, and leave the transaction usable."""
    savepoint = f"rowgate_{next(_savepoints)}"
    await connection.execute(f"SAVEPOINT {savepoint}")
    try:
        yield
    finally:
        await connection.execute(f"ROLLBACK TO SAVEPOINT {savepoint}; RELEASE SAVEPOINT {savepoint}")


async def read_scratch(
    connection: Connection, names: Collection[Name], statements: Sequence[str]
) -> dict[Name, Table]:
    """Return the temporary tables that the statements make, under their real names.

    Args:
        connection: inside a transaction; as before afterwards.
        names: the real tables' names, all of one PostgreSQL schema: names are unique in it, and so they are
            among temporary tables.
        statements: what makes the tables and their indexes in `pg_temp`.

    """
    real = {name.name: name for name in names}
    async with undone(connection):
        await connection.execute(";\n".join([TYPES_FIRST, *statements]))
        await connection.execute(QUALIFY_NAMES)
        rows = await connection.fetch(_TEMPORARY)
        read = await read_catalog(connection, [Name(rows[0]["name"], name) for name in real])
    # A table that weren't found would count as one that the schema gives up.
    if len(read.tables) != len(real):
        raise RuntimeError(f"of {len(real)} temporary tables {len(read.tables)} were found")
    return {real[name.name]: replace(table, name=real[name.name]) for name, table in read.tables.items()}


async def spelled_default(connection: Connection, kind: str, default: str) -> str | None:
    """Return a column's default as PostgreSQL prints it; None where it is none of that type.

    Args:
        connection: inside a transaction; as before afterwards.
        kind: the column's type.
        default: an expression.

    """
    try:
        async with undone(connection):
            create = f"CREATE TEMPORARY TABLE rowgate_default (value {kind} DEFAULT {default})"
            await connection.execute(f"{QUALIFY_NAMES}; {create}")
            rows = await connection.fetch(_DEFAULT)
    except asyncpg.PostgresError:
        return None
    return str(rows[0]["expression"])


async def respelled(
    connection: Connection, catalog: Catalog, names: Collection[Name], found: Catalog
) -> Catalog:
    """Return the catalog with the named tables' expressions printed, read and printed again.

    Printing and reading is no round trip: `a IN ('x', 'y')` over a varchar is printed in one way when it was
    written so, and in another when it was restored from a dump. Read once more, both are printed alike.
    Texts have the lengths that were found, by which expressions are printed in other ways too.
    """
    tables = dict(catalog.tables)
    for schema in sorted({name.schema for name in names}):
        own = {
            name: _in_length(catalog.tables[name], found.tables[name])
            for name in names
            if name.schema == schema
        }
        statements = [statement for table in own.values() for statement in _create(table)]
        for name, table in (await read_scratch(connection, own, statements)).items():
            tables[name] = _with_expressions(catalog.tables[name], table)
    return replace(catalog, tables=tables)


async def renamed(
    connection: Connection, catalog: Catalog, renames: Mapping[Name, Mapping[str, str]]
) -> Catalog:
    """Return the catalog as it will be once columns are renamed.

    PostgreSQL itself says how their tables' expressions are printed then: nobody waits for a lock meanwhile.

    Args:
        connection: inside a transaction; as before afterwards.
        catalog: the database.
        renames: new names by the old ones, of each table that has such columns.

    """
    tables = {name: _with_names(table, renames) for name, table in catalog.tables.items()}
    for name, columns in renames.items():
        alter = f"ALTER TABLE {scratch_name(name.name)} RENAME COLUMN"
        statements = [
            *_create(catalog.tables[name]),
            *(f"{alter} {quote(old)} TO {quote(new)}" for old, new in columns.items()),
        ]
        spelled = (await read_scratch(connection, [name], statements))[name]
        tables[name] = replace(_with_expressions(tables[name], spelled), keys=spelled.keys)
    return replace(catalog, tables=tables)


def _with_names(table: Table, renames: Mapping[Name, Mapping[str, str]]) -> Table:
    """Return the table with other names of columns, but in keys and expressions."""
    own = renames.get(table.name, {})
    columns = {own.get(name, name): column for name, column in table.columns.items()}
    return replace(
        table,
        columns={name: replace(column, name=name) for name, column in columns.items()},
        foreign_keys={
            name: replace(
                key,
                columns=tuple(own.get(column, column) for column in key.columns),
                target_columns=tuple(
                    renames.get(key.target, {}).get(column, column) for column in key.target_columns
                ),
            )
            for name, key in table.foreign_keys.items()
        },
    )


def _in_length(table: Table, found: Table) -> Table:
    """Return the table with its texts as long as they were found."""
    columns = {
        name: replace(column, type=found.columns[name].type)
        if name in found.columns and is_shorter_text(column.type, found.columns[name].type)
        else column
        for name, column in table.columns.items()
    }
    return replace(table, columns=columns)


def _create(table: Table) -> list[str]:
    name = scratch_name(table.name.name)
    # What was set of an index that stands may fit no new one.
    indexes = (replace(index, parameters=()) for index in table.indexes.values())
    return [create_table(table, name), *(create_index(index, name) for index in indexes)]


def _with_expressions(table: Table, spelled: Table) -> Table:
    columns = {
        name: replace(
            column, default=spelled.columns[name].default, generated=spelled.columns[name].generated
        )
        for name, column in table.columns.items()
    }
    checks = {name: replace(check, valid=table.checks[name].valid) for name, check in spelled.checks.items()}
    indexes = {
        name: replace(index, parameters=table.indexes[name].parameters)
        for name, index in spelled.indexes.items()
    }
    return replace(table, columns=columns, checks=checks, indexes=indexes)
