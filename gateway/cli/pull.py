"""`rowgate pull`: write the protos that serve a database as it is."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from gateway.cli.failures import Failed, reported
from gateway.cli.on_database import Connect, run_on_database
from gateway.cli.options import with_settings
from gateway.config.load import Loaded
from gateway.pull import Change, Choices, Pulled, changes, pull_protos, read_choices, write

_CLOSE_SECONDS = 5


@click.command()
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
@click.option(
    "--check", is_flag=True, help="Only show what would change; exit with status 1 where anything would."
)
@with_settings("database")
def pull(load: Callable[[], Loaded], *, out: Path, check: bool, **flags: Any) -> None:
    """Write the protos that serve a database as it is.

    The database is read, and nothing in it changed. What the folder's protos say of names and numbers stays;
    the choices are kept in the folder too, so that they needn't be given again.
    """
    settings = load().settings
    with reported():
        choices = read_choices(out, flags)
        pulled = run_on_database(settings, lambda connect: _pulled(connect, out, choices))
        found = changes(out, pulled) if pulled.files else ()
        if check:
            _show(found)
        elif pulled.files:
            write(out, found)
            for change in found:
                click.echo(change)
    click.echo(pulled.report)
    if not pulled.files:
        raise Failed("no table can be served, and nothing was written")


async def _pulled(connect: Connect, out: Path, choices: Choices) -> Pulled:
    connection = await connect()
    try:
        return await pull_protos(connection, out, choices)
    finally:
        await connection.close(timeout=_CLOSE_SECONDS)


def _show(found: Sequence[Change]) -> None:
    for change in found:
        click.echo(change.difference(), nl=False)
    if found:
        paths = ", ".join(change.path for change in found)
        raise Failed(f"the protos are not at the database; these would change: {paths}")
    click.echo("the protos are at the database")
