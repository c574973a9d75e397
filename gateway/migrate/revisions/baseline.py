"""The beginning of a folder for a database that exists: a first revision that stands for what is there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import MetaData

from gateway.introspect import read_sides
from gateway.introspect.tables.ddl import DEFAULT_SCHEMA
from gateway.introspect.tables.model_tables import managed_tables_of, needs_of, table_name, tables_of
from gateway.introspect.tables.table_records import Catalog, Name
from gateway.migrate.errors import MigrationError, NotOursError
from gateway.migrate.locks.lock import Connect, Connection, alone, opened
from gateway.migrate.locks.waits import LockWaits
from gateway.migrate.plan.field_numbers import fields_of, new_numbers
from gateway.migrate.plan.plan import plan
from gateway.migrate.plan.record import BEGIN, Recorded, claim, end, read_record
from gateway.migrate.plan.scope import Managed
from gateway.migrate.plan.steps import Plan
from gateway.migrate.revisions.folder import Folder, name_of
from gateway.migrate.revisions.upgrade import current_revision, stamp
from gateway.migrate.without_folder import WAITS, apply, plan_changes
from gateway.schema.tables.internal import INTERNAL_SCHEMA

_EMPTY = Catalog(
    tables={}, enums={}, schemas=frozenset({DEFAULT_SCHEMA, INTERNAL_SCHEMA}), extensions=frozenset()
)
"""An empty database, at a migration that is begun."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a baseline did.

    Args:
        revision: the name of the revision that the database counts as at.
        written: its file; None where the folder had it.
        others: the schema's tables that Rowgate didn't make, and leaves alone.

    """

    revision: str
    written: Path | None
    others: tuple[Name, ...]


async def baseline(
    metadata: MetaData,
    connect: Connect,
    folder: Folder,
    message: str,
    *,
    day: date,
    waits: LockWaits = WAITS,
) -> Baseline:
    """Mark a database that is at the schema as at the folder's last revision; write the first if it has none.

    In an empty database that one makes the tables as the schema says, their constraints under the names that
    they have in this one. Here nothing is changed but in the schema of the gateway's own tables. What Rowgate
    made without the folder is the folder's then; what others made stays theirs.

    Args:
        metadata: the schema's tables.
        connect: how a connection is opened.
        folder: the revisions; at the schema, where it has any.
        message: what the first revision is called.
        day: its date.
        waits: how long is waited for locks.

    Raises MigrationError where the database isn't at the schema, with the differences, or was migrated by a
    folder already.

    """
    if not tables_of(metadata):
        raise MigrationError("the schema has no table that migrations make, so that it needs no folder")
    async with alone(connect), opened(connect) as connection:
        await _require_match(connection, metadata, folder)
    await apply(MetaData(), connect, waits=waits)
    async with alone(connect), opened(connect) as connection:
        planned = await _require_match(connection, metadata, folder)
        written = await _first(connection, metadata, folder, message, day) if folder.head is None else None
        async with connection.transaction():
            await connection.execute(waits.statement)
            await connection.execute(BEGIN)
            needs = needs_of(tables_of(metadata))
            await connection.execute(claim({*needs.tables, *needs.enums}, folder.lineage))
            await connection.execute(end(folder.lineage, planned.numbers))
        await stamp(folder, connect)
        return Baseline(name_of(folder.pending(None)[-1]), written, await _others(connection, metadata))


async def _require_match(connection: Connection, metadata: MetaData, folder: Folder) -> Plan:
    """Raise MigrationError where a migration has anything to do but with the gateway's own tables."""
    async with connection.transaction():
        current = await current_revision(connection)
        if current is not None:
            folder.pending(current)
            raise MigrationError(f"the database is at revision {current} already: it needs no baseline")
        try:
            planned = await plan_changes(connection, metadata, Managed())
        except NotOursError as error:
            raise _unlike(map(str, error.differences)) from error
        own = {step.sql for step in (await plan_changes(connection, MetaData(), Managed())).steps}
    work = [step.line for step in planned.steps if step.sql not in own]
    if work:
        raise _unlike(work)
    return planned


def _unlike(differences: Iterable[str]) -> MigrationError:
    listed = "".join(f"\n  {difference}" for difference in differences)
    return MigrationError(
        f"refused, nothing was changed: the database isn't at the schema:{listed}\n"
        "let the schema say what the database has, or bring it there by `rowgate migrate` without a folder"
    )


async def _first(connection: Connection, metadata: MetaData, folder: Folder, message: str, day: date) -> Path:
    """Write the revision that makes all tables in an empty database."""
    async with connection.transaction():
        wanted = (await read_sides(connection, metadata)).wanted
    numbers = new_numbers(fields_of(metadata), _EMPTY, Managed())
    (path,) = folder.write(message, Plan(plan(wanted, _EMPTY, Managed()), numbers=numbers), day=day)
    return path


async def _others(connection: Connection, metadata: MetaData) -> tuple[Name, ...]:
    async with connection.transaction():
        record = await read_record(connection)
    names = map(table_name, managed_tables_of(metadata))
    return tuple(sorted(name for name in names if Recorded("table", name) not in record))
