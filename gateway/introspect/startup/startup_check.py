"""At start: a database that doesn't match the schema is not served."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import MetaData

from gateway.db.driver_errors import causes
from gateway.introspect.drift.differences import Change, Difference, Kind
from gateway.introspect.drift.extensions import VERSIONS, help_for, scans_on
from gateway.introspect.drift.find_drift import ModelRefusedError, drift
from gateway.introspect.drift.matching import parts_of
from gateway.introspect.startup.grants import LackedPrivilegeError
from gateway.introspect.tables.catalog import RELATIONS, read_catalog
from gateway.introspect.tables.ddl import QUALIFY_NAMES
from gateway.introspect.tables.model_tables import table_name
from gateway.introspect.tables.table_records import Column, Index, Name, Table
from gateway.schema.catalog_facts import Found, FoundColumn, FoundTable

_logger = logging.getLogger(__name__)
_CLOSE_SECONDS = 5
_WHOLE = (Kind.SCHEMA, Kind.EXTENSION, Kind.ENUM, Kind.TABLE)
"""What nobody made where it is missing."""


class SchemaMismatchError(Exception):
    """The database doesn't match the schema.

    Args:
        differences: each of them.
        folder: the folder of migrations, where there is one.

    """

    def __init__(self, differences: Sequence[Difference], folder: Path | None = None) -> None:
        listed = "".join(f"\n  {difference}" for difference in differences)
        way = (
            "`rowgate migrate` brings what it made to the schema, `rowgate migrate --sql` shows how"
            if folder is None
            else f"`rowgate migrate` runs the pending revisions of {folder}, and what they lack "
            "`rowgate migrate revision` writes"
        )
        if not all(one.kind in _WHOLE and one.change is Change.MISSING for one in differences):
            way += "; where others made a table, write what it has into the schema, or name it with --adopt"
        helps = help_for(differences)
        super().__init__(f"the database doesn't match the schema:{listed}\n{way}{helps}")
        self.differences = tuple(differences)


async def require_match(
    connect: Callable[[], Awaitable[Any]], metadata: MetaData, folder: Path | None = None, grants: str = ""
) -> Found:
    """Raise SchemaMismatchError unless the schema's statements fit the database; log what else differs.

    Return what is to be known of the tables in the database. Raises LackedPrivilegeError where that takes
    what the role may not do.

    Args:
        connect: opens an asyncpg connection, which is closed again.
        metadata: the schema's tables.
        folder: the folder of migrations, where there is one.
        grants: statements that give the role what it lacks.

    """
    connection = await connect()
    try:
        found = await drift(connection, metadata)
        tables = await _read_tables(connection, metadata)
        versions = {row["name"]: row["version"] for row in await connection.fetch(VERSIONS)}
    except (ModelRefusedError, asyncpg.InsufficientPrivilegeError) as error:
        if grants and any(isinstance(one, asyncpg.InsufficientPrivilegeError) for one in causes(error)):
            raise LackedPrivilegeError(grants) from error
        raise
    finally:
        await connection.close(timeout=_CLOSE_SECONDS)
    for difference in found:
        if not difference.forbids_serving and _matters(difference):
            _logger.warning("schema differs", extra={"difference": str(difference)})
    grave = [difference for difference in found if difference.forbids_serving]
    if grave:
        raise SchemaMismatchError(grave, folder)
    is_exact = not scans_on(versions.get("vector"))
    return {name: _found(table, is_exact=is_exact) for name, table in tables.items()}


async def _read_tables(connection: Any, metadata: MetaData) -> Mapping[Name, Table]:
    await connection.execute("BEGIN")
    try:
        await connection.execute(QUALIFY_NAMES)
        names = [table_name(table) for table in metadata.tables.values()]
        return (await read_catalog(connection, names, kinds=RELATIONS)).tables
    finally:
        await connection.execute("ROLLBACK")


def _found(table: Table, *, is_exact: bool) -> FoundTable:
    constraints = {
        part.name: (part.plain or part.reads) if isinstance(part, Index) else part.columns
        for part in parts_of(table)
        if not isinstance(part, Index) or part.unique
    }
    # PostgreSQL names a partition and its index, whichever table was written.
    of_parts = {
        name: constraints[whole] for name, whole in table.partition_indexes.items() if whole in constraints
    }
    columns = {column.name: _found_column(column) for column in table.columns.values()}
    return FoundTable(
        {**of_parts, **constraints},
        table.has_deferrable_keys,
        columns,
        table.is_view,
        table.writes,
        table.parts,
        is_exact,
    )


def _found_column(column: Column) -> FoundColumn:
    return FoundColumn(
        nullable=column.nullable,
        default=column.default,
        generated=column.generated,
        numbered=bool(column.identity) or (column.default or "").startswith("nextval("),
        base=column.base,
    )


def _matters(difference: Difference) -> bool:
    """Return whether it is worth a line in the log: what only the database has is its own affair."""
    return difference.change is not Change.EXTRA and difference.kind is not Kind.COMMENT
