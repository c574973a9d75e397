"""What a migration would do: the SQL to read or to run elsewhere, and the differences to check for."""

from collections.abc import Sequence

from sqlalchemy import MetaData

from gateway.introspect import Change, Difference
from gateway.migrate.direct import is_work, planned, refuse_losses, sides_of
from gateway.migrate.folder import Folder, name_of
from gateway.migrate.impact import Managed
from gateway.migrate.lock import Connect, alone, opened
from gateway.migrate.managed import DIRECT, read_managed
from gateway.migrate.steps import Step
from gateway.migrate.upgrade import current_revision, offline_sql, refuse_losses_of


async def preview(
    metadata: MetaData, connect: Connect, folder: Folder | None = None, *, allow_destructive: bool = False
) -> str:
    """Return what a migration would run now, as a script for psql; empty where there is nothing to do.

    Args:
        metadata: the schema's tables.
        connect: how a connection is opened. Nothing is changed.
        folder: the migrations folder; None for direct changes.
        allow_destructive: whether the script may lose data.

    Raises DestructiveChangeError and MigrationError, as the migration itself would.

    """
    async with alone(connect), opened(connect) as connection, connection.transaction():
        if folder is not None:
            current = await current_revision(connection)
            if not allow_destructive:
                refuse_losses_of(folder.pending(current))
            return offline_sql(folder, current)
        steps = await planned(connection, metadata, DIRECT)
    if not allow_destructive:
        refuse_losses(steps)
    return _script(steps)


async def differences(metadata: MetaData, connect: Connect, folder: Folder | None = None) -> tuple[str, ...]:
    """Return, for a reader, the pending revisions and what differs between model and database.

    What only the database has is no difference, unless a migration made it: it is left alone.
    """
    lineage = folder.lineage if folder is not None else DIRECT
    async with alone(connect), opened(connect) as connection, connection.transaction():
        pending = folder.pending(await current_revision(connection)) if folder is not None else ()
        managed = await read_managed(connection, lineage)
        sides = await sides_of(connection, metadata, managed)
    return (
        *(f"revision {name_of(script)} is pending" for script in pending),
        *(str(difference) for difference in sides.differences if _is_open(difference, managed)),
    )


def _is_open(difference: Difference, managed: Managed) -> bool:
    if difference.table is None or difference.change is not Change.EXTRA:
        return is_work(difference)
    return difference.table in managed.tables or (difference.table, difference.name) in managed.parts


def _script(steps: Sequence[Step]) -> str:
    """Return steps as a script: new enum labels first and for themselves, the rest in one transaction."""
    first = [f"{step.sql};\n" for step in steps if step.alone]
    rest = [f"{step.sql};\n" for step in steps if not step.alone]
    if rest:
        rest = ["BEGIN;\n", *rest, "COMMIT;\n"]
    return "\n".join([*first, *rest])
