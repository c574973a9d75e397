"""Options of a model that PostgreSQL refuses, with their places: its errors name neither."""

from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg
import sqlalchemy as sa

from gateway.introspect.tables import ddl
from gateway.introspect.tables.catalog import Connection
from gateway.introspect.tables.model_tables import make_surroundings
from gateway.introspect.tables.table_records import Catalog
from gateway.introspect.tables.temporary_tables import undone


async def refused_options(
    connection: Connection, tables: Sequence[sa.Table], found: Catalog
) -> tuple[str, ...]:
    """Return a line for each option that PostgreSQL refuses: its place and PostgreSQL's words.

    Each is tried in a temporary table of its own. None where the tables fail otherwise.

    Args:
        connection: inside a transaction, which is as before afterwards.
        tables: the model's tables.
        found: what the database holds.

    """
    lines = []
    async with undone(connection):
        await make_surroundings(connection, tables, found)
        for table in tables:
            for where, option, probe in _probes(table):
                try:
                    async with undone(connection):
                        await connection.execute(";\n".join([ddl.TYPES_FIRST, *ddl.create_scratch(probe)]))
                except asyncpg.PostgresError as error:
                    lines.append(f"{where}: {option}: {error}")
    return tuple(lines)


def _probes(table: sa.Table) -> Iterator[tuple[str, str, sa.Table]]:
    """Yield the place and the name of each option, and a table that has it alone."""
    where = _place(table, table.fullname)
    for column in table.columns:
        place = _place(column, f"{table.fullname}.{column.name}")
        yield place, "its type", _table(table, _bare(column))
        if isinstance(column.server_default, sa.DefaultClause):
            expression: Any = column.server_default.arg
            with_default = sa.Column(column.name, column.type, server_default=expression)
            yield place, "default", _table(table, with_default)
        if column.computed is not None:
            computed = sa.Column(
                column.name, column.type, sa.Computed(column.computed.sqltext, persisted=True)
            )
            others = (_bare(other) for other in table.columns if other is not column)
            yield place, "generated", _table(table, *others, computed)
    for constraint in sorted(table.constraints, key=lambda one: str(one.name)):
        if isinstance(constraint, sa.CheckConstraint):
            check = sa.CheckConstraint(constraint.sqltext)
            yield where, f"check {constraint.name}", _table(table, *map(_bare, table.columns), check)
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        probe = _table(table, *map(_bare, table.columns))
        options = index.dialect_options["postgresql"]
        sa.Index(
            index.name,
            *(probe.c[column.name] for column in index.columns),
            postgresql_using=options["using"],
            postgresql_ops=options["ops"],
            postgresql_with=options["with"],
            postgresql_where=options["where"],
        )
        yield where, f"index {index.name}", probe


def _bare(column: sa.Column[object]) -> sa.Column[object]:
    return sa.Column(column.name, column.type)


def _table(table: sa.Table, *parts: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(table.name, sa.MetaData(), *parts, schema=table.schema)


def _place(item: sa.Table | sa.Column[object], name: str) -> str:
    return str(item.info.get("place", name))
