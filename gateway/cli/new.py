"""`rowgate new`: make a project that runs."""

from pathlib import Path

import click

from gateway.cli.failures import Wrong, reported
from gateway.proto_files.changes import Change, write
from gateway.proto_files.services import STANDARD
from gateway.scaffold import BadNameError, Wishes, project_files, scaffolded


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def new(folder: Path) -> None:
    """Make a project in DIR: one table, its service, settings and files for buf.

    Its package is called as DIR. Nothing is overwritten: DIR is new, or empty but for .git.
    """
    try:
        files = project_files(folder.resolve().name)
    except BadNameError as error:
        raise Wrong(f"{folder}: {error}") from error
    with reported():
        if folder.exists() and (not folder.is_dir() or {one.name for one in folder.iterdir()} - {".git"}):
            raise Wrong(f"{folder} is there already, and not empty: nothing in it is overwritten")
        write(folder, [Change(path, "", text) for path, text in files.items()])
        protos = folder / "protos"
        write(protos, scaffolded(protos, ["."], Wishes(STANDARD)))
    steps = ("rowgate migrate", "rowgate serve --watch")
    click.echo(f"made {folder}; next:")
    for step in steps if folder.resolve() == Path.cwd() else (f"cd {folder}", *steps):
        click.echo(f"  {step}")
