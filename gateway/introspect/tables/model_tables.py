"""The model's side of a comparison: the MetaData's tables, as this PostgreSQL itself would hold them.

PostgreSQL stores what it parsed, not what was written: `IN ('a', 'b')` comes back as `= ANY (ARRAY[…])`. So
the tables are made as temporary ones, read with the very queries that read the real ones, and rolled back.
Only foreign keys and comments are taken from the MetaData: temporary tables can't refer to permanent ones.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ARRAY, Enum, ForeignKeyConstraint, MetaData
from sqlalchemy import Table as SqlTable
from sqlalchemy.types import TypeEngine

from gateway.introspect.tables import ddl
from gateway.introspect.tables.catalog import Connection
from gateway.introspect.tables.table_records import Catalog, ForeignKey, Name, Surroundings, Table
from gateway.introspect.tables.temporary_tables import read_scratch, spelled_default
from gateway.schema.tables.internal import own_tables
from gateway.schema.tables.literals import value_literal
from gateway.schema.tables.metadata import AUDITED, MANAGED, PARTITIONS, ZERO

# Types that an extension brings, by the name that a column's type begins with.
EXTENSIONS: Mapping[str, str] = {
    "citext": "citext",
    "hstore": "hstore",
    "ltree": "ltree",
    "geography": "postgis",
    "geometry": "postgis",
    "vector": "vector",
    "halfvec": "vector",
    "sparsevec": "vector",
}
_OPERATORS: Mapping[str, str] = {"gin_trgm_ops": "pg_trgm", "gist_trgm_ops": "pg_trgm"}
"""Operator classes of indexes that an extension brings."""

GATEWAY_TABLES = "gateway tables"
"""The key of `metadata.info` that asks for the gateway's own tables where others manage all others."""

_TYPE_NAME = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs(Surroundings):
    """The names of tables, and what they need around them."""

    tables: frozenset[Name]


def tables_of(metadata: MetaData) -> tuple[SqlTable, ...]:
    """Return the model's managed tables and the gateway's own: what migrations make and alter.

    A database all of whose tables others manage is left as it is, without the gateway's own, unless
    `metadata.info` says otherwise (GATEWAY_TABLES).
    """
    managed = managed_tables_of(metadata)
    if metadata.tables and not managed and GATEWAY_TABLES not in metadata.info:
        return ()
    return (*managed, *own_tables(audited=is_audited(metadata)))


def is_audited(metadata: MetaData) -> bool:
    """Return whether changes of a table are kept as rows."""
    audited = (table.info.get(AUDITED) for table in metadata.tables.values())
    return any(one is not None and one.in_table for one in audited)


def managed_tables_of(metadata: MetaData) -> tuple[SqlTable, ...]:
    """Return the model's tables that migrations make and alter, referenced ones first."""
    return tuple(table for table in metadata.tables.values() if table.info.get(MANAGED, True))


def unmanaged_tables_of(metadata: MetaData) -> tuple[SqlTable, ...]:
    """Return the model's tables that others make and alter."""
    return tuple(table for table in metadata.tables.values() if not table.info.get(MANAGED, True))


def table_name(table: SqlTable) -> Name:
    """Return a table's schema and name; a table without a schema is in `public`."""
    return Name(table.schema or ddl.DEFAULT_SCHEMA, table.name)


def partitions_of(tables: Iterable[SqlTable]) -> Mapping[Name, frozenset[str]]:
    """Return the partitions of the tables, with the values of each in text."""
    given = (table.info.get(PARTITIONS) for table in tables)
    return {
        Name(part.schema, part.table): frozenset(part.values)
        for partitions in given
        if partitions is not None
        for part in partitions.tables
    }


def needs_of(tables: Sequence[SqlTable]) -> Needs:
    """Return the schemas, extensions and enum types that the tables use."""
    types = [_item(column.type) for table in tables for column in table.columns]
    enums = {
        Name(kind.schema or ddl.DEFAULT_SCHEMA, str(kind.name)): tuple(kind.enums)
        for kind in types
        if isinstance(kind, Enum) and kind.native_enum
    }
    names = frozenset(map(table_name, tables))
    return Needs(
        tables=names,
        schemas=frozenset(name.schema for name in (*names, *enums, *partitions_of(tables))),
        extensions=frozenset(_extensions(types)) | extensions_of_indexes(tables),
        enums=enums,
    )


def _item(kind: TypeEngine[object]) -> TypeEngine[object]:
    return kind.item_type if isinstance(kind, ARRAY) else kind


def _extensions(types: Iterable[TypeEngine[object]]) -> Iterator[str]:
    for kind in types:
        found = None if isinstance(kind, Enum) else _TYPE_NAME.match(ddl.type_text(kind).lower())
        if found and found[0] in EXTENSIONS:
            yield EXTENSIONS[found[0]]


def extensions_of_indexes(tables: Iterable[SqlTable]) -> frozenset[str]:
    """Return the extensions by whose operators indexes of the tables go."""
    indexes = [index for table in tables for index in table.indexes]
    operators = {name for index in indexes for name in index.dialect_options["postgresql"]["ops"].values()}
    return frozenset(_OPERATORS[name] for name in operators if name in _OPERATORS)


async def read_model(connection: Connection, tables: Sequence[SqlTable], found: Catalog) -> Catalog:
    """Return the tables in PostgreSQL's own spelling.

    Args:
        connection: inside a transaction that is rolled back afterwards, at least to a savepoint.
        tables: the model's tables.
        found: what the database holds now: what is missing around the tables is made first.

    """
    needs = await make_surroundings(connection, tables, found)
    read: dict[Name, Table] = {}
    for schema in sorted({name.schema for name in needs.tables}):
        read |= await _read_schema(connection, schema, tables)
    for table in tables:
        name = table_name(table)
        if name in found.tables:
            read[name] = await _with_fills(connection, read[name], table, found.tables[name])
    return Catalog(tables=read, enums=needs.enums, schemas=needs.schemas, extensions=needs.extensions)


async def make_surroundings(connection: Connection, tables: Sequence[SqlTable], found: Catalog) -> Needs:
    """Make what is missing around the tables; return what they need."""
    needs = needs_of(tables)
    for statement in _surroundings(needs, found):
        await connection.execute(statement)
    return needs


def _surroundings(needs: Needs, found: Catalog) -> Iterator[str]:
    """Yield what makes the missing surroundings; an enum type that lacks labels steps aside."""
    short = {
        name: labels
        for name, labels in sorted(needs.enums.items())
        if not set(labels) <= set(found.enums.get(name, ()))
    }
    # Temporary tables need no schema, so one is made for enum types alone.
    for schema in sorted({name.schema for name in short} - found.schemas):
        yield ddl.create_schema(schema)
    for extension in sorted(needs.extensions - found.extensions):
        yield ddl.create_extension(extension)
    for number, (name, labels) in enumerate(short.items()):
        if name in found.enums:
            yield f"ALTER TYPE {ddl.quoted(name)} RENAME TO rowgate_scratch_{number}"
        yield ddl.create_enum(name, labels)


async def _read_schema(connection: Connection, schema: str, tables: Sequence[SqlTable]) -> dict[Name, Table]:
    own = {table_name(table): table for table in tables if table_name(table).schema == schema}
    statements = [statement for table in own.values() for statement in ddl.create_scratch(table)]
    read = await read_scratch(connection, own, statements)
    return {name: _completed(table, own[name]) for name, table in read.items()}


async def _with_fills(connection: Connection, read: Table, table: SqlTable, found: Table) -> Table:
    """Return the table with what fills the columns that are missing, or have a default besides."""
    columns = dict(read.columns)
    for column in table.columns:
        own, there = read.columns[column.name], found.columns.get(column.name)
        if not own.fills_itself and (there is None or there.default is not None) and ZERO in column.info:
            zero = value_literal(column.info[ZERO]())
            if zero is not None:
                columns[own.name] = replace(own, fill=await spelled_default(connection, own.type, zero))
    return replace(read, columns=columns)


def _completed(read: Table, table: SqlTable) -> Table:
    """Return a scratch table with what scratch tables can't have."""
    return replace(
        read,
        foreign_keys={key.name: key for key in map(_foreign_key, table.foreign_key_constraints)},
        columns={
            column.name: replace(read.columns[column.name], comment=column.comment or None)
            for column in table.columns
        },
        comment=table.comment or None,
        partitions=partitions_of([table]),
    )


def _foreign_key(constraint: ForeignKeyConstraint) -> ForeignKey:
    target = constraint.referred_table
    return ForeignKey(
        name=ddl.constraint_name(constraint),
        columns=tuple(column.name for column in constraint.columns),
        target=Name(target.schema or ddl.DEFAULT_SCHEMA, target.name),
        target_columns=tuple(element.column.name for element in constraint.elements),
        on_delete=(constraint.ondelete or "NO ACTION").upper(),
        on_update=(constraint.onupdate or "NO ACTION").upper(),
    )
