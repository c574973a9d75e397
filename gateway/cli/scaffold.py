"""`rowgate scaffold`: write the services, requests and responses that tables lack."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import click

from gateway.cli.failures import Wrong, reported
from gateway.cli.file_changes import check_option, show_changes
from gateway.cli.options import SettingsCommand, with_settings
from gateway.config.load import Loaded
from gateway.proto_files.changes import write
from gateway.proto_files.comments import METHODS
from gateway.proto_files.services import READS, STANDARD
from gateway.scaffold import Wishes, scaffolded
from gateway.schema.model import MethodKind
from gateway.schema.services.standard_methods import SHAPES


def _kinds(_context: click.Context, _parameter: click.Parameter, given: str) -> Collection[MethodKind]:
    """Return the methods that are asked for: `all`, `read`, or names divided by commas."""
    if given in ("all", "read"):
        return STANDARD if given == "all" else READS
    known = {SHAPES[kind].name: kind for kind in METHODS}
    names = [name.strip() for name in given.split(",")]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}: use all, read, or some of {', '.join(known)}")
    return [known[name] for name in names]


@click.command(cls=SettingsCommand)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option(
    "--methods",
    "kinds",
    default="all",
    callback=_kinds,
    metavar="METHODS",
    help="all, read, or names divided by commas, as `Get,List`.",
)
@click.option(
    "--rest/--no-rest",
    default=None,
    help="Whether new methods have routes of REST; by default as the others of their service.",
)
@check_option
@with_settings("schema.protos")
def scaffold(
    load: Callable[[], Loaded],
    *,
    paths: Sequence[Path],
    kinds: Collection[MethodKind],
    rest: bool | None,
    check: bool,
) -> None:
    """Write the services, requests and responses that tables lack.

    A PATH is a file of tables or a folder of them; all tables by default.

    What you wrote stays: only methods, messages and fields that are missing are added.
    """
    folder = load().settings.schema.protos
    if folder is None:
        raise Wrong("schema.protos is not set: give --protos DIR")
    with reported():
        chosen = [_within(folder, path) for path in paths] or ["."]
        found = scaffolded(folder, chosen, Wishes(kinds, rest))
        if check:
            show_changes(found, "something is missing; these would change", "nothing is missing")
            return
        write(folder, found)
    for change in found:
        click.echo(change)
    if not found:
        click.echo("nothing is missing")


def _within(folder: Path, path: Path) -> str:
    """Return a path as imports have it; it may be given from here, or from the folder of protos."""
    found = next((one for one in (path, folder / path) if one.exists()), None)
    if found is None:
        raise Wrong(f"{path} is neither here nor in {folder}")
    if not found.resolve().is_relative_to(folder.resolve()):
        raise Wrong(f"{path} is not in {folder}, the folder of protos: name another with --protos")
    return found.resolve().relative_to(folder.resolve()).as_posix()
