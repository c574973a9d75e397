"""Tables that others make and alter (`managed: false`): what the schema's statements need of them.

That is every column, with its type, without NULL where the schema has no place for it, and a unique key
wherever the schema names one: what has no key is only read. Names of keys, checks, foreign keys, indexes and
defaults are the database's affair. Nothing is made for the comparison: whoever may read the catalog may ask.
Of a view PostgreSQL knows neither keys nor NULLs: there the schema's word counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Column as SqlColumn
from sqlalchemy import MetaData, UniqueConstraint
from sqlalchemy import Table as SqlTable

from gateway.introspect.drift.compare import compare_surroundings
from gateway.introspect.drift.differences import Change, Difference, Kind
from gateway.introspect.drift.distribution import distribution_differences
from gateway.introspect.drift.partitions import partition_differences
from gateway.introspect.tables.catalog import RELATIONS, Connection, read_catalog
from gateway.introspect.tables.ddl import QUALIFY_NAMES
from gateway.introspect.tables.definitions import definition
from gateway.introspect.tables.distribution import CITUS, distributions_of, with_found_distributions
from gateway.introspect.tables.model_tables import (
    extensions_of_indexes,
    needs_of,
    partitions_of,
    table_name,
    unmanaged_tables_of,
)
from gateway.introspect.tables.table_records import Catalog, Key, Surroundings, Table
from gateway.introspect.tables.temporary_tables import undone
from gateway.schema.tables.metadata import NULL_IS_EMPTY, STORED_TYPE
from gateway.schema.types.sql_types import without_modifiers

# Asked by the connection's own search_path: read_catalog prints types of users with their schema.
_QUALIFIED = """
SELECT asked.name, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname) AS qualified
FROM pg_catalog.unnest($1::text[]) AS asked(name)
JOIN pg_catalog.pg_type t ON t.oid = pg_catalog.to_regtype(asked.name)
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace AND n.nspname <> 'pg_catalog'
"""


async def unmanaged_differences(connection: Connection, metadata: MetaData) -> tuple[Difference, ...]:
    """Return what statements need of the tables that others manage, and the database hasn't.

    Args:
        connection: inside a transaction, which is as before afterwards.
        metadata: the schema's tables.

    """
    tables = unmanaged_tables_of(metadata)
    if not tables:
        return ()
    enums = needs_of(tables).enums
    types = await _qualified_types(connection, tables)
    async with undone(connection):
        await connection.execute(QUALIFY_NAMES)
        names = [table_name(table) for table in tables]
        catalog = await read_catalog(connection, names, enums, RELATIONS)
        found = await with_found_distributions(connection, catalog)
    spread = distributions_of(metadata)
    extensions = extensions_of_indexes(tables) | ({CITUS} if spread.keys() & set(names) else set())
    wanted = Surroundings(schemas=frozenset(), extensions=extensions, enums=enums)
    return (
        *compare_surroundings(wanted, found),
        *(difference for table in tables for difference in _relation(table, found, types)),
        *(
            difference
            for table in found.tables.values()
            for difference in distribution_differences(
                replace(table, distribution=spread.get(table.name), in_two_phases=False), table
            )
        ),
    )


async def _qualified_types(connection: Connection, tables: Sequence[SqlTable]) -> Mapping[str, str]:
    """Return the columns' types as the catalog prints them, by how the schema spells them."""
    spelled = {column.info[STORED_TYPE] for table in tables for column in table.columns}
    names = {sql: without_modifiers(sql).removesuffix("[]") for sql in spelled}
    rows = await connection.fetch(_QUALIFIED, sorted(set(names.values())))
    qualified = {row["name"]: row["qualified"] for row in rows}
    return {sql: sql.replace(name, qualified.get(name, name), 1) for sql, name in names.items()}


def _relation(table: SqlTable, found: Catalog, types: Mapping[str, str]) -> Iterator[Difference]:
    name = table_name(table)
    if name in found.tables:
        yield from _table(table, found.tables[name], types)
    elif name in found.others:
        yield Difference(Kind.TABLE, Change.DIFFERENT, table=name, wanted="a table", found=found.others[name])
    else:
        yield Difference(Kind.TABLE, Change.MISSING, table=name)


def _table(table: SqlTable, found: Table, types: Mapping[str, str]) -> Iterator[Difference]:
    if table.primary_key.columns:
        yield from _in_the_way(table, found)
    for column in table.columns:
        wanted = types[column.info[STORED_TYPE]]
        if column.name in found.columns:
            yield from _column(found, column, wanted)
        else:
            yield Difference(Kind.COLUMN, Change.MISSING, table=found.name, name=column.name, wanted=wanted)
    if not found.is_view:
        yield from _keys(table, found)
    if wanted_parts := partitions_of([table]):
        yield from partition_differences(found.name, wanted_parts, found.partitions, ())


def _in_the_way(table: SqlTable, found: Table) -> Iterator[Difference]:
    """Yield what is in the way of keys and writes, which a table without a key has none of."""
    unfilled = (
        column.name
        for column in found.columns.values()
        if column.name not in table.columns and not column.fills_itself
    )
    of_table = {
        Kind.CHILDREN: ", ".join(map(str, found.children)),
        Kind.RULES: ", ".join(found.rules),
        Kind.UNFILLED: ", ".join(unfilled),
    }
    for kind, what in of_table.items():
        if what:
            yield Difference(kind, Change.DIFFERENT, table=found.name, found=what)


def _column(table: Table, column: SqlColumn[Any], wanted: str) -> Iterator[Difference]:
    found = table.columns[column.name]
    if wanted not in (found.stored_type, found.type):
        yield Difference(
            Kind.TYPE,
            Change.DIFFERENT,
            table=table.name,
            name=found.name,
            wanted=wanted,
            found=found.stored_type,
        )
    # PostgreSQL doesn't say which columns of a view are NULL.
    has_null = found.nullable and not table.is_view
    if has_null and not column.nullable and not column.info[NULL_IS_EMPTY]:
        yield Difference(
            Kind.NULLABLE,
            Change.DIFFERENT,
            table=table.name,
            name=found.name,
            wanted="NOT NULL",
            found="NULL",
        )


def _keys(table: SqlTable, found: Table) -> Iterator[Difference]:
    """Yield the keys that the schema names and no unique constraint or index of the table is."""
    for wanted in _wanted_keys(table):
        nullable = any(table.c[name].nullable for name in wanted.columns)
        alike = [key for key in _unique(found) if _same_rows(wanted, key, nullable=nullable)]
        if not any(not key.deferrable for key in alike):
            yield Difference(
                Kind.KEY,
                Change.DIFFERENT if alike else Change.MISSING,
                table=found.name,
                name=", ".join(wanted.columns),
                wanted=definition(wanted),
                found=definition(alike[0]) if alike else None,
            )


def _wanted_keys(table: SqlTable) -> Iterator[Key]:
    if table.primary_key.columns:
        yield Key("", tuple(column.name for column in table.primary_key.columns))
    for constraint in sorted(table.constraints, key=lambda one: str(one.name)):
        if isinstance(constraint, UniqueConstraint):
            nulls = bool(constraint.dialect_options["postgresql"]["nulls_not_distinct"])
            columns = tuple(column.name for column in constraint.columns)
            yield Key("", columns, nulls_not_distinct=nulls)


def _unique(found: Table) -> Iterator[Key]:
    yield from found.keys.values()
    for index in found.indexes.values():
        if index.is_key:
            yield Key(index.name, index.plain, nulls_not_distinct=index.nulls_not_distinct)


def _same_rows(wanted: Key, key: Key, *, nullable: bool) -> bool:
    alike = frozenset(wanted.columns) == frozenset(key.columns)
    return alike and (not nullable or wanted.nulls_not_distinct == key.nulls_not_distinct)
