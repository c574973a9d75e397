"""`rowgate migrate`: bring the database to the schema."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime
from typing import TypeVar

import asyncpg
import click
from click.core import ParameterSource
from sqlalchemy import MetaData

from gateway import migrate as migrations
from gateway.cli.failures import Failed, Wrong, reported
from gateway.cli.options import with_settings
from gateway.cli.serve import read_descriptors
from gateway.config.load import Loaded
from gateway.config.settings import Settings
from gateway.db.database import Database
from gateway.db.embedded import EmbeddedPostgres
from gateway.db.engine import connector
from gateway.db.where import database_settings, embedded_folder
from gateway.migrate import Connect, Folder, MigrationError
from gateway.schema.read import read_schema
from gateway.schema.tables import build_tables

T = TypeVar("T")

_allow_destructive = click.option(
    "--allow-destructive", is_flag=True, help="Permit what loses data: dropped columns, narrower types."
)


@click.group(invoke_without_command=True)
@click.option("--sql", is_flag=True, help="Only print the SQL, for psql.")
@click.option("--check", is_flag=True, help="Only say what differs; exit with status 1 where anything does.")
@_allow_destructive
@with_settings("schema", "database")
@click.pass_context
def migrate(ctx: click.Context, loaded: Loaded, sql: bool, check: bool, allow_destructive: bool) -> None:  # noqa: FBT001 - click's flags
    """Bring the database to the schema.

    With a migrations folder its pending revisions are run; without one, what the schema has and the database
    lacks is made directly. Several may run at once: they take turns.
    """
    if ctx.invoked_subcommand is not None:
        _refuse_options_of(ctx)
        return
    if sql and check:
        raise click.UsageError("--sql and --check exclude each other")
    settings = loaded.settings
    with reported():
        metadata, folder = _model(settings), _folder(settings)
        if check:
            _check(_run(settings, lambda connect: migrations.differences(metadata, connect, folder)))
        elif sql:
            _print_sql(settings, metadata, folder, allow_destructive=allow_destructive)
        elif folder is not None:
            _tell_upgrade(settings, metadata, folder, allow_destructive=allow_destructive)
        else:
            _tell_direct(settings, metadata, allow_destructive=allow_destructive)


@migrate.command()
@click.option("-m", "--message", required=True, help="What it is for, such as 'add flight'.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Its date; today (UTC) by default.")
@_allow_destructive
@with_settings("schema", "database")
def revision(loaded: Loaded, message: str, day: datetime | None, allow_destructive: bool) -> None:  # noqa: FBT001 - click's flag
    """Write a revision that brings the migrations folder to the schema.

    The database, which tells what the folder has made so far, has to be at the folder's last revision.
    """
    settings = loaded.settings
    folder = _folder(settings)
    if folder is None:
        raise Wrong("no folder is named for the revision: give --migrations DIR")
    with reported():
        metadata = _model(settings)
        path = _run(
            settings,
            lambda connect: migrations.revise(
                metadata,
                connect,
                folder,
                message,
                day=day.date() if day else _today(),
                allow_destructive=allow_destructive,
            ),
        )
    click.echo(f"wrote {path}" if path else "nothing to do: the folder is at the schema")


def _refuse_options_of(ctx: click.Context) -> None:
    """Refuse options in front of the subcommand: they would be lost without a word."""
    given = [name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        raise click.UsageError(f"options go behind `{ctx.invoked_subcommand}`")


def _today() -> date:
    return datetime.now(UTC).date()


def _model(settings: Settings) -> MetaData:
    return build_tables(read_schema(read_descriptors(settings.schema))).metadata


def _folder(settings: Settings) -> Folder | None:
    path = settings.schema.migrations
    return Folder(path) if path is not None else None


def _check(found: tuple[str, ...]) -> None:
    for difference in found:
        click.echo(difference)
    if found:
        raise Failed(f"the database is not at the schema: {len(found)} differences; run `rowgate migrate`")
    click.echo("the database is at the schema")


def _print_sql(
    settings: Settings, metadata: MetaData, folder: Folder | None, *, allow_destructive: bool
) -> None:
    script = _run(
        settings,
        lambda connect: migrations.preview(metadata, connect, folder, allow_destructive=allow_destructive),
    )
    click.echo(script or "-- nothing to do")


def _tell_upgrade(settings: Settings, metadata: MetaData, folder: Folder, *, allow_destructive: bool) -> None:
    names = _run(
        settings, lambda connect: migrations.upgrade(folder, connect, allow_destructive=allow_destructive)
    )
    for name in names:
        click.echo(f"ran {name}")
    if not names:
        click.echo(f"nothing to do: the database is at the last revision of {folder.path}")
    left = _run(settings, lambda connect: migrations.differences(metadata, connect, folder))
    if left:
        click.echo(
            "the schema has differences that no revision makes (`rowgate migrate revision`):", err=True
        )
    for difference in left:
        click.echo(f"  {difference}", err=True)


def _tell_direct(settings: Settings, metadata: MetaData, *, allow_destructive: bool) -> None:
    steps = _run(
        settings, lambda connect: migrations.apply(metadata, connect, allow_destructive=allow_destructive)
    )
    for step in steps:
        click.echo(f"{step.sql};")
    click.echo(f"ran {len(steps)} statements" if steps else "nothing to do: the database is at the schema")


def _run(settings: Settings, work: Callable[[Connect], Awaitable[T]]) -> T:
    """Run something on the database that the settings name, the embedded one where they name none."""
    try:
        return asyncio.run(_with_database(settings, work))
    except MigrationError as error:
        raise Failed(str(error)) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Failed(f"the database can't be used: {error}") from error


async def _with_database(settings: Settings, work: Callable[[Connect], Awaitable[T]]) -> T:
    async with AsyncExitStack() as opened:
        folder, dsn = embedded_folder(settings.database), None
        if folder is not None:
            embedded = EmbeddedPostgres(folder)
            opened.push_async_callback(asyncio.to_thread, embedded.stop)
            dsn = await asyncio.to_thread(embedded.start)
        where = database_settings(settings.database, dsn)
        # Waits for a server that isn't there yet, as `rowgate serve` does.
        await (await Database.open(where)).close()
        return await work(connector(where))
