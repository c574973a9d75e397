"""The revisions of a migrations folder, run by Alembic (https://alembic.sqlalchemy.org/en/latest/cookbook.html).

Alembic's environment is built here, in code: a user's folder holds revisions and nothing else.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from io import StringIO
from typing import Any

import asyncpg
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import Script
from sqlalchemy import Connection as SqlConnection
from sqlalchemy.exc import DBAPIError

from gateway.db.connections.sqlalchemy_engine import create_engine
from gateway.introspect.tables.ddl import create_schema
from gateway.migrate.errors import DestructiveChangeError, MigrationError
from gateway.migrate.locks.lock import Connect, Connection, alone, opened
from gateway.migrate.locks.waits import LockTimeoutError, LockWaits
from gateway.migrate.plan.record import VERSION_TABLE
from gateway.migrate.revisions.folder import Folder, losses_of, name_of, numbers_of
from gateway.migrate.revisions.slips import place_of, placed
from gateway.migrate.statements import LINEAGE, WAITS_OPTION, recorded
from gateway.migrate.without_folder import WAITS, refused
from gateway.schema.tables.internal import INTERNAL_SCHEMA

# What runs is told by the command itself.
logging.getLogger("alembic").setLevel(logging.WARNING)

_VERSION_TABLE: dict[str, Any] = {
    "version_table": VERSION_TABLE,
    "version_table_schema": INTERNAL_SCHEMA,
}


async def upgrade(
    folder: Folder,
    connect: Connect,
    *,
    allow_destructive: bool = False,
    tell: Callable[[Sequence[Script]], None] = lambda _pending: None,
    waits: LockWaits = WAITS,
) -> tuple[str, ...]:
    """Run the folder's pending revisions, each in a transaction, one migration at a time; return their names.

    Args:
        folder: the revisions.
        connect: how a connection is opened; several are.
        allow_destructive: whether revisions that say that they destroy something may run.
        tell: is told which will run, before any does.
        waits: how long is waited for locks.

    Raises DestructiveChangeError, before anything is done, and MigrationError where PostgreSQL refuses a
    statement: revisions before it stay done, its own is undone.

    """
    async with alone(connect), opened(connect) as connection:
        pending = folder.pending(await current_revision(connection))
        if not allow_destructive:
            refuse_losses_of(pending)
        tell(pending)
        if pending:
            await _make_internal_schema(connection)
            await waits.tried(connect, lambda: _run(connect, folder, partial(_run_online, waits=waits)))
        return tuple(map(name_of, pending))


async def stamp(folder: Folder, connect: Connect) -> None:
    """Record that the database is at the folder's last revision, and run none."""
    async with opened(connect) as connection:
        await _make_internal_schema(connection)
    await _run(connect, folder, _stamp_online)


async def current_revision(connection: Connection) -> str | None:
    """Return the revision that the database is at; None where no folder was ever run."""
    table = f"{INTERNAL_SCHEMA}.{VERSION_TABLE}"
    if await connection.fetchval("SELECT to_regclass($1) IS NULL", table):
        return None
    revision: str | None = await connection.fetchval(f"SELECT version_num FROM {table}")  # noqa: S608 - our own
    return revision


def offline_sql(folder: Folder, current: str | None, waits: LockWaits) -> str:
    """Return the pending revisions as a script for psql; empty where none are pending."""
    if not folder.pending(current):
        return ""
    output = StringIO()
    with _environment(folder, as_sql=True, starting_rev=current) as environment:
        environment.configure(
            dialect_name="postgresql",
            output_buffer=output,
            transaction_per_migration=True,
            **_options(folder, waits),
        )
        with placed(folder.path):
            environment.run_migrations()
    return f"{create_schema(INTERNAL_SCHEMA)};\n\n{output.getvalue()}"


def refuse_losses_of(pending: Sequence[Script]) -> None:
    """Raise DestructiveChangeError where revisions say that they destroy something, naming each."""
    losses = [f"{name_of(script)}: {loss}" for script in pending for loss in losses_of(script)]
    if losses:
        raise DestructiveChangeError(losses)


async def _make_internal_schema(connection: Connection) -> None:
    """Make the schema of the version table. IF NOT EXISTS alone asks for the right to make one even then."""
    if await connection.fetchval("SELECT to_regnamespace($1) IS NULL", INTERNAL_SCHEMA):
        await connection.execute(create_schema(INTERNAL_SCHEMA))


async def _run(connect: Connect, folder: Folder, work: Callable[[SqlConnection, Folder], None]) -> None:
    engine = create_engine(connect)
    try:
        async with engine.connect() as connection:
            with placed(folder.path):
                await connection.run_sync(work, folder)
    except DBAPIError as error:
        raise _refused(error, place_of(error, folder.path)) from error
    finally:
        await engine.dispose()


def _run_online(connection: SqlConnection, folder: Folder, waits: LockWaits) -> None:
    with _environment(folder) as environment:
        options = _options(folder, waits)
        environment.configure(connection=connection, transaction_per_migration=True, **options)
        with environment.begin_transaction():
            environment.run_migrations()


def _stamp_online(connection: SqlConnection, folder: Folder) -> None:
    def steps(revision: Any, _context: MigrationContext) -> Any:
        return folder.scripts._stamp_revs("head", revision)  # noqa: SLF001 - as Alembic's own command does

    with EnvironmentContext(Config(), folder.scripts, fn=steps, destination_rev="head") as environment:
        environment.configure(connection=connection, **_VERSION_TABLE)
        with environment.begin_transaction():
            environment.run_migrations()


def _options(folder: Folder, waits: LockWaits) -> dict[str, Any]:
    return {**_VERSION_TABLE, LINEAGE: folder.lineage, WAITS_OPTION: waits}


def _environment(folder: Folder, **options: Any) -> EnvironmentContext:
    def steps(revision: Any, context: MigrationContext) -> Any:
        found = folder.scripts._upgrade_revs("head", revision)  # noqa: SLF001 - as every command of Alembic does
        at = set(context.get_current_heads())
        for step in found:
            step.migration_fn = recorded(step.migration_fn, sorted(at), numbers_of(step.revision))
            at = at - set(step.from_revisions) | set(step.to_revisions)
        return found

    return EnvironmentContext(Config(), folder.scripts, fn=steps, destination_rev="head", **options)


def _refused(error: DBAPIError, place: str) -> MigrationError:
    cause = error.orig.__cause__ if error.orig else None
    if not isinstance(cause, asyncpg.PostgresError):
        return MigrationError(f"nothing was changed: {error.orig}")
    told = refused(cause, str(error.statement))
    if isinstance(told, LockTimeoutError) or not place:
        return told
    return MigrationError(f"{told}\n  {place}")
