"""`rowgate migrate`: bring the database to the schema."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource
from sqlalchemy import MetaData

from gateway import migrate as migrations
from gateway.cli.failures import Failed, Wrong, reported
from gateway.cli.on_database import run_on_database
from gateway.cli.options import SettingsGroup, with_settings
from gateway.cli.serving.plan import read_descriptors
from gateway.config.load import Loaded
from gateway.config.settings import Settings
from gateway.introspect.tables.ddl import DEFAULT_SCHEMA
from gateway.introspect.tables.model_tables import GATEWAY_TABLES
from gateway.introspect.tables.table_records import Name
from gateway.migrate import Connect, Found, LockWaits, MigrationError, Plan
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables

if TYPE_CHECKING:
    from alembic.script import Script

    from gateway.migrate import Folder

T = TypeVar("T")

_allow_destructive = click.option(
    "--allow-destructive",
    is_flag=True,
    help="Permit what loses data or constraints: dropped columns, keys and checks, narrower types.",
)
_adopt = click.option(
    "--adopt",
    metavar="TABLE",
    multiple=True,
    callback=lambda _ctx, _param, names: tuple(map(_name, names)),
    help="Let this table or enum type be changed though no migration made it; may be repeated.",
)
_contract = click.option(
    "--contract",
    is_flag=True,
    help="Drop the defaults that fill new columns for older gateways: none of those may run any more.",
)
_rename = click.option(
    "--rename",
    "renames",
    metavar="OLD=NEW",
    multiple=True,
    help="Rename a column for its field's other name, as `public.orders.total=amount`; may be repeated.",
)
_gateway_tables = click.option(
    "--gateway-tables",
    is_flag=True,
    help="Make the gateway's own tables, for request_id and Ingest, where others manage all of the schema's.",
)


def _name(text: str) -> Name:
    """Return `table` or `schema.table` as a name, its letters as the database has them, without quotes."""
    schema, dot, name = text.partition(".")
    return Name(schema, name) if dot else Name(DEFAULT_SCHEMA, schema)


@click.group(cls=SettingsGroup, invoke_without_command=True)
@click.option("--sql", is_flag=True, help="Only print the SQL, for psql.")
@click.option("--check", is_flag=True, help="Only say what differs; exit with status 1 where anything does.")
@_adopt
@_allow_destructive
@_contract
@_rename
@_gateway_tables
@with_settings("schema", "database")
@click.pass_context
def migrate(
    ctx: click.Context,
    *,
    load: Callable[[], Loaded],
    sql: bool,
    check: bool,
    adopt: tuple[Name, ...],
    allow_destructive: bool,
    contract: bool,
    renames: tuple[str, ...],
    gateway_tables: bool,
) -> None:
    """Bring the database to the schema.

    With a migrations folder its pending revisions are run; without one, what the schema has and the database
    lacks is made directly. Several may run at once: they take turns.
    """
    if ctx.invoked_subcommand is not None:
        _refuse_options_of(ctx)
        return
    if sql and check:
        raise click.UsageError("--sql and --check exclude each other")
    if check and renames:
        raise click.UsageError("--check and --rename exclude each other")
    settings = load().settings
    leave = {
        "adopted": adopt,
        "allow_destructive": allow_destructive,
        "contract": contract,
        "renames": renames,
    }
    with reported():
        metadata = _model(settings, gateway_tables=gateway_tables)
        folder = _folder(settings)
        if folder is not None and adopt:
            raise click.UsageError("revisions adopt tables: give --adopt to `rowgate migrate revision`")
        if folder is not None and renames:
            raise click.UsageError("revisions rename columns: give --rename to `rowgate migrate revision`")
        if folder is not None and contract:
            raise click.UsageError("revisions drop defaults: give --contract to `rowgate migrate revision`")
        if check:
            found = _run(
                settings,
                metadata,
                lambda to: migrations.differences(metadata, to, folder, adopted=adopt, contract=contract),
            )
            _check(found, by_revision=folder is not None and not found.pending)
        elif sql:
            _print_sql(settings, metadata, folder, **leave)
        elif folder is not None:
            _tell_upgrade(settings, metadata, folder, allow_destructive=allow_destructive)
        else:
            _tell_direct(settings, metadata, **leave)


@migrate.command()
@click.option("-m", "--message", required=True, help="What it is for, such as 'add flight'.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Its date; today (UTC) by default.")
@_adopt
@_allow_destructive
@_contract
@_rename
@_gateway_tables
@with_settings("schema", "database")
def revision(
    *,
    load: Callable[[], Loaded],
    message: str,
    day: datetime | None,
    adopt: tuple[Name, ...],
    allow_destructive: bool,
    contract: bool,
    renames: tuple[str, ...],
    gateway_tables: bool,
) -> None:
    """Write a revision that brings the migrations folder to the schema.

    The database, which tells what the folder has made so far, has to be at the folder's last revision.
    """
    settings = load().settings
    folder = _folder(settings)
    if folder is None:
        raise Wrong("no folder is named for the revision: give --migrations DIR")
    with reported():
        metadata = _model(settings, gateway_tables=gateway_tables)
        paths = _run(
            settings,
            metadata,
            lambda connect: migrations.revise(
                metadata,
                connect,
                folder,
                message,
                day=day.date() if day else _today(),
                adopted=adopt,
                allow_destructive=allow_destructive,
                contract=contract,
                renames=renames,
            ),
        )
    for path in paths:
        click.echo(f"wrote {path}")
    if not paths:
        click.echo("nothing to do: the folder is at the schema")


@migrate.command()
@click.option("-m", "--message", default="Baseline", show_default=True, help="What the revision is called.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Its date; today (UTC) by default.")
@_gateway_tables
@with_settings("schema", "database")
def baseline(*, load: Callable[[], Loaded], message: str, day: datetime | None, gateway_tables: bool) -> None:
    """Begin a migrations folder with a database that exists.

    Writes a first revision that stands for the tables that are there, and marks the database as at it; it
    isn't run here. Refuses where the database isn't at the schema. Where the folder has revisions already,
    the database is marked as at the last.
    """
    settings = load().settings
    folder = _folder(settings)
    if folder is None:
        raise Wrong("no folder is named for the revision: give --migrations DIR")
    with reported():
        metadata = _model(settings, gateway_tables=gateway_tables)
        done = _run(
            settings,
            metadata,
            lambda connect: migrations.baseline(
                metadata,
                connect,
                folder,
                message,
                day=day.date() if day else _today(),
                waits=_waits(settings),
            ),
        )
    if done.written:
        click.echo(f"wrote {done.written}")
    click.echo(f"the database counts as at {done.revision}, of which nothing was run")
    if done.others:
        click.echo(f"not made by Rowgate, and left alone: {', '.join(map(str, done.others))}", err=True)


def _refuse_options_of(ctx: click.Context) -> None:
    """Refuse options in front of the subcommand: they would be lost without a word."""
    given = [name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        raise click.UsageError(f"options go behind `{ctx.invoked_subcommand}`")


def _today() -> date:
    return datetime.now(UTC).date()


def _model(settings: Settings, *, gateway_tables: bool) -> MetaData:
    metadata = build_tables(read_schema(read_descriptors(settings.schema))).metadata
    if gateway_tables:
        metadata.info[GATEWAY_TABLES] = True
    return metadata


def _folder(settings: Settings) -> "Folder | None":
    path = settings.schema.migrations
    return migrations.Folder(path) if path is not None else None


def _waits(settings: Settings) -> LockWaits:
    seconds = settings.database.migrate_lock_timeout
    return LockWaits(seconds, tell=lambda text: click.echo(text, err=True))


def _check(found: Found, *, by_revision: bool) -> None:
    for difference in found.open:
        click.echo(difference)
    _tell_left(found.left)
    for fill in found.fills:
        click.echo(f"{fill}: --contract drops it once none of those runs", err=True)
    if found.open:
        advice = (
            "`rowgate migrate revision` writes what the folder lacks"
            if by_revision
            else "run `rowgate migrate`"
        )
        raise Failed(f"the database is not at the schema: {_counted(found.open, 'difference')}; {advice}")
    click.echo("the database is at the schema")


def _counted(things: Collection[object], noun: str) -> str:
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")


def _tell_left(left: Iterable[object]) -> None:
    """Say what differs harmlessly, and stays."""
    for difference in left:
        click.echo(f"not Rowgate's, left as it is: {difference}", err=True)


def _print_sql(settings: Settings, metadata: MetaData, folder: "Folder | None", **leave: Any) -> None:
    script = _run(
        settings,
        metadata,
        lambda connect: migrations.preview(metadata, connect, folder, waits=_waits(settings), **leave),
    )
    click.echo(script or "-- nothing to do")


def _tell_upgrade(
    settings: Settings, metadata: MetaData, folder: "Folder", *, allow_destructive: bool
) -> None:
    names = _run(
        settings,
        metadata,
        lambda connect: migrations.upgrade(
            folder, connect, allow_destructive=allow_destructive, tell=_tell_pending, waits=_waits(settings)
        ),
    )
    for name in names:
        click.echo(f"ran {name}")
    if not names:
        click.echo(f"nothing to do: the database is at the last revision of {folder.path}")
    found = _run(settings, metadata, lambda connect: migrations.differences(metadata, connect, folder))
    if found.open:
        click.echo(
            "the schema has differences that no revision makes (`rowgate migrate revision`):", err=True
        )
    for difference in found.open:
        click.echo(f"  {difference}", err=True)
    _tell_left(found.left)


def _tell_pending(pending: "Sequence[Script]") -> None:
    from gateway.migrate.revisions.folder import breaks_of, name_of  # noqa: PLC0415 - it needs Alembic

    for script in pending:
        click.echo(f"{name_of(script)}: {script.doc}")
        for break_ in breaks_of(script):
            click.echo(f"  gateways from before it fail: it {break_}")


def _tell_direct(settings: Settings, metadata: MetaData, **leave: Any) -> None:
    steps = _run(
        settings,
        metadata,
        lambda connect: migrations.apply(metadata, connect, tell=_tell_plan, waits=_waits(settings), **leave),
    )
    done = f"ran {_counted(steps, 'statement')}" if steps else "nothing to do: the database is at the schema"
    click.echo(done)


def _tell_plan(plan: Plan) -> None:
    for step in plan.steps:
        click.echo(step)
    for note in plan.notes:
        click.echo(note, err=True)
    _tell_left(plan.left)


def _run(settings: Settings, metadata: MetaData, work: Callable[[Connect], Awaitable[T]]) -> T:
    try:
        return run_on_database(settings, lambda to: migrations.naming_grants(to, metadata, work))
    except MigrationError as error:
        raise Failed(str(error)) from error
