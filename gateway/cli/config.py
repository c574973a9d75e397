"""`rowgate config`: the effective settings."""

import os
from collections.abc import Callable

import click

from gateway.cli.options import SettingsCommand, with_settings
from gateway.config.load import Loaded
from gateway.config.show import show


@click.command(cls=SettingsCommand)
@with_settings()
def config(load: Callable[[], Loaded]) -> None:
    """Print the effective settings, and where each comes from. Secrets are hidden."""
    for line in show(load(), os.environ):
        click.echo(line)
