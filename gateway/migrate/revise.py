"""New revisions, from what differs between the model and a database at the folder's head."""

from datetime import date
from pathlib import Path

from sqlalchemy import MetaData

from gateway.introspect.ddl import quoted
from gateway.introspect.model import table_name
from gateway.migrate.direct import planned, refuse_losses
from gateway.migrate.errors import MigrationError
from gateway.migrate.folder import Folder
from gateway.migrate.lock import Connect, Connection, alone, opened
from gateway.migrate.upgrade import current_revision


async def revise(
    metadata: MetaData,
    connect: Connect,
    folder: Folder,
    message: str,
    *,
    day: date,
    allow_destructive: bool = False,
) -> Path | None:
    """Write the revision that brings the folder to the model; return its file, None where nothing differs.

    The database tells what the folder's revisions have made so far, so it has to be at the folder's head. It
    is read, not changed.

    Args:
        metadata: the schema's tables.
        connect: how a connection is opened.
        folder: where the revision goes.
        message: what the revision is for, such as `add flight`.
        day: its date.
        allow_destructive: whether it may lose data.

    Raises DestructiveChangeError and MigrationError.

    """
    async with alone(connect), opened(connect) as connection, connection.transaction():
        current = await current_revision(connection)
        if folder.pending(current):
            raise MigrationError(
                "the database isn't at the folder's last revision: run `rowgate migrate` first"
            )
        if current is None:
            await _refuse_tables_of_others(connection, metadata)
        steps = await planned(connection, metadata, folder.lineage)
    if not allow_destructive:
        refuse_losses(steps)
    return folder.write(message, steps, day=day) if steps else None


async def _refuse_tables_of_others(connection: Connection, metadata: MetaData) -> None:
    """Raise where tables are there that no revision made: the first revision would leave them out."""
    held = await connection.fetchval(
        "SELECT string_agg(name, ', ') FROM unnest($1::text[]) name WHERE to_regclass(name) IS NOT NULL",
        sorted(quoted(table_name(table)) for table in metadata.tables.values()),
    )
    if held:
        raise MigrationError(
            f"the first revision makes every table, and the database has some already ({held}): "
            "name an empty database with --dsn"
        )
