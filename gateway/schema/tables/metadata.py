"""Schema → SQLAlchemy MetaData: the tables as PostgreSQL gets them, with constraints by their real names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import SchemaItem
from sqlalchemy.sql.naming import conv

from gateway.schema import model
from gateway.schema.search.ways import Words
from gateway.schema.tables.audited import audited_table
from gateway.schema.tables.literals import literal
from gateway.schema.tables.naming import CONVENTION, primary_key_name, quote
from gateway.schema.tables.zeros import zero_of

_ACTION = {action: None if action is model.Action.NO_ACTION else action.value for action in model.Action}


MANAGED = "managed"
"""The key of a table's `info` that says whether migrations make and alter it, as they do without it."""
AUDITED = "audited"
"""The key of a table's `info` that has its AuditedTable; None where its changes aren't kept."""
PARTITIONS = "partitions"
"""The key of a table's `info` that has its Partitions; None where it holds its rows itself."""
DISTRIBUTION = "distribution"
"""The key of a table's `info` that has its Distribution; None where its rows are on one node."""
STORED_TYPE = "type"
"""The key of a column's `info` that has its type as PostgreSQL's format_type prints it."""
NULL_IS_EMPTY = "null is empty"
"""The key of a column's `info` that says whether its field has a value for NULL, as repeated fields do."""
ZERO = "zero"
"""The key of a column's `info` that has the function for what is stored while nobody sets the field."""
NUMBER = "number"
"""The key of a column's `info` that has its field's number, which stays where the name changes."""
PLACE = "place"
"""The key of a table's and a column's `info` that has file, line and full name of what it is made from."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a schema.

    Args:
        metadata: all of them, with their PostgreSQL enums.
        tables: each resource's table by the message's full name.

    """

    metadata: sa.MetaData
    tables: Mapping[str, sa.Table]


def build_tables(schema: model.Schema) -> Tables:
    """Return the tables of a schema."""
    metadata = sa.MetaData(naming_convention=CONVENTION)
    tables = {name: _table(resource, metadata) for name, resource in schema.resources.items()}
    by_place = {(table.schema, table.name): table for table in tables.values()}
    for name, resource in schema.resources.items():
        for key in resource.foreign_keys:
            target = by_place.get((pg_schema(key.target_schema), key.target_table))
            if key.enforced and target is not None:
                tables[name].append_constraint(_foreign_key(key, target))
    return Tables(metadata, MappingProxyType(tables))


def constraints(resource: model.Resource) -> Mapping[str, tuple[str, ...]]:
    """Return the columns of each constraint and unique index of the table, by its name in the database.

    Where the database wasn't looked at, the names are those that a migration gives them.
    """
    if resource.constraints is not None:
        return resource.constraints
    unique_indexes = [index for index in resource.indexes if index.unique]
    return {
        primary_key_name(resource.table): resource.primary_key,
        **{key.name: key.columns for key in resource.unique if key.name},
        **{
            index.name: tuple(part.column for part in index.columns) for index in unique_indexes if index.name
        },
        **{check.name: check.columns for check in resource.checks},
        **{key.name: key.columns for key in resource.foreign_keys if key.name and key.enforced},
    }


def pg_schema(schema: str) -> str | None:
    """Return the schema as SQLAlchemy and Alembic take it: None for `public`, which needs no spelling."""
    return None if schema == "public" else schema


def _table(resource: model.Resource, metadata: sa.MetaData) -> sa.Table:
    place = _place(resource.message, resource.message.full_name, resource.line)
    table = sa.Table(
        resource.table,
        metadata,
        *(_column(field) for field in resource.fields),
        *_search_columns(resource, place),
        sa.PrimaryKeyConstraint(*resource.primary_key, name=conv(primary_key_name(resource.table))),
        *(_unique(key) for key in resource.unique),
        *(sa.CheckConstraint(_written(check.expression), name=conv(check.name)) for check in resource.checks),
        schema=pg_schema(resource.schema),
        comment=resource.comment or None,
        postgresql_partition_by=_partition_by(resource),
        info={
            PLACE: place,
            MANAGED: resource.managed,
            AUDITED: audited_table(resource),
            PARTITIONS: resource.partitions,
            DISTRIBUTION: resource.distribution,
        },
    )
    for index in resource.indexes:
        _index(index, table)
    return table


def _partition_by(resource: model.Resource) -> str | None:
    return None if resource.partitions is None else f"LIST ({quote(resource.partitions.column)})"


def _column(field: model.Field) -> sa.Column[Any]:
    place = _place(field.descriptor.containing_type, field.descriptor.full_name, field.line)
    return sa.Column(
        field.column,
        field.type.engine,
        *_made_by_server(field),
        nullable=field.nullable,
        server_default=_written(field.default) if field.default else None,
        comment=field.comment or None,
        info={
            PLACE: place,
            NUMBER: field.descriptor.number,
            STORED_TYPE: field.type.sql,
            NULL_IS_EMPTY: field.descriptor.is_repeated,
            ZERO: partial(zero_of, field),
        },
        autoincrement="auto" if field.identity else False,
    )


def _search_columns(resource: model.Resource, place: str) -> Iterator[sa.Column[Any]]:
    """Yield the columns that rows are searched by, and that no field carries."""
    words = resource.search.words if resource.search is not None else None
    if words is not None:
        yield sa.Column(
            words.column,
            postgresql.TSVECTOR(),
            sa.Computed(_written(words_expression(words)), persisted=True),
            info={PLACE: place, STORED_TYPE: "tsvector", NULL_IS_EMPTY: True},
        )


def words_expression(words: Words) -> str:
    """Return the expression of the words of columns, as SQL."""
    config = f"{literal(words.language)}::regconfig"
    weighted = (
        f"setweight(to_tsvector({config}, coalesce({quote(column)}, '')), '{letter}')"
        for column, letter in words.weights
    )
    return " || ".join(weighted)


def _place(message: Any, name: str, line: int) -> str:
    return f"{message.file.name}{f':{line}' if line else ''}: {name}"


def _made_by_server(field: model.Field) -> tuple[SchemaItem, ...]:
    if field.generated:
        return (sa.Computed(_written(field.generated), persisted=True),)
    return (sa.Identity(always=False),) if field.identity else ()


def _written(expression: str) -> sa.ColumnClause[Any]:
    # Not sa.text, which takes the `:30` of '12:30' for a parameter.
    return sa.literal_column(expression)


def _unique(key: model.UniqueKey) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(
        *key.columns,
        name=conv(key.name) if key.name else None,
        postgresql_nulls_not_distinct=key.nulls_not_distinct or None,
    )


def _foreign_key(key: model.ForeignKey, target: sa.Table) -> sa.ForeignKeyConstraint:
    # Columns and no text of them: a name may hold dots.
    return sa.ForeignKeyConstraint(
        key.columns,
        [target.c[column] for column in key.target_columns],
        name=conv(key.name) if key.name else None,
        ondelete=_ACTION[key.on_delete],
        onupdate=_ACTION[key.on_update],
    )


def _index(index: model.Index, table: sa.Table) -> sa.Index:
    parts = [
        table.c[part.column].desc() if part.descending else table.c[part.column] for part in index.columns
    ]
    return sa.Index(
        conv(index.name) if index.name else None,
        *parts,
        unique=index.unique,
        postgresql_ops={part.column: index.operators for part in index.columns if index.operators},
        postgresql_using=index.method,
        postgresql_with=dict(index.parameters),
        postgresql_where=_written(index.where) if index.where else None,
        postgresql_include=list(index.include) or None,
    )
