"""Changes of files, as the commands that write protos show them instead: `--check`."""

from collections.abc import Iterable, Sequence

import click

from gateway.cli.failures import Failed
from gateway.proto_files.changes import Change

check_option = click.option(
    "--check", is_flag=True, help="Only show what would change; exit with status 1 where anything would."
)


def show_changes(found: Sequence[Change], wrong: str, right: str, notes: Iterable[str] = ()) -> None:
    """Show what would change; raise Failed where anything would.

    Args:
        found: the changes.
        wrong: what they mean; the files' names follow it.
        right: what is said where there are none.
        notes: lines that follow the differences.

    """
    for change in found:
        click.echo(change.difference(), nl=False)
    for note in notes:
        click.echo(note)
    if found:
        raise Failed(f"{wrong}: {', '.join(change.path for change in found)}")
    click.echo(right)
