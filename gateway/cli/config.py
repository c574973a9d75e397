"""`rowgate config`: the effective settings."""

import os

import click

from gateway.cli.options import with_settings
from gateway.config.load import Loaded
from gateway.config.show import show


@click.command()
@with_settings()
def config(loaded: Loaded) -> None:
    """Print the effective settings, and where each comes from. Secrets are hidden."""
    for line in show(loaded, os.environ):
        click.echo(line)
