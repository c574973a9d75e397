"""`rowgate protos`: lay out the .proto files that schemas import, for other tools."""

from collections.abc import Sequence
from pathlib import Path

import click

from gateway.cli.failures import Failed, reported
from gateway.cli.file_changes import check_option, show_changes
from gateway.proto_files.changes import Change, write
from gateway.schema.protos.shipped import MODULES, shipped_protos


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@check_option
@click.option("--overwrite", is_flag=True, help="Overwrite files that differ.")
def protos(folder: Path, *, check: bool, overwrite: bool) -> None:
    """Write the .proto files that schemas import into DIR, for buf, protoc and editors.

    `rowgate serve` finds them by itself. They are two modules of buf's: DIR/rowgate has the annotations,
    DIR/googleapis what they and schemas import of Google's. Other files in DIR stay.
    """
    with reported():
        found = _differences(folder)
        if check:
            show_changes(found, "these differ from Rowgate's", "the files are Rowgate's")
            return
        differing = [change.path for change in found if change.before]
        if differing and not overwrite:
            raise Failed(f"--overwrite isn't given, and these differ from Rowgate's: {', '.join(differing)}")
        write(folder, found)
    for change in found:
        click.echo(change)
    modules = "".join(f"\n  - path: {(folder / module).as_posix()}" for module in MODULES)
    click.echo(f"the modules for buf.yaml:{modules}")


def _differences(folder: Path) -> Sequence[Change]:
    """Compare the folder's files with those that come with Rowgate."""
    return [
        Change(name, before, text)
        for name, text in shipped_protos().items()
        if (before := _text(folder / name)) != text
    ]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
