"""New revisions, from what differs between the model and a database at the folder's head."""

from datetime import date
from pathlib import Path

from sqlalchemy import MetaData

from gateway.migrate.direct import planned, refuse_losses
from gateway.migrate.errors import MigrationError
from gateway.migrate.folder import Folder
from gateway.migrate.lock import Connect, alone, opened
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
                "the database is not at the folder's last revision: run `rowgate migrate` first"
            )
        steps = await planned(connection, metadata, folder.lineage)
    if not allow_destructive:
        refuse_losses(steps)
    return folder.write(message, steps, day=day) if steps else None
