"""`rowgate pull`: write the protos that serve a database as it is."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from gateway.cli.failures import Failed, reported
from gateway.cli.file_changes import check_option, show_changes
from gateway.cli.on_database import Connect, run_on_database
from gateway.cli.options import SettingsCommand, with_settings
from gateway.config.load import Loaded
from gateway.proto_files.changes import write
from gateway.pull import Choices, Pulled, changes, pull_protos, read_choices

_CLOSE_SECONDS = 5


@click.command(cls=SettingsCommand)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="The folder of the protos, which `rowgate serve --protos` takes.",
)
@click.option("--schema", "schemas", multiple=True, metavar="NAME", help="A schema; all of them by default.")
@click.option(
    "--include", multiple=True, metavar="PATTERN", help="Tables, as `orders` or `sales.*`; all by default."
)
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Tables that are left out.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="VIEW=COLUMNS",
    help="A view's key, which PostgreSQL doesn't know, as `totals=customer_id,year`.",
)
@click.option("--methods", type=click.Choice(["read", "all"]), help="Whether services only read.")
@click.option("--package", metavar="NAME", help="What packages begin with; the database's name by default.")
@check_option
@click.option(
    "--rename",
    "renames",
    multiple=True,
    metavar="OLD=NEW",
    help="A table or column that has another name since the last pull, as `public.orders.total=amount`.",
)
@click.option(
    "--allow-breaking",
    is_flag=True,
    help="Write what breaks clients too: dropped columns and tables, other types.",
)
@with_settings("database")
def pull(
    load: Callable[[], Loaded],
    *,
    out: Path,
    check: bool,
    renames: Sequence[str],
    allow_breaking: bool,
    **flags: Any,
) -> None:
    """Write the protos that serve a database as it is.

    The database is read, and nothing in it changed. The folder's protos follow it, and keep what was written
    there by hand; the choices are kept in the folder too, so that they needn't be given again.
    """
    settings = load().settings
    with reported():
        choices = read_choices(out, flags)
        pulled = run_on_database(settings, lambda connect: _pulled(connect, out, choices, renames))
        found = changes(out, pulled) if pulled.files else ()
        for flag in pulled.unmet:
            click.echo(f"{flag}: finds no table or view that the role can see", err=True)
        if check:
            wrong = "the protos are not at the database; these would change"
            show_changes(found, wrong, "the protos are at the database", _breaks(pulled))
        elif pulled.broken and not allow_breaking:
            for line in _breaks(pulled):
                click.echo(line)
            raise Failed("clients would break, so nothing was written; --allow-breaking does it")
        elif pulled.files:
            write(out, found)
            for change in found:
                click.echo(change)
    click.echo(pulled.report)
    if not pulled.files:
        raise Failed("no table can be served, and nothing was written")


async def _pulled(connect: Connect, out: Path, choices: Choices, renames: Sequence[str]) -> Pulled:
    connection = await connect()
    try:
        return await pull_protos(connection, out, choices, renames)
    finally:
        await connection.close(timeout=_CLOSE_SECONDS)


def _breaks(pulled: Pulled) -> Iterator[str]:
    """Yield what tells of what would break clients, if anything."""
    if pulled.broken:
        yield "would break clients:"
        yield from (f"  {one}" for one in pulled.broken)
        yield from (f"if it was renamed: --rename {one}" for one in pulled.renames)
