"""New revisions, from what differs between the model and a database at the folder's head."""

from collections.abc import Collection
from datetime import date
from pathlib import Path

from sqlalchemy import MetaData

from gateway.introspect.tables.ddl import quoted
from gateway.introspect.tables.model_tables import managed_tables_of, table_name
from gateway.introspect.tables.table_records import Name
from gateway.migrate.errors import MigrationError
from gateway.migrate.locks.lock import Connect, Connection, alone, opened
from gateway.migrate.plan.record import Recorded, read_record
from gateway.migrate.plan.scope import Managed
from gateway.migrate.revisions.folder import Folder
from gateway.migrate.revisions.upgrade import current_revision
from gateway.migrate.without_folder import plan_changes, refuse_losses


async def revise(
    metadata: MetaData,
    connect: Connect,
    folder: Folder,
    message: str,
    *,
    day: date,
    adopted: Collection[Name] = (),
    allow_destructive: bool = False,
    contract: bool = False,
    renames: Collection[str] = (),
) -> tuple[Path, ...]:
    """Write the revision that brings the folder to the model; return its files, none where nothing differs.

    Indexes of tables that stand, and the look at their rows, are in others than what has no need of time.

    The database tells what the folder's revisions have made so far, so it has to be at the folder's head. It
    is read, not changed.

    Args:
        metadata: the schema's tables.
        connect: how a connection is opened.
        folder: where the revision goes.
        message: what the revision is for, such as `add flight`.
        day: its date.
        adopted: tables and enum types that it may change though no migration made them.
        allow_destructive: whether it may lose data or constraints.
        contract: whether defaults go that fill new columns for gateways from before them.
        renames: columns that get another name, as `public.orders.total=amount`.

    Raises DestructiveChangeError and MigrationError.

    """
    asked = Managed(
        adopted=frozenset(adopted),
        lineage=folder.lineage,
        contract=contract,
        elsewhere=True,
        renames=tuple(renames),
    )
    async with alone(connect), opened(connect) as connection, connection.transaction():
        current = await current_revision(connection)
        if folder.pending(current):
            raise MigrationError(
                "the database isn't at the folder's last revision: run `rowgate migrate` first"
            )
        if current is None:
            await _refuse_tables_made_otherwise(connection, metadata)
        planned = await plan_changes(connection, metadata, asked)
    if not allow_destructive:
        refuse_losses(planned)
    return folder.write(message, planned, day=day) if planned.steps else ()


async def _refuse_tables_made_otherwise(connection: Connection, metadata: MetaData) -> None:
    """Raise where Rowgate made tables without the folder: its first revision would leave them out."""
    record = await read_record(connection)
    names = map(table_name, managed_tables_of(metadata))
    held = sorted(quoted(name) for name in names if Recorded("table", name) in record)
    if held:
        raise MigrationError(
            "the first revision makes every table, and Rowgate made some already without the folder "
            f"({', '.join(held)}): begin by `rowgate migrate baseline`, or name an empty database with --dsn"
        )
